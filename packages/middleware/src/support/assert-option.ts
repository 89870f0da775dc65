import { kindOf } from '@busbar/core/driver'

/** Throws a `TypeError` for an option that is given and no function. */
export function assertFunction(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`${what} must be a function, not ${kindOf(value)}`)
}

/** Throws a `TypeError` for an option that is given and no text. */
export function assertText(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw new TypeError(`${what} must be a text, not ${kindOf(value)}`)
}
