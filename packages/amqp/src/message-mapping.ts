import {
  isBrokerOwned,
  noHeaders,
  metadataHeader,
  packMetadata,
  unpackMetadata,
  type Body,
  type Headers,
  type Incoming,
  type Metadata,
  type Outgoing,
} from '@busbar/core/driver'
import type { ConsumeMessage, Options } from 'amqplib'
import { deadLetteredFrom } from './deaths.ts'
import { encodingHeader, headerText, shortName } from './header-values.ts'

/** Limit of AMQP for properties, names and routing keys. */
export const maxShortBytes = 255
/** amqplib encodes the table of headers in a buffer of 65,536 bytes. */
export const maxHeaderBytes = 65_000

/** Set by some clients in milliseconds although the field counts seconds; as seconds this would be the year 5138. */
const latestSeconds = 1e11
/** Types, lengths and flags of the properties that are always sent. */
const propertyBytes = 48
const fieldBytes = 6
const tableBytes = 4
/** Of the packed header's value, as core bounds it. */
const maxPackedBytes = 1_024

/** Properties and headers for publishing: native fields first, the rest in one packed header. */
export function publishOptions(message: Outgoing, mandatory: boolean): Options.Publish {
  const { type, contentType, correlationId, replyTo, timeToLiveMs } = message
  const contentEncoding = message.headers[encodingHeader] || undefined
  const hasEncoding = isShort(contentEncoding)
  // One shape for all messages: amqplib leaves out what is undefined, which its types do not know.
  const options: { [Option in keyof Options.Publish]: Options.Publish[Option] | undefined } = {
    persistent: true,
    mandatory,
    messageId: message.id,
    timestamp: Math.floor(message.timestamp / 1_000),
    headers: headersFor(message, hasEncoding),
    type: isShort(type) ? type : undefined,
    contentType: isShort(contentType) ? contentType : undefined,
    contentEncoding: hasEncoding ? contentEncoding : undefined,
    correlationId: isShort(correlationId) ? correlationId : undefined,
    replyTo: isAddress(replyTo) ? replyTo : undefined,
    priority: message.priority,
    expiration: timeToLiveMs === undefined ? undefined : Math.ceil(timeToLiveMs),
  }
  return options as Options.Publish
}

/** What came in the packed header. */
export function metadataOf({ properties }: ConsumeMessage): Metadata {
  const packed: unknown = properties.headers?.[metadataHeader]
  return unpackMetadata(textOf(packed))
}

/** A received message of any origin; with `addressOf` it may be a dead letter. Never throws. */
export function incomingOf(native: ConsumeMessage, metadata: Metadata = metadataOf(native), addressOf?: (queue: string) => string): Incoming {
  const { content, properties } = native
  const { headers } = properties
  return {
    id: idOf(properties.messageId) ?? metadata.id,
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
    deadLetteredFrom: addressOf && deadLetteredFrom(headers, addressOf),
  }
}

/**
 * Deliveries as a quorum queue counts them, this one and those of earlier copies included.
 * On the first of a copy the broker's header is absent, or whatever the sender put there.
 */
export function deliveryCount(native: ConsumeMessage, { deliveries = 0 }: Metadata = metadataOf(native)): number {
  if (!native.fields.redelivered) return deliveries + 1
  const count: unknown = native.properties.headers?.['x-delivery-count']
  return deliveries + (Number.isSafeInteger(count) && (count as number) >= 0 ? (count as number) + 1 : 1)
}

/** Without a copy where the body is bytes already. */
export function contentOf(body: Body): Buffer {
  if (typeof body === 'string') return Buffer.from(body, 'utf8')
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

/**
 * At least the bytes of body, properties and headers; the packed header counts with its greatest length, because packing it twice costs more than all the rest.
 * RabbitMQ itself compares the body alone with its limit.
 */
export function sizeOf(message: Outgoing): number {
  const { id, type, contentType, correlationId, replyTo } = message
  const texts = id.length + bytesOf(type) + bytesOf(contentType) + bytesOf(correlationId) + bytesOf(replyTo)
  return message.bodyBytes + propertyBytes + texts + tableSize(message.headers, needsPacking(message) ? maxPackedBytes : 0)
}

/** Bytes of the encoded table of headers, the packed one included. */
export function headerBytes(message: Outgoing): number {
  return tableSize(message.headers, needsPacking(message) ? bytesOf(packedFor(message)) : 0)
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

function tableSize(headers: Headers, packedBytes: number): number {
  let bytes = tableBytes + (packedBytes === 0 ? 0 : fieldBytes + metadataHeader.length + packedBytes)
  for (const name in headers) bytes += fieldBytes + Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? '')
  return bytes
}

/** Without a table where there is nothing to put into it; amqplib does not change the one it is given. */
function headersFor(message: Outgoing, hasEncoding: boolean): Headers | undefined {
  const headers = hasEncoding ? withoutEncoding(message.headers) : message.headers
  if (needsPacking(message)) return { ...headers, [metadataHeader]: packedFor(message) as string }
  for (const _ in headers) return headers
  return undefined
}

function withoutEncoding(headers: Headers): Headers {
  const { [encodingHeader]: _, ...others } = headers
  return others
}

/** Most messages have nothing that AMQP has no field for. */
function needsPacking({ key, attempt, type, contentType, correlationId, replyTo }: Outgoing): boolean {
  return (
    key !== undefined || attempt > 0 || !isNative(type) || !isNative(contentType) || !isNative(correlationId) || !(replyTo === undefined || isAddress(replyTo))
  )
}

function packedFor({ type, contentType, correlationId, replyTo, key, attempt }: Outgoing): string | undefined {
  return packMetadata({
    type: isShort(type) ? undefined : type,
    contentType: isShort(contentType) ? undefined : contentType,
    correlationId: isShort(correlationId) ? undefined : correlationId,
    replyTo: isAddress(replyTo) ? undefined : replyTo,
    key,
    attempt,
  })
}

function isNative(text: string | undefined): boolean {
  return text === undefined || isShort(text)
}

function userHeaders(native: Record<string, unknown> | undefined, contentEncoding: string | undefined): Headers {
  let headers: Record<string, string> | undefined
  if (native !== undefined) {
    for (const name of Object.keys(native)) {
      if (name === metadataHeader || isBrokerOwned(name)) continue
      headers ??= Object.create(null) as Record<string, string>
      headers[shortName(name)] = headerText(native[name])
    }
  }
  if (contentEncoding !== undefined && headers?.[encodingHeader] === undefined) {
    headers ??= Object.create(null) as Record<string, string>
    headers[encodingHeader] = contentEncoding
  }
  return headers ?? noHeaders
}

function timestampOf(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0) return undefined
  return value < latestSeconds ? value * 1_000 : value
}

/** Such that the message can be sent again. */
function idOf(value: unknown): string | undefined {
  const id = textOf(value)
  return id && shortName(id)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function bytesOf(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text)
}
