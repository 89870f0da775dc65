import type { BrokerError, Clock, EndpointStats, EndpointSubscription, Incoming, StartFrom } from '@busbar/core/driver'
import type { BrokerEventKind } from '../events.ts'
import { SubscriptionFilter } from '../topic/subscription-filter.ts'
import { Assignment, type AssignmentHost } from './assignment.ts'
import type { StreamMember } from './member.ts'
import type { ShardProgress } from './progress.ts'
import type { ShardLease, StreamDelivery } from './shard-lease.ts'
import { ShardTable } from './shard-table.ts'
import type { Stream } from './stream.ts'

/** Records of one shard in a row before the next shard has its turn. */
const turnRecords = 100

/**
 * The consumers of one subscription. Each shard is held by one member at a time. A child shard is read when all its parents are settled to their end.
 * The start position is fixed when the group is made, so that nothing falls between.
 */
export class Group implements AssignmentHost {
  readonly name: string
  readonly stream: Stream
  readonly members: StreamMember[] = []
  readonly shards: ShardTable
  filter: SubscriptionFilter
  readonly #assignment: Assignment
  #scheduled = false

  constructor(stream: Stream, subscription: EndpointSubscription) {
    this.stream = stream
    this.name = `${stream.name}.${subscription.name}`
    this.filter = new SubscriptionFilter(subscription)
    this.shards = new ShardTable(stream, subscription.startFrom ?? 'latest')
    this.#assignment = new Assignment(this)
  }

  get clock(): Clock {
    return this.stream.world.clock
  }

  /** Does anybody receive? */
  get attended(): boolean {
    return this.members.length > 0
  }

  join(member: StreamMember): void {
    this.members.push(member)
    this.#assignment.update()
  }

  /** The member's shards go to others, from their checkpoints. */
  leave(member: StreamMember): void {
    member.open = false
    this.members.splice(this.members.indexOf(member), 1)
    for (const lease of [...member.leases]) this.#assignment.end(lease, 'released')
    this.#assignment.update()
  }

  /** The member loses its shards; they are given out anew, to it as well if it is still there. */
  lose(member: StreamMember, reason: BrokerError): void {
    for (const lease of [...member.leases]) this.#assignment.take(lease, reason)
    this.#assignment.update()
  }

  /** One shard of the member goes to another, or back to it as a new lease. */
  steal(member: StreamMember, reason: BrokerError): void {
    const [lease] = member.leases
    if (lease === undefined) return
    this.#assignment.take(lease, reason)
    this.#assignment.update(member)
  }

  /** All shards are handed over, then start at `position`. */
  async seek(position: StartFrom): Promise<void> {
    this.#assignment.suspended = true
    try {
      await this.#assignment.handOverAll()
      this.stream.trim()
      this.shards.place(position)
    } finally {
      this.#assignment.suspended = false
      this.#assignment.update()
    }
  }

  /** The stream has other shards now. */
  resharded(): void {
    this.#assignment.update()
  }

  /** The checkpoint of a shard has moved: its children may be due, and there is room in the window. */
  advanced(progress: ShardProgress): void {
    if (progress.ended) this.#assignment.update()
    else this.wake()
  }

  ended(lease: ShardLease, how: 'released' | 'lost'): void {
    this.report(how, undefined, `${lease.id} at ${lease.progress.checkpoint}`)
  }

  /** Delivers, in the microtask to come, what can be delivered. */
  wake(): void {
    if (this.#scheduled || this.members.length === 0) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      for (const member of [...this.members]) this.#serve(member)
    })
  }

  /** Counts of records that the filters let through. */
  stats(): EndpointStats {
    this.stream.trim()
    let ready = 0
    let inFlight = 0
    let oldest = Infinity
    for (const { shard, lease, checkpoint } of this.shards.all()) {
      inFlight += lease?.unsettled ?? 0
      for (let offset = Math.max(lease?.next ?? checkpoint, shard.first); offset < shard.end; offset++)
        if (this.filter.wants(shard.at(offset).incoming)) ready++
      const first = Math.max(checkpoint, shard.first)
      if (first < shard.end) oldest = Math.min(oldest, shard.at(first).arrivedAt)
    }
    return { ready, inFlight, delayed: undefined, oldestAgeMs: oldest === Infinity ? 0 : this.clock.now() - oldest }
  }

  report(kind: BrokerEventKind, incoming: Incoming | undefined, detail: string): void {
    this.stream.world.observer?.({ kind, at: this.clock.monotonic(), place: this.name, id: incoming?.position, message: incoming, detail })
  }

  /** Fills the member's window, the shards taking turns. */
  #serve(member: StreamMember): void {
    if (!member.open || member.stalledUntil > this.clock.monotonic()) return
    this.stream.trim()
    for (let served = true; served && member.open;) {
      served = false
      for (const lease of [...member.leases]) {
        const deliveries = this.#read(lease, member)
        if (deliveries.length === 0) continue
        served = true
        member.consumer.deliver(deliveries)
      }
    }
  }

  #read(lease: ShardLease, member: StreamMember): StreamDelivery[] {
    const { shard } = lease.progress
    const deliveries: StreamDelivery[] = []
    const before = (lease.next = Math.max(lease.next, shard.first))
    const most = Math.min(turnRecords, member.roomFor(lease))
    while (lease.live && !lease.revoking && lease.next < shard.end && deliveries.length < most) {
      const { incoming } = shard.at(lease.next)
      if (!this.filter.wants(incoming)) {
        lease.skip()
        continue
      }
      if (!member.fits(incoming.bodyBytes)) break
      deliveries.push(lease.take())
      this.report('delivered', incoming, `${member.name} ${lease.id}`)
    }
    if (lease.next > before && deliveries.length === 0) this.advanced(lease.progress)
    return deliveries
  }
}
