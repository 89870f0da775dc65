/** Throws a `TypeError` for an option that is given and no function. */
export function assertFunction(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`${what} must be a function, not ${value === null ? 'null' : typeof value}`)
}

/** Tells whoever only listens. What a listener throws must change nothing about a message. */
export function tell<Event>(listener: ((event: Event) => void) | undefined, event: Event): void {
  try {
    listener?.(event)
  } catch {
    // Documented: what it throws is ignored.
  }
}
