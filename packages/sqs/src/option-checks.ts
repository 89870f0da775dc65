import { OptionChecks } from './checks.ts'
import { configuration } from './errors.ts'

/** Of this driver. */
export const checks: OptionChecks = new OptionChecks('sqs', configuration)

export const checkKnown: OptionChecks['known'] = checks.known
export const integer: OptionChecks['integer'] = checks.integer
export const wholeSeconds: OptionChecks['wholeSeconds'] = checks.wholeSeconds
export const booleanOf: OptionChecks['boolean'] = checks.boolean
export const textOf: OptionChecks['text'] = checks.text

export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}
