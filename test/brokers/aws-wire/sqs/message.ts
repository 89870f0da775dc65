import type { Headers, Incoming } from '@busbar/core/driver'
import { attributeBytes, type Stored } from '@busbar/memory/engine'

/** Value of a message attribute: text for String and Number, bytes for Binary. */
export interface WireAttribute {
  /** With its label: `Number.int`. */
  readonly dataType: string
  readonly value: string | Uint8Array
}

/** What a client sent, as the queue keeps it. */
export interface WireMessage {
  readonly body: string
  readonly attributes: ReadonlyMap<string, WireAttribute>
  /** Value of the system attribute `AWSTraceHeader`. */
  readonly traceHeader: string | undefined
  readonly groupId: string | undefined
  readonly deduplicationId: string | undefined
  readonly senderId: string
  /** Milliseconds since the epoch. */
  firstReceivedAt: number | undefined
}

/** Bytes as SQS counts them: the body and, for each attribute, name, complete data type and value. */
export function sizeOf({ body, attributes }: Pick<WireMessage, 'body' | 'attributes'>): number {
  let bytes = Buffer.byteLength(body)
  for (const [name, { dataType, value }] of attributes) bytes += attributeBytes(name, typeof value === 'string' ? value : value.byteLength, dataType)
  return bytes
}

/** What the queue engine stores. */
export function incomingOf(message: WireMessage): Incoming {
  const headers = Object.fromEntries([...message.attributes].filter(([, { value }]) => typeof value === 'string').map(([name, { value }]) => [name, value]))
  return {
    id: undefined,
    body: message.body,
    bodyBytes: Buffer.byteLength(message.body),
    headers: headers as Headers,
    type: undefined,
    contentType: undefined,
    timestamp: undefined,
    key: message.groupId,
    attempt: 0,
    correlationId: undefined,
    replyTo: undefined,
    position: undefined,
    native: message,
  }
}

export function messageIn(stored: Stored): WireMessage {
  return stored.incoming.native as WireMessage
}
