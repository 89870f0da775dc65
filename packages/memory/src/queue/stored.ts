import { isBrokerOwned, metadataHeader, unpackMetadata, type Headers, type Incoming, type Outgoing } from '@busbar/core/driver'
import type { HeapItem } from '../collections/heap.ts'
import type { QueueDelivery } from './delivery.ts'
import type { KeyState } from './key-state.ts'

/** `held`: its group or key lets nothing out now. `flight`: delivered, unsettled. `gone`: settled, expired or moved; left-over references skip it. */
export type StoredState = 'ready' | 'delayed' | 'flight' | 'gone'

/** One message in one queue. Redeliveries share its {@link Incoming}. */
export class Stored implements HeapItem {
  /** The broker's own id, equal for all deliveries and kept when the message moves to a dead-letter queue. */
  readonly id: number
  incoming: Incoming
  readonly priority: number
  readonly deduplicationId: string | undefined
  /** Monotonic; `Infinity` without a time to live. */
  expiresAt: number
  /** Monotonic. */
  enqueuedAt: number
  state: StoredState = 'ready'
  /** Rises with every message that arrives in a queue. Its id, unless it was moved here: such a message keeps the id that it had. */
  sequence: number
  /** Place in the queue: rises with every message. */
  order = 0
  rank = 0
  slot = -1
  /** Monotonic; when a delayed message is due. */
  dueAt = 0
  /** Deliveries so far, as this broker counts them. */
  receives = 0
  /** Deliveries before this copy was made, which travel with it; the broker's limit does not count them. */
  earlier = 0
  /** The live receipt: a delivery that is not this one is too late. */
  current: QueueDelivery | undefined = undefined
  keyState: KeyState | undefined = undefined
  #sameAs: string | undefined = undefined

  constructor(id: number, incoming: Incoming, enqueuedAt: number, timeToLiveMs?: number, priority: number = 0, deduplicationId?: string) {
    this.id = id
    this.sequence = id
    this.incoming = incoming
    this.enqueuedAt = enqueuedAt
    this.expiresAt = timeToLiveMs === undefined ? Infinity : enqueuedAt + timeToLiveMs
    this.priority = priority
    this.deduplicationId = deduplicationId
  }

  get sameAs(): string {
    return (this.#sameAs ??= `m${this.id}`)
  }
}

/** What a consumer sees of `outgoing`: body and headers are shared, not copied. */
export function incomingOf(outgoing: Outgoing, position?: string): Incoming {
  const packed = outgoing.headers[metadataHeader]
  if (packed !== undefined || isForeign(outgoing)) return foreignOf(outgoing, packed, position)
  return ownOf(outgoing, position)
}

/** Core gives an id to everything. */
function isForeign({ id }: Partial<Outgoing>): boolean {
  return id === undefined
}

function ownOf(outgoing: Outgoing, position: string | undefined): Incoming {
  return {
    id: outgoing.id,
    body: outgoing.body,
    bodyBytes: outgoing.bodyBytes,
    headers: outgoing.headers,
    type: outgoing.type,
    contentType: outgoing.contentType,
    timestamp: outgoing.timestamp,
    key: outgoing.key,
    attempt: outgoing.attempt,
    correlationId: outgoing.correlationId,
    replyTo: outgoing.replyTo,
    position,
    native: undefined,
  }
}

/**
 * Core packs nothing for this driver, so a header of ours comes from a plain client: read as by drivers with a wire, after the native fields, and not shown, nor are those of brokers.
 * What is malformed or of a newer version yields nothing, and the body is delivered.
 */
function foreignOf(outgoing: Partial<Outgoing>, packed: string | undefined, position: string | undefined): Incoming {
  const metadata = unpackMetadata(packed)
  const headers: Record<string, string> = Object.assign(Object.create(null) as Record<string, string>, outgoing.headers)
  for (const name of Object.keys(headers)) if (name === metadataHeader || isBrokerOwned(name)) delete headers[name]
  const { attempt = 0 } = outgoing
  return {
    ...ownOf({ ...outgoing, headers: headers as Headers } as Outgoing, position),
    id: outgoing.id ?? metadata.id,
    type: outgoing.type ?? metadata.type,
    contentType: outgoing.contentType ?? metadata.contentType,
    timestamp: outgoing.timestamp ?? metadata.timestamp,
    key: outgoing.key ?? metadata.key,
    attempt: attempt > 0 ? attempt : (metadata.attempt ?? 0),
    correlationId: outgoing.correlationId ?? metadata.correlationId,
    replyTo: outgoing.replyTo ?? metadata.replyTo,
    // What tells one without an id from others.
    native: outgoing,
  }
}
