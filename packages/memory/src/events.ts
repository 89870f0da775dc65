import type { Incoming } from '@busbar/core/driver'

/** What happened to a message at the broker. */
export type BrokerEventKind =
  /** Stored in a queue, or appended to a stream. */
  | 'stored'
  /** A repeated deduplication id: not stored. */
  | 'deduplicated'
  | 'delivered'
  | 'acked'
  | 'retried'
  | 'released'
  | 'extended'
  /** The lease ended; the message is there again. */
  | 'expired'
  /** Its scope was lost; the message is there again. */
  | 'lost'
  /** Moved to a dead-letter queue by the broker. */
  | 'dead-lettered'
  /** Its time to live ended, or a filter or the broker's rules threw it away. */
  | 'dropped'
  /** A settlement came too late. */
  | 'too-late'
  /** A scripted fault took effect. */
  | 'fault'

/** One event at the broker, as spies and traces see it. */
export interface BrokerEvent {
  readonly kind: BrokerEventKind
  /** Monotonic milliseconds of the broker's clock. */
  readonly at: number
  /** Queue (`orders`, `topic.subscription`), stream, or `link` for faults of a connection. */
  readonly place: string
  /** The broker's id of the message. */
  readonly id: string | undefined
  readonly message: Incoming | undefined
  /** Receiver, delay, reason and the like. */
  readonly detail: string | undefined
}

/** One line of a trace: `12.5 delivered orders m17 c1 #2`. */
export function traceLine(event: BrokerEvent): string {
  return [event.at, event.kind, event.place, event.id, event.detail].filter((part) => part !== undefined).join(' ')
}
