/** The header of a message whose body is in a store. */
export const claimHeader = 'busbar-claim'

/** What such a message has for a body: not empty, because some backends take no empty one, and no JSON, so that nobody mistakes it for the body. */
export const claimBody = '(body in a store: see the header busbar-claim)'

const version = 1
const longestHeader = 1_024
const keyPattern = /^\d{4}\/\d{2}\/\d{2}\/[0-9a-f]{32}$/
const digestPattern = /^[\w-]{43}$/

export interface Reference {
  readonly key: string
  /** Bytes. */
  readonly size: number
  /** SHA-256 of the body, in base64url. */
  readonly digest: string
  /** Sent to a queue: one consumer handles it, and nobody needs the body afterwards. */
  readonly single: boolean
}

/** Compact JSON. */
export function packReference({ key, size, digest, single }: Reference): string {
  return JSON.stringify({ v: version, k: key, s: size, d: digest, ...(single ? { q: 1 } : {}) })
}

/** `undefined` for anything that {@link packReference} does not write. References come from outside: a key of another form is never shown to a store. */
export function unpackReference(text: string): Reference | undefined {
  if (text.length > longestHeader) return undefined
  const packed = parsed(text)
  if (packed?.['v'] !== version) return undefined
  const { k, s, d, q } = packed
  if (typeof k !== 'string' || !keyPattern.test(k) || typeof d !== 'string' || !digestPattern.test(d)) return undefined
  if (typeof s !== 'number' || !Number.isSafeInteger(s) || s < 0) return undefined
  return { key: k, size: s, digest: d, single: q === 1 }
}

/** A fresh key. The day comes first, so that a rule of the store can clean up by age or prefix. */
export function keyFor(now: number, random: Buffer): string {
  return `${new Date(now).toISOString().slice(0, 10).replaceAll('-', '/')}/${random.toString('hex')}`
}

/** In the thread pool: bodies here are large. */
export async function digestOf(body: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', body as Uint8Array<ArrayBuffer>)).toString('base64url')
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
