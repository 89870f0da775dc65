import { assertKnownKeys, kindOf } from '@busbar/core/driver'

/** Throws a `TypeError` for options that are no object, and for an option that is unknown. */
export function assertOptions(what: string, options: object, known: readonly string[]): void {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || (options as object | null) === null || Array.isArray(options))
    throw new TypeError(`${what}: options must be an object, not ${kindOf(options)}`)
  // What a chain gives to a function in it.
  if ('capabilities' in options && 'clock' in options) throw new TypeError(`${what}: in use there must be what ${what}({ … }) returns, not ${what} itself`)
  assertKnownKeys(what, options, known)
}

/** Throws a `TypeError` for an option that is given and no function. */
export function assertFunction(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`${what} must be a function, not ${kindOf(value)}`)
}

/** Throws a `TypeError` for an option that is given and no text. */
export function assertText(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw new TypeError(`${what} must be a text, not ${kindOf(value)}`)
}
