import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { Body, Headers } from '@busbar/core/driver'
import { encodingHeader } from '../compression/encodings.ts'

const cipherName = 'aes-256-gcm'
const wrapName = 'id-aes256-wrap'
/** The initial value of RFC 3394. */
const wrapValue = Buffer.alloc(8, 0xa6)
const tagBytes = 16
const absent = 0xffffffff

/** What is authenticated with a body. All of it arrives byte for byte as it was sent, on every backend, also in dead letters and when they are redriven. */
export interface Bound {
  readonly id: string | undefined
  readonly type: string | undefined
  readonly key: string | undefined
  readonly contentType: string | undefined
  readonly headers: Headers
}

/**
 * The additional data of AES-GCM: envelope, id, type, ordering key, content type, content encoding and the headers of `names`, in this order.
 * Each is its length in UTF-8 as four bytes, the highest first, and the text; what is absent or empty is the length `ffffffff`.
 */
export function additionalData(envelope: string, { id, type, key, contentType, headers }: Bound, names: readonly string[]): Buffer {
  const texts = [envelope, id, type, key, contentType, headers[encodingHeader], ...names.map((name) => headers[name])]
  const lengths = texts.map((text) => (text ? Buffer.byteLength(text) : 0))
  const data = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length, 4 * texts.length))
  let at = 0
  for (const [index, text] of texts.entries()) {
    at = data.writeUInt32BE(lengths[index] || absent, at)
    if (text) at += data.write(text, at)
  }
  return data
}

/** Ciphertext, then the tag. */
export function seal(body: Body, secret: KeyObject, nonce: Uint8Array, data: Uint8Array): Buffer {
  const cipher = createCipheriv(cipherName, secret, nonce, { authTagLength: tagBytes }).setAAD(data)
  const first = typeof body === 'string' ? cipher.update(body, 'utf8') : cipher.update(body)
  return Buffer.concat([first, cipher.final(), cipher.getAuthTag()])
}

/** `undefined` if anything at all is not as it was sealed. */
export function open(body: Body, secret: KeyObject, nonce: Uint8Array, data: Uint8Array): Buffer | undefined {
  const sealed = typeof body === 'string' ? Buffer.from(body) : body
  const end = sealed.byteLength - tagBytes
  if (end < 0) return undefined
  const decipher = createDecipheriv(cipherName, secret, nonce, { authTagLength: tagBytes }).setAAD(data).setAuthTag(sealed.subarray(end))
  const first = decipher.update(sealed.subarray(0, end))
  try {
    const last = decipher.final()
    return last.byteLength === 0 ? first : Buffer.concat([first, last])
  } catch {
    first.fill(0)
    return undefined
  }
}

/** A data key as it travels. */
export function wrap(dataKey: Uint8Array, master: KeyObject): string {
  const cipher = createCipheriv(wrapName, master, wrapValue)
  return Buffer.concat([cipher.update(dataKey), cipher.final()]).toString('base64url')
}

/** `undefined` if it was wrapped with another key, or changed. */
export function unwrap(wrapped: string, master: KeyObject): KeyObject | undefined {
  try {
    const decipher = createDecipheriv(wrapName, master, wrapValue)
    const bytes = Buffer.concat([decipher.update(wrapped, 'base64url'), decipher.final()])
    const secret = createSecretKey(bytes)
    bytes.fill(0)
    return secret
  } catch {
    return undefined
  }
}
