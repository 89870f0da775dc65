import { isBrokerOwned } from '../headers.ts'
import { metadataHeader, packMetadata, unpackMetadata, type Metadata } from './metadata.ts'
import type { Headers, Outgoing } from './sender.ts'

/** Not valid as UTF-8 and so neither as JSON, and not the magic bytes of an aggregated record of Kinesis. */
const magic = Uint8Array.of(0xff, 0x42, 0x55, 0x53)
const version = 1
/** Magic bytes, version, length of the headers. */
const fixedBytes = magic.length + 1 + 4

/**
 * What stands before the body where a broker has no headers (Kinesis, MQTT 3.1.1) and the route says `envelope: true`: magic bytes, a version, and the headers and
 * metadata as JSON with its length.
 */
export function envelopeHead(message: Pick<Outgoing, 'headers'> & Metadata): Uint8Array {
  const metadata = packMetadata(message)
  const text = JSON.stringify(metadata === undefined ? message.headers : { [metadataHeader]: metadata, ...message.headers })
  const head = Buffer.alloc(fixedBytes + Buffer.byteLength(text))
  head.set(magic)
  head[magic.length] = version
  head.writeUInt32BE(head.length - fixedBytes, magic.length + 1)
  head.write(text, fixedBytes)
  return head
}

/** What an envelope held. */
export interface Opened {
  readonly headers: Headers
  readonly metadata: Metadata
  /** A view. */
  readonly body: Uint8Array
}

/** Opens an envelope; `undefined` for data that has none. Headers that belong to brokers are left out. Of a newer version, or where its headers make no sense, the body alone is taken. */
export function openEnvelope(data: Uint8Array): Opened | undefined {
  if (data.length < fixedBytes || !magic.every((byte, index) => data[index] === byte)) return undefined
  const view = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const end = fixedBytes + view.readUInt32BE(magic.length + 1)
  if (end > data.length) return undefined
  const given = data[magic.length] === version ? parseHeaders(view.toString('utf8', fixedBytes, end)) : {}
  const headers = Object.create(null) as Record<string, string>
  for (const [name, value] of Object.entries(given)) if (typeof value === 'string' && name !== metadataHeader && !isBrokerOwned(name)) headers[name] = value
  const metadata = given[metadataHeader]
  return { headers, metadata: unpackMetadata(typeof metadata === 'string' ? metadata : undefined), body: data.subarray(end) }
}

function parseHeaders(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
