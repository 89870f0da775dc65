import { BrokerError } from '../errors.ts'
import { kindOf } from '../kind-of.ts'
import { unknownOption } from '../nearest.ts'

/** Throws `ERR_CONFIGURATION` unless `value` may stand at `path`. Names keys, never values: they may be secret. */
export type Check = (path: string, value: unknown) => void

export function fail(text: string): never {
  throw new BrokerError('ERR_CONFIGURATION', text)
}

/** An object with no other keys than those of `checks`, each of which is checked if it is set. `join` stands between the path and a key. */
export function checkKeys(path: string, value: unknown, checks: Readonly<Record<string, Check>>, join: string = '.'): void {
  for (const [key, member] of Object.entries(isObject(path, value))) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined
    if (!check) fail(unknownOption(path, key, Object.keys(checks)))
    if (member !== undefined) check(path + join + key, member)
  }
}

/** The options that code and configuration have in common; the two differ in what a driver is. */
export function commonChecks(isDriver: Check): Readonly<Record<string, Check>> {
  const route: Readonly<Record<string, Check>> = {
    driver: isDriver,
    name: isText,
    deadLetter: (path, value) =>
      typeof value === 'object' ? checkKeys(path, value, { destination: isText, driver: isDriver, options: isObject }) : oneOf('drop', 'block')(path, value),
    maxAttempts: (path, value) => expect(Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 100, path, 'a whole number from 1 to 100'),
    nativeLimit: (path, value) => expect(value === false, path, 'false, or left out'),
    emulate: isEmulations,
    ordering: oneOf('best-effort'),
    delivery: oneOf('at-most-once'),
    options: isObject,
  }
  return {
    driver: isDriver,
    routes: (path, value) => {
      for (const [name, options] of Object.entries(isObject(path, value) as Readonly<Record<string, unknown>>)) {
        const place = `${path}.${name}`
        if (typeof options === 'object' && options && !('connect' in options)) checkKeys(place, options, route)
        else isDriver(place, options)
      }
    },
    emulate: isEmulations,
    provision: oneOf('create', 'verify', 'none'),
  }
}

export function isObject(path: string, value: unknown): object {
  expect(typeof value === 'object' && value !== null && !Array.isArray(value), path, 'an object')
  return value as object
}

export const isFunction: Check = (path, value) => expect(typeof value === 'function', path, 'a function')

/** Members that an object must have as functions; `what` says what it is. */
export function hasFunctions(what: string, ...names: readonly string[]): Check {
  return (path, value) => {
    const members = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
    expect(
      names.every((name) => typeof members[name] === 'function'),
      path,
      `${what}, not ${kindOf(value)}`,
    )
  }
}

export const isText: Check = (path, value) => expect(typeof value === 'string' && value !== '', path, 'a text')

const isEmulations: Check = (path, value) => {
  expect(Array.isArray(value), path, "a list: ['filter']")
  for (const emulation of value as unknown[]) oneOf('filter')(path, emulation)
}

function oneOf(...choices: readonly string[]): Check {
  return (path, value) => expect(choices.includes(value as string), path, choices.map((choice) => `'${choice}'`).join(' or '))
}

function expect(holds: boolean, path: string, what: string): void {
  if (!holds) fail(`${path} must be ${what}`)
}
