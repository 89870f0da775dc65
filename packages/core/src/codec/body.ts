import type { Body } from '../driver/sender.ts'

// A driver may hand over text or bytes, whichever is cheaper for it, so both forms must read the same: no byte order mark is dropped, nothing illegal replaced.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Size of `body` in UTF-8 bytes, found without encoding it. */
export function bodyBytes(body: Body): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}

/** `body` as text. Throws a `TypeError` if it is not UTF-8. */
export function bodyText(body: Body): string {
  if (typeof body === 'string') return body
  try {
    return utf8.decode(body)
  } catch {
    throw new TypeError('the body is not valid UTF-8')
  }
}
