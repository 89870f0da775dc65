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
  throw configuration(`mqtt: option '${name}' must be a whole number from ${min} to ${max}`)
}

/** MQTT counts in whole seconds. */
export function wholeSeconds(name: string, value: unknown, fallback: number, min: number, max: number): number {
  const ms = integer(name, value, fallback, min, max)
  if (ms % 1_000 === 0) return ms
  throw configuration(`mqtt: option '${name}' must be a multiple of 1000, because MQTT counts it in whole seconds`)
}

export function oneOf<const T extends string | number>(name: string, value: unknown, alternatives: readonly T[], fallback: T): T {
  if (value === undefined) return fallback
  const found = alternatives.find((alternative) => alternative === value)
  if (found !== undefined) return found
  throw configuration(`mqtt: option '${name}' must be ${alternatives.map((one) => (typeof one === 'string' ? `'${one}'` : one)).join(' or ')}`)
}

export function booleanOf(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw configuration(`mqtt: option '${name}' must be true or false`)
}

/** `form` says in words what `pattern` takes. */
export function textLike(name: string, value: unknown, fallback: string, pattern: RegExp, form: string): string {
  if (value === undefined) return fallback
  if (typeof value === 'string' && pattern.test(value)) return value
  throw configuration(`mqtt: option '${name}' must be ${form}`)
}

export function optionalText(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && Buffer.byteLength(value) <= 65_535 && !value.includes('\0') && value.isWellFormed()) return value
  throw configuration(`mqtt: option '${name}' must be a text of at most 65,535 bytes`)
}
