import { kindOf, promised } from '@busbar/core/driver'

/** Throws a `TypeError` for an option that is given and cannot answer yes or no at once. */
export function assertPredicate(what: string, value: unknown): void {
  if (value === undefined) return
  if (typeof value !== 'function') throw new TypeError(`${what} must be a function, not ${kindOf(value)}`)
  if (Object.prototype.toString.call(value) === '[object AsyncFunction]') throw atOnce(what)
}

/** Is the answer of a predicate yes, which only `true` is? Throws a `TypeError` for a promise, which would be a yes whatever it holds. */
export function isYes(what: string, answer: unknown): boolean {
  const late = promised(answer)
  if (!(late instanceof Promise)) return answer === true
  // Nobody else will look at it.
  late.catch(() => {})
  throw atOnce(what)
}

function atOnce(what: string): TypeError {
  return new TypeError(`${what} must answer true or false at once, not with a promise`)
}
