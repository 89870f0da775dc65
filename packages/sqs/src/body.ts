import type { Body } from '@busbar/core/driver'

/** Attribute that says how a body travels that SQS does not take as it is. */
export const encodingAttribute = 'busbar-encoding'

/** `base64`: bytes, or text with characters that SQS refuses. `empty`: nothing, which SQS refuses too; a placeholder travels in its place. */
export type BodyEncoding = 'base64' | 'empty'

const placeholder = '(empty)'

// #x9 #xA #xD #x20–#xD7FF #xE000–#xFFFD #x10000–#x10FFFF are legal, lone surrogates are not.
const illegal = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u

/** Does SQS take this text in a body or in an attribute? It is not empty, and of the characters that XML 1.0 has. */
export function isSqsText(text: string): boolean {
  return text !== '' && !illegal.test(text)
}

/** `undefined`: the body travels as it is. */
export function encodingOf(body: Body): BodyEncoding | undefined {
  if (body.length === 0) return 'empty'
  return typeof body === 'string' && !illegal.test(body) ? undefined : 'base64'
}

export function encodeBody(body: Body, encoding: BodyEncoding | undefined): string {
  if (encoding === 'empty') return placeholder
  if (encoding === undefined) return body as string
  return (typeof body === 'string' ? Buffer.from(body, 'utf8') : Buffer.from(body.buffer, body.byteOffset, body.byteLength)).toString('base64')
}

/** Bytes of {@link encodeBody}, from those of the body. */
export function encodedBytes(bodyBytes: number, encoding: BodyEncoding | undefined): number {
  if (encoding === 'empty') return placeholder.length
  return encoding === undefined ? bodyBytes : Math.ceil(bodyBytes / 3) * 4
}

/** A body whose mark does not fit what came is delivered as it came. */
export function decodeBody(text: string, encoding: string | undefined): { readonly body: Body; readonly bodyBytes: number } {
  if (encoding === 'empty' && text === placeholder) return { body: '', bodyBytes: 0 }
  if (encoding === 'base64' && isBase64(text)) {
    const body = Buffer.from(text, 'base64')
    return { body, bodyBytes: body.length }
  }
  return { body: text, bodyBytes: Buffer.byteLength(text) }
}

export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
}
