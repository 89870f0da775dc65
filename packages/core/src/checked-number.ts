/**
 * `value`, if it is a number from `least` to `most`; else throws a `RangeError`: `consume: concurrency must be an integer from 1 to 10,000, not 0`.
 * Infinity is refused unless `most` is Infinity.
 */
export function checkedNumber(what: string, value: number, least: number, most: number = Number.MAX_VALUE): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  return refuse('a number', what, value, least, most)
}

/** {@link checkedNumber} for whole numbers. */
export function checkedInteger(what: string, value: number, least: number, most: number = Number.MAX_VALUE): number {
  if ((Number.isInteger(value) || value === Infinity) && value >= least && value <= most) return value
  return refuse('an integer', what, value, least, most)
}

function refuse(kind: string, what: string, value: unknown, least: number, most: number): never {
  const bounds = most < Number.MAX_VALUE ? `from ${least} to ${most.toLocaleString('en')}` : `≥ ${least}`
  throw new RangeError(`${what} must be ${kind} ${bounds}, not ${String(value)}`)
}
