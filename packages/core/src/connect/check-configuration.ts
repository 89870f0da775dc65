import { checkKeys, commonChecks, fail, type Check } from '../broker/check-options.ts'
import type { BrokerConfiguration } from './types.ts'

const isDriver: Check = (path, value) => {
  const name = typeof value === 'object' && value !== null ? (value as { readonly name?: unknown }).name : value
  if (typeof name !== 'string' || name === '') fail(`${path} must be a URL or an object with the name of a driver`)
}

const checks = commonChecks(isDriver)

/**
 * Throws `ERR_CONFIGURATION` unless `value` has the form of a {@link BrokerConfiguration}. Names keys, never values: they may be secret.
 * `what` begins the message.
 */
export function checkConfiguration(what: string, value: unknown): asserts value is BrokerConfiguration {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(`${what} must be an object with a driver`)
  checkKeys(what, value, checks, ': ')
  if ((value as Partial<BrokerConfiguration>).driver === undefined) fail(`${what}: driver is missing`)
}
