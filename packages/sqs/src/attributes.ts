import type { MessageAttributeValue } from '@aws-sdk/client-sqs'
import { metadataHeader, packMetadata, type Outgoing } from '@busbar/core/driver'
import { encodedBytes, encodingAttribute, encodingOf, isSqsText, type BodyEncoding } from './body.ts'
import { limits } from './limits.ts'
import { receivedAttributes } from './native-messages.ts'

/** Attribute that carries the headers for which there is no attribute of their own: compact JSON of names and values. */
export const packedAttribute = 'busbar-headers'

export type Attributes = Record<string, MessageAttributeValue>

/** A message's attributes and its size as the service counts it. */
export interface Prepared {
  readonly encoding: BodyEncoding | undefined
  readonly attributes: Attributes | undefined
  readonly bytes: number
}

/** These are attributes of their own before all others: tracing of plain clients reads them. */
const plainFirst = ['traceparent', 'tracestate']

/** One for the metadata and one for packed headers are kept free. */
const headerAttributes = limits.attributes - 2

/**
 * Attributes for sending. Headers go one to one as long as there is room; those beyond, and values that SQS refuses (empty ones, control characters), are packed into
 * one. `packsKey`: the ordering key is not carried by the queue itself. `wanted`: headers that are attributes of their own before all others, if they can be.
 */
export function prepare(message: Outgoing, packsKey: boolean, wanted: readonly string[] = []): Prepared {
  const attributes: Attributes = {}
  const encoding = encodingOf(message.body)
  let room = headerAttributes
  if (encoding !== undefined) {
    attributes[encodingAttribute] = textAttribute(encoding)
    room--
  }
  const metadata = metadataOf(message, packsKey)
  if (metadata !== undefined) attributes[metadataHeader] = textAttribute(metadata)
  const packed = addHeaders(attributes, message, room, wanted)
  if (packed !== undefined) attributes[packedAttribute] = textAttribute(sqsJson(JSON.stringify(packed)))
  let bytes = encodedBytes(message.bodyBytes, encoding)
  let isEmpty = true
  for (const name in attributes) {
    isEmpty = false
    bytes += attributeBytes(name, attributes[name] as MessageAttributeValue)
  }
  return { encoding, attributes: isEmpty ? undefined : attributes, bytes }
}

/** Returns the headers that are no attributes. */
function addHeaders(attributes: Attributes, message: Outgoing, room: number, wanted: readonly string[]): Record<string, string> | undefined {
  const { headers } = message
  const original = message.copyOf === undefined ? undefined : receivedAttributes(message.copyOf)
  let left = room
  let packed: Record<string, string> | undefined
  const add = (name: string): void => {
    const value = headers[name] as string
    if (left > 0 && isAttribute(name, value)) {
      attributes[name] = typedLike(original?.[name], value) ?? textAttribute(value)
      left--
    } else (packed ??= Object.create(null) as Record<string, string>)[name] = value
  }
  // What is packed loses its type, which only text can do without.
  const typed = original === undefined ? [] : Object.keys(original).filter((name) => original[name]?.DataType !== 'String')
  const first = wanted.length === 0 && typed.length === 0 ? plainFirst : [...new Set([...wanted, ...plainFirst, ...typed])]
  for (const name of first) if (headers[name] !== undefined) add(name)
  for (const name in headers) if (!first.includes(name)) add(name)
  return packed
}

/** A copy keeps the type that a header had, unless its value is another one now. */
function typedLike(original: MessageAttributeValue | undefined, value: string): MessageAttributeValue | undefined {
  if (original === undefined || original.DataType === 'String' || attributeText(original) !== value) return undefined
  const { DataType, StringValue, BinaryValue } = original
  return BinaryValue === undefined ? { DataType, StringValue } : { DataType, BinaryValue }
}

function metadataOf({ id, type, contentType, timestamp, key, attempt, correlationId, replyTo }: Outgoing, packsKey: boolean): string | undefined {
  const json = packMetadata({ id, type, contentType, timestamp, key: packsKey ? key : undefined, attempt, correlationId, replyTo })
  return json === undefined ? undefined : sqsJson(json)
}

function textAttribute(value: string): MessageAttributeValue {
  return { DataType: 'String', StringValue: value }
}

/** Does SQS take a header as an attribute of its own? */
export function isAttribute(name: string, value: string): boolean {
  // Plain objects, through which the SDK passes attributes, cannot hold the excepted name.
  return isSqsText(value) && name !== '__proto__' && name.length <= 256 && /^(?!aws\.|amazon\.)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/i.test(name)
}

/** JSON of characters that SQS takes: what `JSON.stringify` leaves as it is of the others are these two. */
function sqsJson(json: string): string {
  return json.replaceAll('\u{FFFE}', String.raw`\ufffe`).replaceAll('\u{FFFF}', String.raw`\uffff`)
}

/** As SQS counts: name, complete data type and value. */
function attributeBytes(name: string, { DataType = '', StringValue, BinaryValue }: MessageAttributeValue): number {
  return Buffer.byteLength(name) + Buffer.byteLength(DataType) + (BinaryValue?.length ?? Buffer.byteLength(StringValue ?? ''))
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Text of an attribute of any type: numbers as written, bytes as UTF-8 or else base64. */
export function attributeText({ StringValue, BinaryValue }: MessageAttributeValue): string {
  if (BinaryValue === undefined) return StringValue ?? ''
  try {
    return strictUtf8.decode(BinaryValue)
  } catch {
    return Buffer.from(BinaryValue.buffer, BinaryValue.byteOffset, BinaryValue.byteLength).toString('base64')
  }
}
