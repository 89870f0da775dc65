import type { Headers } from '@busbar/core/driver'

/** UTF-8 bytes of a text. */
export function textBytes(text: string): number {
  return Buffer.byteLength(text)
}

/** UTF-8 bytes of names and values, `extra` more for each header. */
export function headerBytes(headers: Headers, extra: number = 0): number {
  let bytes = 0
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string) + extra
  return bytes
}
