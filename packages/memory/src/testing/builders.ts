import type { Body, Incoming, Outgoing } from '@busbar/core/driver'

/** Parts of a message; everything left out has a plain default. An object as `body` becomes JSON. */
export interface MessageParts extends Partial<Omit<Outgoing, 'body' | 'bodyBytes'>> {
  readonly body?: Body | object | number | boolean | null
}

let made = 0

/** A message as a producer hands it to a driver. Ids count up: `message-1`. */
export function outgoing(parts: MessageParts = {}): Outgoing {
  const { body = parts.id ?? '', headers, ...rest } = parts
  const encoded = encode(body)
  return {
    id: `message-${++made}`,
    type: undefined,
    contentType: encoded === body ? undefined : 'application/json',
    timestamp: 0,
    key: undefined,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    ...rest,
    body: encoded,
    bodyBytes: typeof encoded === 'string' ? Buffer.byteLength(encoded) : encoded.byteLength,
    headers: Object.freeze(Object.assign(Object.create(null) as Record<string, string>, headers)),
  }
}

/** A message as a driver hands it to a consumer: for unit tests of middleware and of code that looks at `incoming`. */
export function incoming(parts: MessageParts & Partial<Pick<Incoming, 'position' | 'native'>> = {}): Incoming {
  const { position, native, ...sent } = parts
  const { id, body, bodyBytes, headers, parameters, type, contentType, timestamp, key, attempt, correlationId, replyTo } = outgoing(sent)
  return { id, body, bodyBytes, headers, parameters, type, contentType, timestamp, key, attempt, correlationId, replyTo, position, native }
}

function encode(body: NonNullable<MessageParts['body']> | null): Body {
  return typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
}
