import type { Headers } from '@busbar/core/driver'

/** UTF-8 bytes of a text. */
export function textBytes(text: string): number {
  return Buffer.byteLength(text)
}

/** Has `text` more than `bytes` bytes in UTF-8? Counts only where it is near: UTF-8 needs one to three bytes per UTF-16 unit. */
export function exceeds(text: string, bytes: number): boolean {
  return text.length > bytes || (text.length * 3 > bytes && Buffer.byteLength(text) > bytes)
}

/** UTF-8 bytes of names and values, `extra` more for each header. */
export function headerBytes(headers: Headers, extra: number = 0): number {
  let bytes = 0
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string) + extra
  return bytes
}
