import {
  isBrokerOwned,
  metadataHeader,
  unpackMetadata,
  type AddressTemplate,
  type Headers,
  type Incoming,
  type Metadata,
  openEnvelope,
} from '@busbar/core/driver'
import { isOwn, packedHeader, unpackHeaders } from './packed-headers.ts'
import type { PublishProperties, ReceivedPacket } from './packet.ts'

/** Header of received messages that the broker had kept for new subscribers: old news. */
export const retainedHeader = 'mqtt-retained'

const noMetadata: Metadata = Object.freeze({})

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
    headers: headersOf(opened?.headers ?? properties?.userProperties, packet.retain),
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

function metadataOf(properties: PublishProperties | undefined): Metadata {
  const packed = properties?.userProperties?.[metadataHeader]
  return typeof packed === 'string' ? unpackMetadata(packed) : noMetadata
}

function headersOf(native: Readonly<Record<string, string | string[]>> | undefined, retained: boolean): Headers {
  const headers = Object.create(null) as Record<string, string>
  if (native !== undefined) {
    for (const name of Object.keys(native)) {
      if (isOwn(name) || isBrokerOwned(name)) continue
      const value = native[name] ?? ''
      // MQTT allows a name to be repeated; headers do not.
      headers[name] = typeof value === 'string' ? value : value.join(', ')
    }
  }
  for (const [name, value] of unpackHeaders(native?.[packedHeader])) if (!isBrokerOwned(name)) headers[name] = value
  if (retained) headers[retainedHeader] = 'true'
  return headers
}

function correlationOf(properties: PublishProperties | undefined): string | undefined {
  const data = properties?.correlationData
  return data === undefined || data.length === 0 ? undefined : data.toString('utf8')
}
