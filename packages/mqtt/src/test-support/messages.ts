import { bodyBytes, type Endpoint, type Outgoing } from '@busbar/core/driver'

/** A complete outgoing message. */
export function outgoing(parts: Partial<Omit<Outgoing, 'bodyBytes'>> = {}): Outgoing {
  const body = parts.body ?? 'hello'
  return {
    id: 'm-1',
    bodyBytes: bodyBytes(body),
    headers: {},
    type: undefined,
    contentType: undefined,
    timestamp: 1_767_225_600_123,
    key: undefined,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    ...parts,
    body,
  }
}

export function endpoint(parts: Partial<Endpoint> = {}): Endpoint {
  return { destination: 'orders', kind: 'queue', name: 'orders', keyed: false, maxAttempts: 10, options: {}, ...parts }
}
