import { suggestion } from '@busbar/core/driver'
import { configuration } from './errors.ts'

/** Throws `ERR_CONFIGURATION` for the first key that is not known, with the nearest one. */
export function checkKnown(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw configuration(`${what}: an object of options is needed`)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw configuration(`${what}: unknown option '${name.slice(0, 64)}'${suggestion(name, names)}`)
  }
}

export function integer(name: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number
  throw configuration(`kinesis: option '${name}' must be a whole number from ${min} to ${max}`)
}

/** Bounds in both directions that are not whole. */
export function number(name: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw configuration(`kinesis: option '${name}' must be a number from ${min} to ${max}`)
}

/** A multiple of `unit`, in which the service counts. */
export function wholeUnits(name: string, value: unknown, unit: number, min: number, max: number): number {
  const whole = integer(name, value, min, min, max)
  if (whole % unit === 0) return whole
  throw configuration(`kinesis: option '${name}' must be a multiple of ${unit}`)
}

export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}

export function booleanOf(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw configuration(`kinesis: option '${name}' must be true or false`)
}

export function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '' && value.length <= 2_048) return value
  throw configuration(`kinesis: option '${name}' must be a text of 1 to 2,048 characters`)
}
