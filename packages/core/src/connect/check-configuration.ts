import { BrokerError } from '../errors.ts'
import { suggestion } from '../nearest.ts'
import type { BrokerConfiguration } from './types.ts'

type Check = (value: unknown) => string | undefined

const configurationKeys = ['driver', 'routes', 'emulate', 'provision']
const deadLetterKeys = ['destination', 'driver']

const isText: Check = (value) => (typeof value === 'string' && value !== '' ? undefined : 'must be a text')
const isPlainObject: Check = (value) => (isObject(value) ? undefined : 'must be an object')
const isDriver: Check = (value) =>
  isText(value) === undefined || (isObject(value) && isText(value['name']) === undefined) ? undefined : 'must be a URL or an object with the name of a driver'
const isEmulations: Check = (value) =>
  Array.isArray(value) ? value.map(oneOf('filter')).find((problem) => problem !== undefined) : "must be a list: ['filter']"
const isAttempts: Check = (value) =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 100 ? undefined : 'must be a whole number from 1 to 100'

const routeChecks: Readonly<Record<string, Check>> = {
  driver: isDriver,
  name: isText,
  deadLetter: (value) => (isObject(value) ? undefined : oneOf('drop', 'block')(value)),
  maxAttempts: isAttempts,
  emulate: isEmulations,
  ordering: oneOf('best-effort'),
  delivery: oneOf('at-most-once'),
  options: isPlainObject,
}

/**
 * Throws `ERR_CONFIGURATION` unless `value` has the form of a {@link BrokerConfiguration}. Names keys, never values: they may be secret.
 * `what` begins the message.
 */
export function checkConfiguration(what: string, value: unknown): asserts value is BrokerConfiguration {
  if (!isObject(value)) fail(`${what} must be an object with a driver`)
  checkKeys(what, value, configurationKeys)
  if (value['driver'] === undefined) fail(`${what}: driver is missing`)
  check(`${what}: driver`, value['driver'], isDriver)
  if (value['emulate'] !== undefined) check(`${what}: emulate`, value['emulate'], isEmulations)
  if (value['provision'] !== undefined) check(`${what}: provision`, value['provision'], oneOf('create', 'verify', 'none'))
  if (value['routes'] === undefined) return
  check(`${what}: routes`, value['routes'], isPlainObject)
  for (const [name, route] of Object.entries(value['routes'] as object)) checkRoute(`${what}: routes.${name}`, route)
}

/** Throws `ERR_CONFIGURATION` for the first key that is not known, naming the nearest. */
export function checkKeys(what: string, value: object, known: readonly string[]): void {
  for (const key of Object.keys(value)) if (!known.includes(key)) fail(`${what}: unknown option '${key.slice(0, 64)}'${suggestion(key, known)}`)
}

export function fail(text: string): never {
  throw new BrokerError('ERR_CONFIGURATION', text)
}

function checkRoute(what: string, route: unknown): void {
  if (!isObject(route)) fail(`${what} must be an object`)
  checkKeys(what, route, Object.keys(routeChecks))
  for (const [key, checkOption] of Object.entries(routeChecks)) if (route[key] !== undefined) check(`${what}.${key}`, route[key], checkOption)
  const { deadLetter } = route
  if (!isObject(deadLetter)) return
  checkKeys(`${what}.deadLetter`, deadLetter, deadLetterKeys)
  if (deadLetter['destination'] !== undefined) check(`${what}.deadLetter.destination`, deadLetter['destination'], isText)
  if (deadLetter['driver'] !== undefined) check(`${what}.deadLetter.driver`, deadLetter['driver'], isDriver)
}

function check(what: string, value: unknown, test: Check): void {
  const problem = test(value)
  if (problem !== undefined) fail(`${what} ${problem}`)
}

function oneOf(...choices: readonly string[]): Check {
  return (value) => (choices.includes(value as string) ? undefined : `must be ${choices.map((choice) => `'${choice}'`).join(' or ')}`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
