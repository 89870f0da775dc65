import type { Body } from '../driver/sender.ts'
import { bodyText } from './body.ts'
import type { Codec } from './codec.ts'

/** A codec for whatever type a definition gives to its bodies. */
export interface JsonCodec extends Codec {
  // The type is the definition's claim; a schema is what checks it.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  decode<T>(body: Body): T
}

/**
 * The default codec. What JSON would change in silence is refused with the path to it: functions, symbols, BigInt, NaN and infinities, invalid dates,
 * maps, sets, bytes, and `undefined` anywhere but as the value of a property, which is left out.
 */
export const json: JsonCodec = Object.freeze({
  contentType: 'application/json',
  json: true,
  encode: (value: unknown): Body => {
    const text = stringify(value)
    // Afterwards: by now the value is known to have no cycles.
    const lost = findLost(value)
    if (lost !== undefined) throw new TypeError(`json: ${lost}`)
    if (text === undefined) throw new TypeError('json: the body has a toJSON() that returns nothing to send')
    return text
  },
  decode: (body: Body) => parse(bodyText(body)) as never,
})

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const bigint = error.message.includes('BigInt')
    throw new TypeError(bigint ? 'json: a BigInt cannot be sent as JSON; send it as text' : `json: ${error.message.split('\n', 1)[0]}`, { cause: error })
  }
}

function parse(text: string): unknown {
  if (text.length === 0) throw new SyntaxError('json: the body is empty')
  try {
    // Some producers begin with a byte order mark.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (error) {
    // The engine's own message quotes the body, which must not end up in logs.
    const position = /at position \d+/.exec(error instanceof Error ? error.message : '')
    throw new SyntaxError(`json: the body is not valid JSON${position === null ? '' : ` ${position[0]}`}`)
  }
}

/** The first thing in `value` that JSON would change, as a sentence; the way to it is built only on the way back. */
function findLost(value: unknown): string | undefined {
  const found = lostIn(value)
  return found === undefined ? undefined : `${found.what} at ${['body', ...found.path.toReversed()].join('.')} ${found.remedy}`
}

interface Lost {
  readonly what: string
  readonly remedy: string
  readonly path: string[]
}

function lostIn(value: unknown): Lost | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : lost(String(value), 'would become null')
    case 'object':
      return value === null ? undefined : Array.isArray(value) ? lostInArray(value) : lostInObject(value)
    default:
      return lost(typeof value, 'cannot be sent as JSON')
  }
}

function lostInArray(array: readonly unknown[]): Lost | undefined {
  for (let index = 0; index < array.length; index++) {
    const found = lostIn(array[index])
    if (found !== undefined) return inside(found, String(index))
  }
  return undefined
}

function lostInObject(value: object): Lost | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? lost('an invalid Date', 'would become null') : undefined
    if (value instanceof Map || value instanceof Set) return lost(`a ${value.constructor.name}`, 'would lose its entries; send an array or an object')
    if (ArrayBuffer.isView(value)) return lost('binary data', 'is not JSON; send it with the bytes codec or as base64 text')
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    const found = lostIn(member)
    if (found !== undefined && Object.hasOwn(value, key)) return inside(found, key)
  }
  return undefined
}

function lost(what: string, remedy: string): Lost {
  return { what, remedy, path: [] }
}

function inside(found: Lost, key: string): Lost {
  found.path.push(key)
  return found
}
