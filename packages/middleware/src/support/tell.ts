/** Calls a user's observer; what it throws must not change the outcome of a message. */
export function tell<Event>(observer: ((event: Event) => void) | undefined, event: Event): void {
  try {
    observer?.(event)
  } catch {
    // There is nobody else to tell.
  }
}
