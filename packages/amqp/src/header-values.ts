import { isUint8Array } from 'node:util/types'

/** The one header that AMQP has a native field for: it is not in the table of headers. */
export const encodingHeader = 'content-encoding'

/** Nesting beyond this is foreign nonsense and not followed. */
const maxDepth = 8

/** Text of a header value of any AMQP type: numbers and booleans as written, bytes as UTF-8 or else base64, timestamps as ISO 8601, tables and lists as JSON. */
export function headerText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (isUint8Array(value)) return bytesText(value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  const plain = plainOf(value, maxDepth)
  return typeof plain === 'string' ? plain : JSON.stringify(plain)
}

/**
 * A received header value in a form that can be sent again without harm: no infinite number, which ends the whole connection with 541, and nothing that the client
 * library cannot write, which is everything that only looks like a type of its own.
 */
export function sendable(value: unknown, depth: number = maxDepth): unknown {
  if (typeof value === 'number') return sendableNumber(value)
  if (typeof value !== 'object' || value === null || isUint8Array(value)) return value
  if (depth === 0) return headerText(value)
  if (Array.isArray(value)) return value.map((element) => sendable(element, depth - 1))
  if (Object.hasOwn(value, '!')) return isTagged(value) && isWritable(value) ? { '!': value['!'], value: value.value } : headerText(value)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [shortName(key), sendable(member, depth - 1)]))
}

/** amqplib takes what is below all 64-bit integers, and large fractions, for integers, unless it is told otherwise. */
function sendableNumber(value: number): unknown {
  if (!Number.isFinite(value)) return String(value)
  return value < -(2 ** 63) || !Number.isInteger(value) ? { '!': 'double', value } : value
}

/** As much of a received name or text as AMQP has room for: every byte of it that was no UTF-8 has become three. */
export function shortName(text: string): string {
  return text.length <= maxNameUnits || Buffer.byteLength(text) <= maxNameBytes ? text : text.slice(0, maxNameUnits)
}

const maxNameBytes = 255
const maxNameUnits = maxNameBytes / 3

/** How amqplib represents types that JavaScript does not have. */
type Tagged =
  | { readonly '!': 'timestamp'; readonly value: number }
  | { readonly '!': 'decimal'; readonly value: { readonly digits: number; readonly places: number } }

/** A sender's own table may look similar. */
function isTagged(value: object): value is Tagged {
  const { '!': type, value: content } = value as Readonly<Record<'!' | 'value', unknown>>
  if (type === 'timestamp') return typeof content === 'number'
  if (type !== 'decimal' || typeof content !== 'object' || content === null) return false
  const { digits, places } = content as Readonly<Record<'digits' | 'places', unknown>>
  return isWhole(digits, 2 ** 32 - 1) && isWhole(places, 255)
}

/** A timestamp of 64 bits has been rounded on the way, perhaps to more than those. */
function isWritable(tagged: Tagged): boolean {
  return tagged['!'] === 'decimal' || isWhole(tagged.value, Number.MAX_SAFE_INTEGER)
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}

function plainOf(value: unknown, depth: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value ?? null
  if (isUint8Array(value)) return bytesText(value)
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.map((element) => plainOf(element, depth - 1))
  if (isTagged(value)) return taggedText(value)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plainOf(member, depth - 1)]))
}

function taggedText(tagged: Tagged): string {
  if (tagged['!'] === 'timestamp') {
    const date = new Date(tagged.value * 1_000)
    return Number.isNaN(date.getTime()) ? String(tagged.value) : date.toISOString()
  }
  const { digits, places } = tagged.value
  const text = String(digits).padStart(places + 1, '0')
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

function bytesText(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  }
}
