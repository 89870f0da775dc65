import { createHash } from 'node:crypto'
import type { WireAttribute } from './message.ts'

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/** Over name, type and value of each attribute, by name. `undefined` without attributes. */
export function md5OfAttributes(attributes: ReadonlyMap<string, WireAttribute>): string | undefined {
  if (attributes.size === 0) return undefined
  const hash = createHash('md5')
  const add = (bytes: Uint8Array): void => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.byteLength)
    hash.update(length).update(bytes)
  }
  const sorted = [...attributes].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, { dataType, value }] of sorted) {
    add(Buffer.from(name))
    add(Buffer.from(dataType))
    const isText = typeof value === 'string'
    hash.update(Uint8Array.of(isText ? 1 : 2))
    add(isText ? Buffer.from(value) : value)
  }
  return hash.digest('hex')
}
