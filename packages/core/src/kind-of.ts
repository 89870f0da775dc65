/** What a value is, for texts: `null`, `an array`, or its `typeof`. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : typeof value
}

/** Throws a `TypeError` for what is given as a signal and is none: it would fail half-way. */
export function checkSignal(what: string, signal: AbortSignal | undefined): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError(`${what}: signal must be an AbortSignal, not ${kindOf(signal)}`)
}
