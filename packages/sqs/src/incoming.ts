import type { Message } from '@aws-sdk/client-sqs'
import { isBrokerOwned, metadataHeader, noHeaders, unpackMetadata, type Headers, type Incoming, type Metadata } from '@busbar/core/driver'
import { attributeText, packedAttribute, type Attributes } from './attributes.ts'
import { decodeBody, encodingAttribute } from './body.ts'
import { unwrapSns } from './envelope.ts'
import { keyOfGroup } from './groups.ts'

/** Ours: what they say is in the fields of the message. */
const ownAttributes: ReadonlySet<string> = new Set([metadataHeader, encodingAttribute, packedAttribute])

/** Header in which core says why a message is a dead letter. */
const deadLetterHeader = 'busbar-dead'

/** How the messages of a queue are to be read. */
export interface Reading {
  readonly fifo: boolean
  readonly envelope: 'sns' | undefined
  /** The header that says why a message is a dead letter is told. */
  readonly isDeadLetterPlace: boolean
  /** The endpoint that a queue's ARN belongs to. */
  readonly addressOf: (arn: string) => string
}

/** A received message of any origin. Never throws. */
export function incomingOf(native: Message, { fifo, envelope, isDeadLetterPlace, addressOf }: Reading): Incoming {
  const message = envelope === undefined ? native : unwrapSns(native)
  const { MessageAttributes: attributes = {}, Attributes: system = {} } = message
  const metadata = unpackMetadata(textOf(attributes, metadataHeader))
  const { body, bodyBytes } = decodeBody(message.Body ?? '', textOf(attributes, encodingAttribute))
  const source = system.DeadLetterQueueSourceArn
  return {
    id: metadata.id ?? message.MessageId,
    body,
    bodyBytes,
    headers: headersOf(attributes, isDeadLetterPlace),
    type: metadata.type,
    contentType: metadata.contentType,
    timestamp: metadata.timestamp ?? numberOf(system.SentTimestamp),
    key: keyOf(metadata, system.MessageGroupId, fifo),
    attempt: metadata.attempt ?? 0,
    correlationId: metadata.correlationId,
    replyTo: metadata.replyTo,
    position: undefined,
    native,
    deadLetteredFrom: source === undefined ? undefined : addressOf(source),
  }
}

/** Deliveries as SQS counts them, this one included. */
export function receiveCount({ Attributes: system }: Message): number | undefined {
  return numberOf(system?.ApproximateReceiveCount)
}

/** On a standard queue the group is a tenant, not an order. */
function keyOf(metadata: Metadata, group: string | undefined, fifo: boolean): string | undefined {
  return fifo && group !== undefined ? keyOfGroup(group) : metadata.key
}

function headersOf(attributes: Attributes, isDeadLetterPlace: boolean): Headers {
  let headers: Record<string, string> | undefined
  // Elsewhere it is on what SQS has moved out of a dead-letter queue, and says nothing any more.
  const isHidden = (name: string): boolean => ownAttributes.has(name) || isBrokerOwned(name) || (!isDeadLetterPlace && name === deadLetterHeader)
  for (const name in attributes) {
    if (isHidden(name)) continue
    headers ??= Object.create(null) as Record<string, string>
    headers[name] = attributeText(attributes[name] ?? { DataType: 'String' })
  }
  for (const [name, value] of packedHeaders(textOf(attributes, packedAttribute))) {
    if (isHidden(name)) continue
    headers ??= Object.create(null) as Record<string, string>
    headers[name] ??= value
  }
  return headers ?? noHeaders
}

function packedHeaders(text: string | undefined): [string, string][] {
  if (text === undefined) return []
  try {
    const packed: unknown = JSON.parse(text)
    if (typeof packed !== 'object' || packed === null || Array.isArray(packed)) return []
    return Object.entries(packed).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  } catch {
    return []
  }
}

function textOf(attributes: Attributes, name: string): string | undefined {
  const attribute = attributes[name]
  return attribute === undefined ? undefined : attributeText(attribute)
}

function numberOf(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text)
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
