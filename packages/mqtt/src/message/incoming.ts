import {
  isBrokerOwned,
  metadataHeader,
  noHeaders,
  openEnvelope,
  unpackMetadata,
  type AddressTemplate,
  type Headers,
  type Incoming,
  type Metadata,
} from '@busbar/core/driver'
import { isOwn, packedHeader, unpackHeaders } from './packed-headers.ts'
import type { ReceivedPacket, ReceivedProperties } from './packet.ts'

/** Header of received messages that the broker had kept for new subscribers: old news. */
export const retainedHeader = 'mqtt-retained'

/** A received message of any origin. `envelope`: the route says that there is one around the body. `template`: that of the topics, if they have one. Never throws. */
export function incomingOf(packet: ReceivedPacket, envelope: boolean, template?: AddressTemplate): Incoming {
  const { properties } = packet
  const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
  const opened = envelope ? openEnvelope(payload) : undefined
  const metadata = opened?.metadata ?? metadataOf(properties)
  const body = opened?.body ?? payload
  return {
    id: metadata.id,
    body,
    bodyBytes: body.length,
    headers: headersOf(opened?.headers ?? properties?.userProperties ?? noHeaders, packet.retain),
    parameters: template?.match(packet.topic),
    type: metadata.type,
    contentType: properties?.contentType || metadata.contentType,
    timestamp: metadata.timestamp,
    key: metadata.key,
    attempt: metadata.attempt ?? 0,
    correlationId: correlationOf(properties) ?? metadata.correlationId,
    replyTo: properties?.responseTopic || metadata.replyTo,
    position: undefined,
    native: packet,
  }
}

/** What MQTT 5 has no fields for, from the one user property that carries it. */
export function metadataOf(properties: ReceivedProperties | undefined): Metadata {
  const packed = properties?.userProperties?.[metadataHeader]
  return unpackMetadata(typeof packed === 'string' ? packed : undefined)
}

function headersOf(native: Readonly<Record<string, string | readonly string[]>>, retained: boolean): Headers {
  let headers: Record<string, string> | undefined
  const add = (name: string, value: string): void => {
    headers ??= Object.create(null) as Record<string, string>
    headers[name] = value
  }
  for (const name of Object.keys(native)) {
    if (isOwn(name) || isBrokerOwned(name)) continue
    const value = native[name] ?? ''
    // MQTT allows a name to be repeated; headers do not.
    add(name, typeof value === 'string' ? value : value.join(', '))
  }
  for (const [name, value] of unpackHeaders(native[packedHeader])) if (!isBrokerOwned(name)) add(name, value)
  if (retained) add(retainedHeader, 'true')
  return headers ?? noHeaders
}

function correlationOf(properties: ReceivedProperties | undefined): string | undefined {
  const data = properties?.correlationData
  return data === undefined || data.length === 0 ? undefined : data.toString('utf8')
}
