import { kindOf } from '@busbar/core/driver'

/** Throws a `TypeError` for an option that is given and no function. */
export function assertFunction(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`${what} must be a function, not ${kindOf(value)}`)
}
