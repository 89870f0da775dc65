import type { BrokerError, Window } from '@busbar/core/driver'
import type { LinkMember } from '../link/member.ts'
import type { ShardLease, StreamDelivery } from './shard-lease.ts'

/** What a group calls on the receiver behind a member. */
export interface StreamConsumer extends LinkMember {
  deliver(deliveries: readonly StreamDelivery[]): void
  lost(lease: ShardLease, reason: BrokerError): void
  revoke(lease: ShardLease, deadlineMs: number): Promise<void>
}

/** The part of the window that is kept for the shards, in equal shares: one that is held up, and has much, leaves the others room. */
const sharedPart = 0.5

/** One receiver in a group: the shards that it holds and the window over all of them. */
export class StreamMember {
  /** For traces. */
  readonly name: string
  readonly consumer: StreamConsumer
  readonly leases: Set<ShardLease> = new Set<ShardLease>()
  /** Connected, started and not paused. */
  open = false
  heldMessages = 0
  heldBytes = 0
  /** Nothing is delivered before this monotonic time: a fault. */
  stalledUntil = 0
  #window: Window

  constructor(name: string, consumer: StreamConsumer, window: Window) {
    this.name = name
    this.consumer = consumer
    this.#window = window
  }

  resize(window: Window): void {
    this.#window = window
  }

  fits(bytes: number): boolean {
    return this.heldMessages < this.#window.messages && (this.heldBytes + bytes <= this.#window.bytes || this.heldMessages === 0)
  }

  /** Messages that the shard may have now, beside what is kept for the others. O(shards). */
  roomFor(lease: ShardLease): number {
    const { messages } = this.#window
    const share = Math.max(1, Math.floor((messages * sharedPart) / this.leases.size))
    let kept = 0
    for (const other of this.leases) if (other !== lease) kept += Math.max(0, share - other.unsettled)
    return Math.max(lease.unsettled === 0 ? 1 : 0, messages - this.heldMessages - kept)
  }
}
