import { metadataHeader, packMetadata, type Outgoing } from '@busbar/core/driver'
import { isShort, isText, topicProblem } from '../names.ts'
import { packedBytes, packedHeader, plainJson, userPropertiesOf } from './packed-headers.ts'
import type { PublishProperties } from './packet.ts'

/** Number of a property, and the length of a text. */
const textPropertyBytes = 3
/** Number of the property, and two lengths. */
const userPropertyBytes = 5
const expiryBytes = 5
/** JSON without its texts. */
const packedFixedBytes = 96
/** Of a character in JSON. */
const packedCharacterBytes = 6

/** Native fields first; what MQTT 5 has none for travels in one user property. */
export function propertiesFor(message: Outgoing): PublishProperties {
  const { contentType, replyTo, correlationId, timeToLiveMs } = message
  const userProperties = userPropertiesOf(message.headers)
  const properties: PublishProperties = { userProperties }
  if (timeToLiveMs !== undefined) properties.messageExpiryInterval = Math.ceil(timeToLiveMs / 1_000)
  if (contentType !== undefined && isText(contentType)) properties.contentType = contentType
  if (replyTo !== undefined && topicProblem(replyTo) === undefined) properties.responseTopic = replyTo
  // Bytes may be anything.
  if (correlationId !== undefined && isShort(correlationId) && correlationId.isWellFormed()) properties.correlationData = Buffer.from(correlationId)
  const packed = packedFor(message, properties)
  if (packed !== undefined) userProperties.push([metadataHeader, plainJson(packed)])
  return properties
}

function packedFor({ id, type, timestamp, key, attempt, contentType, replyTo, correlationId }: Outgoing, native: PublishProperties): string | undefined {
  return packMetadata({
    id,
    type,
    timestamp,
    key,
    attempt,
    contentType: native.contentType === undefined ? contentType : undefined,
    replyTo: native.responseTopic === undefined ? replyTo : undefined,
    correlationId: native.correlationData === undefined ? correlationId : undefined,
  })
}

/** At least the bytes of the properties. The packed one counts with a bound, because packing it twice costs more than all the rest. */
export function propertiesBytes(message: Outgoing): number {
  const { id, type, key, contentType, replyTo, correlationId, timeToLiveMs, headers } = message
  let bytes = userPropertyBytes + metadataHeader.length + packedFixedBytes + packedCharacterBytes * (id.length + (type?.length ?? 0) + (key?.length ?? 0))
  for (const text of [contentType, replyTo, correlationId]) if (text !== undefined) bytes += textPropertyBytes + packedCharacterBytes * text.length
  if (timeToLiveMs !== undefined) bytes += expiryBytes
  for (const name in headers) bytes += userPropertyBytes + Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? '')
  const packed = packedBytes(headers)
  return packed === 0 ? bytes : bytes + userPropertyBytes + packedHeader.length + packed
}
