import { metadataHeader, packMetadata, unpackMetadata, type Body, type Headers, type Incoming, type Outgoing } from '@busbar/core/driver'
import type { ConsumeMessage, Options } from 'amqplib'
import { headerText, sendable } from './header-values.ts'

/** Limit of AMQP for properties, names and routing keys. */
export const maxShortBytes = 255
/** amqplib encodes the table of headers in a buffer of 65,536 bytes. */
export const maxHeaderBytes = 65_000

/** Headers that belong to the broker: a copy of them on a message sent again would be believed. */
const brokerOwned = /^(x-(death|first-death-.*|last-death-.*|delivery-count|acquired-count|opt-.*)|cc|bcc)$/i
/** Set by some clients in milliseconds although the field counts seconds; as seconds this would be the year 5138. */
const latestSeconds = 1e11
/** Types, lengths and flags of the properties that are always sent. */
const propertyBytes = 48
const fieldBytes = 6

const noHeaders: Headers = Object.freeze(Object.create(null) as Record<string, string>)

/** Properties and headers for publishing: native fields first, the rest in one packed header. */
export function publishOptions(message: Outgoing, mandatory: boolean): Options.Publish {
  const { type, contentType, correlationId, replyTo, priority, timeToLiveMs } = message
  const options: Options.Publish = {
    persistent: true,
    mandatory,
    messageId: message.id,
    timestamp: Math.floor(message.timestamp / 1_000),
    headers: headersFor(message),
  }
  if (isShort(type)) options.type = type
  if (isShort(contentType)) options.contentType = contentType
  if (isShort(correlationId)) options.correlationId = correlationId
  if (isAddress(replyTo)) options.replyTo = replyTo
  if (priority !== undefined) options.priority = priority
  if (timeToLiveMs !== undefined) options.expiration = Math.ceil(timeToLiveMs)
  return options
}

/** The same message once more, with its count of attempts. Lifetime and sender's user do not carry over: the first has been met, the second would be refused. */
export function copyOptions(native: ConsumeMessage, attempt: number): Options.Publish {
  const { headers = {}, userId: _user, expiration: _expiration, clusterId: _cluster, ...properties } = native.properties
  const copied: Record<string, unknown> = {}
  for (const name of Object.keys(headers)) if (!brokerOwned.test(name)) copied[name] = sendable(headers[name])
  const metadata = { ...unpackMetadata(textOf(headers[metadataHeader])), attempt }
  const packed = packMetadata(metadata)
  if (packed !== undefined) copied[metadataHeader] = packed
  return { ...(properties as Options.Publish), headers: copied, persistent: true, mandatory: true }
}

/** A received message of any origin. Never throws. */
export function incomingOf(native: ConsumeMessage): Incoming {
  const { content, properties } = native
  const { headers } = properties
  const metadata = unpackMetadata(textOf(headers?.[metadataHeader]))
  return {
    id: textOf(properties.messageId) ?? metadata.id,
    body: content,
    bodyBytes: content.length,
    headers: userHeaders(headers, textOf(properties.contentEncoding)),
    type: textOf(properties.type) ?? metadata.type,
    contentType: textOf(properties.contentType) ?? metadata.contentType,
    timestamp: metadata.timestamp ?? timestampOf(properties.timestamp),
    key: metadata.key,
    attempt: metadata.attempt ?? 0,
    correlationId: textOf(properties.correlationId) ?? metadata.correlationId,
    replyTo: textOf(properties.replyTo) ?? metadata.replyTo,
    position: undefined,
    native,
  }
}

/** Deliveries as a quorum queue counts them, this one included. On the first the header is absent, or whatever the sender put there. */
export function deliveryCount(native: ConsumeMessage): number {
  if (!native.fields.redelivered) return 1
  const count: unknown = native.properties.headers?.['x-delivery-count']
  return typeof count === 'number' && count >= 0 ? count + 1 : 1
}

/** Without a copy where the body is bytes already. */
export function contentOf(body: Body): Buffer {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

/** Bytes of body, properties and headers. RabbitMQ itself compares the body alone with its limit, so this errs on the safe side. */
export function sizeOf(message: Outgoing): number {
  const { id, type, contentType, correlationId, replyTo } = message
  const texts = id.length + bytesOf(type) + bytesOf(contentType) + bytesOf(correlationId) + bytesOf(replyTo)
  return message.bodyBytes + propertyBytes + texts + headerBytes(message)
}

/** Bytes of the encoded table of headers, the packed one included. */
export function headerBytes(message: Outgoing): number {
  const packed = packedFor(message)
  let bytes = 4 + (packed === undefined ? 0 : fieldBytes + metadataHeader.length + Buffer.byteLength(packed))
  for (const name in message.headers) bytes += fieldBytes + Buffer.byteLength(name) + Buffer.byteLength(message.headers[name] ?? '')
  return bytes
}

/** Is `text` set and within AMQP's 255 bytes? */
export function isShort(text: string | undefined): text is string {
  // UTF-8 needs at most three bytes per UTF-16 unit.
  return text !== undefined && (text.length <= maxShortBytes / 3 || Buffer.byteLength(text) <= maxShortBytes)
}

// RabbitMQ takes its own pseudo-queue only on the channel that consumes from it; on ours it would end the channel with 406.
function isAddress(replyTo: string | undefined): replyTo is string {
  return isShort(replyTo) && replyTo !== 'amq.rabbitmq.reply-to'
}

function headersFor(message: Outgoing): Record<string, string> {
  const packed = packedFor(message)
  const headers: Record<string, string> = { ...message.headers }
  if (packed !== undefined) headers[metadataHeader] = packed
  return headers
}

function packedFor(message: Outgoing): string | undefined {
  const { type, contentType, correlationId, replyTo, timestamp } = message
  return packMetadata({
    type: isShort(type) ? undefined : type,
    contentType: isShort(contentType) ? undefined : contentType,
    correlationId: isShort(correlationId) ? undefined : correlationId,
    replyTo: isAddress(replyTo) ? undefined : replyTo,
    // The native field counts whole seconds.
    ...(timestamp % 1_000 !== 0 && { timestamp }),
    key: message.key,
    attempt: message.attempt,
  })
}

function userHeaders(native: Record<string, unknown> | undefined, contentEncoding: string | undefined): Headers {
  let headers: Record<string, string> | undefined
  if (native !== undefined) {
    for (const name of Object.keys(native)) {
      if (name === metadataHeader || brokerOwned.test(name)) continue
      headers ??= Object.create(null) as Record<string, string>
      headers[name] = headerText(native[name])
    }
  }
  if (contentEncoding !== undefined && headers?.['content-encoding'] === undefined) {
    headers ??= Object.create(null) as Record<string, string>
    headers['content-encoding'] = contentEncoding
  }
  return headers ?? noHeaders
}

function timestampOf(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0) return undefined
  return value < latestSeconds ? value * 1_000 : value
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function bytesOf(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text)
}
