import { WireError } from './wire-error.ts'

/** Parameters of a request. They come from outside: nothing is known of their types. */
export type Input = Readonly<Record<string, unknown>>

export function isInput(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function optionalText(input: Input, name: string): string | undefined {
  const value = input[name]
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined
  throw malformed(name)
}

/** Throws `MissingParameter` if it is absent or empty. */
export function text(input: Input, name: string): string {
  const value = optionalText(input, name)
  if (value === undefined || value === '') throw missing(name)
  return value
}

export function optionalInteger(input: Input, name: string, least: number, most: number): number | undefined {
  const value = input[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) throw malformed(name)
  if (value < least || value > most) throw invalid(name, value, `Must be between ${least} and ${most}, if provided.`)
  return value
}

/** A map of texts; empty if it is absent. */
export function textMap(input: Input, name: string): Map<string, string> {
  const map = inputMap(input, name)
  return new Map([...map.keys()].map((key) => [key, optionalText(input[name] as Input, key) ?? '']))
}

export function inputMap(input: Input, name: string): Map<string, unknown> {
  const value = input[name]
  if (value === undefined || value === null) return new Map()
  if (!isInput(value)) throw malformed(name)
  return new Map(Object.entries(value))
}

/** A list of texts; empty if it is absent. */
export function texts(input: Input, name: string): string[] {
  return list(input, name).map((value) => {
    if (typeof value !== 'string') throw malformed(name)
    return value
  })
}

/** A list of structures; empty if it is absent. */
export function inputs(input: Input, name: string): Input[] {
  return list(input, name).map((value) => {
    if (!isInput(value)) throw malformed(name)
    return value
  })
}

export function missing(name: string, code: 'MissingParameter' | 'InvalidParameterValue' = 'MissingParameter'): WireError {
  return new WireError(code, `The request must contain the parameter ${name}.`)
}

export function invalid(name: string, value: unknown, reason: string): WireError {
  return new WireError('InvalidParameterValue', `Value ${String(value).slice(0, 300)} for parameter ${name} is invalid. Reason: ${reason}`)
}

function list(input: Input, name: string): readonly unknown[] {
  const value = input[name]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw malformed(name)
  return value
}

function malformed(name: string): WireError {
  return new WireError('SerializationException', `${name} has a wrong type`)
}
