import type { Incoming } from '../driver/receiver.ts'
import type { Headers, Outgoing } from '../driver/sender.ts'

export interface CopyServices {
  readonly clock: { now(): number }
  readonly freshId: () => string
}

/** The message once more: identity and body as they came, attempts counted from 0, and no deduplication id that could make it a repetition. */
export function copyOf(incoming: Incoming, headers: Readonly<Record<string, string>>, { clock, freshId }: CopyServices): Outgoing {
  return {
    id: incoming.id ?? freshId(),
    body: incoming.body,
    bodyBytes: incoming.bodyBytes,
    headers: { __proto__: null, ...headers } as unknown as Headers,
    parameters: incoming.parameters,
    type: incoming.type,
    contentType: incoming.contentType,
    timestamp: incoming.timestamp ?? clock.now(),
    key: incoming.key,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: incoming.correlationId,
    replyTo: incoming.replyTo,
    copyOf: incoming.native,
  }
}
