/** The one header that AMQP has a native field for: it is not in the table of headers. */
export const encodingHeader = 'content-encoding'

/** Nesting beyond this is foreign nonsense and not followed. */
const maxDepth = 8

/** Text of a header value of any AMQP type: numbers and booleans as written, bytes as UTF-8 or else base64, timestamps as ISO 8601, tables and lists as JSON. */
export function headerText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (value instanceof Uint8Array) return bytesText(value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  const plain = plainOf(value, maxDepth)
  return typeof plain === 'string' ? plain : JSON.stringify(plain)
}

/** A received header value in a form that can be sent again without harm: no infinite number, which ends the whole connection with 541. */
export function sendable(value: unknown, depth: number = maxDepth): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (depth === 0) return headerText(value)
  if (Array.isArray(value)) return value.map((element) => sendable(element, depth - 1))
  if (isTagged(value)) return { ...value }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, sendable(member, depth - 1)]))
}

/** How amqplib represents types that JavaScript does not have. */
interface Tagged {
  readonly '!': string
  readonly value: unknown
}

function isTagged(value: object): value is Tagged {
  return typeof (value as Partial<Tagged>)['!'] === 'string' && 'value' in value
}

function plainOf(value: unknown, depth: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value ?? null
  if (value instanceof Uint8Array) return bytesText(value)
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.map((element) => plainOf(element, depth - 1))
  if (isTagged(value)) return taggedText(value)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plainOf(member, depth - 1)]))
}

function taggedText({ '!': type, value }: Tagged): unknown {
  if (type === 'timestamp' && typeof value === 'number') {
    const date = new Date(value * 1_000)
    return Number.isNaN(date.getTime()) ? String(value) : date.toISOString()
  }
  if (type === 'decimal') {
    const { digits, places } = value as { readonly digits: number; readonly places: number }
    const text = String(digits).padStart(places + 1, '0')
    return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
  }
  return plainOf(value, 1)
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

function bytesText(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  }
}
