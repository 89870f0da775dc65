/** Calls a user's observer; what it throws, or its promise rejects with, must not change the outcome of a message. */
export function tell<Event>(observer: ((event: Event) => unknown) | undefined, event: Event): void {
  try {
    const answer = observer?.(event)
    // There is nobody else to tell.
    if (answer instanceof Promise) answer.catch(() => {})
  } catch {
    // Nor here.
  }
}
