import { PrefixTracker, type Delivery, type Incoming, type Scope, type Tracked } from '@busbar/core/driver'
import type { StreamMember } from './member.ts'
import type { ShardProgress } from './progress.ts'

/** A record that was read: handed out, or skipped by a filter. */
interface Step {
  readonly offset: number
  readonly delivery: StreamDelivery | undefined
}

/** One record handed to the holder of its shard. */
export class StreamDelivery implements Delivery {
  readonly scope: ShardLease
  readonly incoming: Incoming
  readonly sameAs: string
  readonly brokerAttempts: undefined = undefined
  leaseUntil: undefined = undefined
  readonly tracked: Tracked<Step>

  constructor(lease: ShardLease, incoming: Incoming, track: (delivery: StreamDelivery) => Tracked<Step>) {
    this.scope = lease
    this.incoming = incoming
    this.sameAs = incoming.position as string
    this.tracked = track(this)
  }
}

/** One member's hold on one shard: the scope of its deliveries. Once it has ended it touches nothing. */
export class ShardLease implements Scope {
  readonly id: string
  readonly partition: string
  readonly progress: ShardProgress
  readonly member: StreamMember
  /** Offset of the next record to read. */
  next: number
  live = true
  /** To be handed over: nothing more is read. */
  revoking = false
  readonly #tracker = new PrefixTracker<Step>()
  #bytes = 0
  #messages = 0

  constructor(progress: ShardProgress, member: StreamMember) {
    this.progress = progress
    this.member = member
    this.partition = progress.shard.id
    this.id = `${progress.shard.id}/${++progress.fence}`
    this.next = Math.max(progress.checkpoint, progress.shard.first)
    // A checkpoint behind the horizon reads on from the oldest record there is.
    progress.checkpoint = this.next
  }

  get unsettled(): number {
    return this.#messages
  }

  /** The next record as a delivery; it fills a place of the member's window until the checkpoint passes it. */
  take(): StreamDelivery {
    const offset = this.next++
    const { incoming } = this.progress.shard.at(offset)
    this.#count(1, incoming.bodyBytes)
    return new StreamDelivery(this, incoming, (delivery) => this.#tracker.add({ offset, delivery }))
  }

  /** The next record is not for this group. */
  skip(): void {
    this.#advance(this.#tracker.complete(this.#tracker.add({ offset: this.next++, delivery: undefined })))
  }

  /** Moves the checkpoint as far as everything before it is done; has it passed this delivery? */
  complete(delivery: StreamDelivery): boolean {
    const done = this.#tracker.complete(delivery.tracked)
    this.#advance(done)
    return done.length > 0
  }

  /** Frees the member's window; whatever is not below the checkpoint is read again by the next holder. */
  end(): void {
    this.live = false
    this.#count(-this.#messages, -this.#bytes)
  }

  #advance(done: readonly Step[]): void {
    for (const { offset, delivery } of done) {
      this.progress.checkpoint = offset + 1
      if (delivery !== undefined) this.#count(-1, -delivery.incoming.bodyBytes)
    }
  }

  #count(messages: number, bytes: number): void {
    this.#messages += messages
    this.#bytes += bytes
    this.member.heldMessages += messages
    this.member.heldBytes += bytes
  }
}
