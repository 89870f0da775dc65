/** What `T` looks like after a trip through JSON: what ordering keys, ids and filters are computed from. */
export type JsonView<T> = 0 extends 1 & T
  ? T
  : T extends { toJSON(): infer J }
    ? JsonView<J>
    : T extends string | number | boolean | null
      ? T
      : T extends undefined | symbol | ((...args: never[]) => unknown)
        ? undefined
        : T extends bigint | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
          ? never
          : T extends ArrayBufferView
            ? T
            : T extends object
              ? { readonly [K in keyof T]: JsonView<T[K]> }
              : T

/** What JSON makes of a value: the same again, something else (a `Date` becomes text, `undefined` is left out), or less than it was. */
export type Survey = 'plain' | 'altered' | Lost

/** The first thing that would be lost. */
export interface Lost {
  readonly what: string
  readonly remedy: string
  /** Keys from the inside out. */
  readonly path: string[]
}

/** Recursion ends only for values without cycles. */
export function survey(value: unknown): Survey {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return 'plain'
    case 'number':
      return Number.isFinite(value) ? 'plain' : lost(String(value), 'would become null')
    case 'object':
      return value === null ? 'plain' : Array.isArray(value) ? surveyArray(value) : surveyObject(value)
    default:
      return lost(typeof value, 'cannot be sent as JSON')
  }
}

function surveyArray(array: readonly unknown[]): Survey {
  let all: Survey = 'plain'
  for (let index = 0; index < array.length; index++) {
    const found = survey(array[index])
    if (typeof found === 'object') return inside(found, String(index))
    if (found === 'altered') all = found
  }
  return all
}

function surveyObject(value: object, converted = false): Survey {
  const prototype: unknown = Object.getPrototypeOf(value)
  let all: Survey = prototype === Object.prototype || prototype === null ? 'plain' : 'altered'
  if (all === 'altered') {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? lost('an invalid Date', 'would become null') : all
    // oxlint-disable-next-line unicorn/no-instanceof-builtins -- it is exactly what JSON unwraps; one of another realm is only surveyed less well.
    if (value instanceof Number) return altered(survey(Number(value)))
    if (value instanceof Map || value instanceof Set) return lost(`a ${value.constructor.name}`, 'would lose its entries; send an array or an object')
    if (ArrayBuffer.isView(value)) return lost('binary data', 'is not JSON; send it with the bytes codec or as base64 text')
  }
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function' && !converted) return surveyConverted(toJSON.call(value, ''))
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    const found = member === undefined || member === toJSON ? 'altered' : survey(member)
    if (found === 'plain') continue
    if (typeof found === 'string') all = found
    else if (Object.hasOwn(value, key)) return inside(found, key)
  }
  return all
}

/** What a `toJSON` has returned, whose own `toJSON` does not count; `undefined` is left out. */
function surveyConverted(json: unknown): Survey {
  if (json === undefined) return 'altered'
  return altered(typeof json === 'object' && json !== null && !Array.isArray(json) ? surveyObject(json, true) : survey(json))
}

function altered(found: Survey): Survey {
  return found === 'plain' ? 'altered' : found
}

function lost(what: string, remedy: string): Lost {
  return { what, remedy, path: [] }
}

function inside(found: Lost, key: string): Lost {
  found.path.push(key)
  return found
}
