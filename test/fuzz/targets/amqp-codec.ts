import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Wire } from '@busbar/amqp/decoders'
import type { Draw } from '../draw.ts'
import { mutatedBytes } from '../mutate/bytes.ts'
import { anyText, fragments } from '../mutate/text.ts'

/** What the client library reads and writes messages by; it exports none of it. */
const folder = join(dirname(createRequire(import.meta.url).resolve('amqplib')), 'lib')
const { decodeFields } = (await import(pathToFileURL(join(folder, 'codec.js')).href)) as { readonly decodeFields: (bytes: Buffer) => object }
const { encodeProperties } = (await import(pathToFileURL(join(folder, 'defs.js')).href)) as {
  readonly encodeProperties: (id: number, channel: number, size: number, properties: object) => Buffer
}
const { Connection } = (await import(pathToFileURL(join(folder, 'connection.js')).href)) as { readonly Connection: { readonly prototype: Wire } }
const basicProperties = 60

/** Its methods, to be called on something that has what they ask for. */
export const connection = Connection.prototype

/** Writes properties as they are published. Throws for what cannot be. */
export function written(properties: object): Buffer {
  return encodeProperties(basicProperties, 1, 0, properties)
}

/** A table of headers, read from bytes that any client may have written; `undefined` for bytes that are no table. */
export function tableIn(bytes: Buffer): object | undefined {
  try {
    return decodeFields(bytes)
  } catch {
    return undefined
  }
}

/** Bytes of text that need not be UTF-8, at most so many. */
export function shortBytes(draw: Draw, most: number): Buffer {
  const text = Buffer.from(draw.chance(0.5) ? draw.pick(fragments) : anyText(draw))
  const bytes = draw.chance(0.05) ? Buffer.alloc(draw.below(most), 0xff) : draw.chance(0.1) ? mutatedBytes(draw, text) : text
  return bytes.subarray(0, most)
}

/** Bytes of the fields of a table. `named` makes values by their names. */
export function tableBytes(draw: Draw, names: readonly string[], named: (draw: Draw, name: string) => Buffer | undefined, depth = 4): Buffer {
  const parts: Buffer[] = []
  for (let left = draw.below(depth > 3 ? 7 : 4); left > 0; left--) {
    const known = draw.chance(0.7) ? draw.pick(names) : undefined
    const name = known === undefined ? shortBytes(draw, 255) : Buffer.from(known)
    parts.push(Buffer.of(name.length), name, (known === undefined ? undefined : named(draw, known)) ?? valueBytes(draw, depth - 1))
  }
  return Buffer.concat(parts)
}

/** A value of any type, or one that stands for no type. */
export function valueBytes(draw: Draw, depth: number): Buffer {
  switch (draw.below(depth > 0 ? 14 : 11)) {
    case 0:
    case 1:
      return textBytes(shortBytes(draw, 400))
    case 2:
      return Buffer.concat([Buffer.from('x'), counted(draw.bytes(draw.below(12)))])
    case 3:
      return Buffer.of(0x74, draw.below(2))
    case 4:
      return Buffer.from('V')
    case 5:
      return tagged('d', Buffer.from(Float64Array.of(draw.pick([0, 1.5, Number.NaN, Infinity, -Infinity, 1e308])).buffer).reverse())
    case 6:
      return tagged('f', draw.chance(0.3) ? Buffer.of(0x7f, 0x80, 0, 0) : draw.bytes(4))
    case 7:
      return tagged(draw.pick(['l', 'T']), draw.chance(0.2) ? Buffer.alloc(8, draw.pick([0, 0x7f, 0xff])) : Buffer.concat([Buffer.alloc(4), draw.bytes(4)]))
    case 8:
      return tagged('D', draw.bytes(5))
    case 9:
      return tagged(draw.pick(['I', 'i']), draw.bytes(4))
    case 10:
      return draw.chance(0.5) ? tagged(draw.pick(['b', 'B']), draw.bytes(1)) : tagged(draw.pick(['s', 'u']), draw.bytes(2))
    case 11:
      return tagged('A', counted(Buffer.concat(Array.from({ length: draw.below(4) }, () => valueBytes(draw, depth - 1)))))
    case 12:
      return tagged('F', counted(tableBytes(draw, ['!', 'value', 'digits', 'places', '__proto__', 'a'], likeTypes, depth - 1)))
    default:
      return nested(draw)
  }
}

export function textBytes(text: Buffer): Buffer {
  return tagged('S', counted(text))
}

/** What the client library itself puts under `!` for types that JavaScript does not have, in a table of the sender's. */
function likeTypes(draw: Draw, name: string): Buffer | undefined {
  return name === '!' && draw.chance(0.8) ? textBytes(Buffer.from(draw.pick(['timestamp', 'decimal', 'double', 'int64', 'odd']))) : undefined
}

function nested(draw: Draw): Buffer {
  let bytes = valueBytes(draw, 0)
  for (let left = draw.below(draw.chance(0.02) ? 500 : 20); left > 0; left--) bytes = tagged('A', counted(bytes))
  return bytes
}

function tagged(tag: string, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(tag), bytes])
}

function counted(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
