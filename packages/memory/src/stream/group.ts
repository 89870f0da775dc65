import { compileFilter, compileHeaderFilter, type BrokerError, type EndpointStats, type EndpointSubscription, type Headers, type Incoming, type StartFrom } from '@busbar/core/driver'
import type { BrokerEventKind } from '../events.ts'
import { parsedOnce } from '../topic/topic.ts'
import type { StreamMember } from './member.ts'
import { ShardProgress } from './progress.ts'
import type { Shard } from './shard.ts'
import { ShardLease, type StreamDelivery } from './shard-lease.ts'
import type { Stream } from './stream.ts'

/** How long a member has to hand over a shard before it is taken. */
const handOverMs = 30_000
/** Records of one shard in a row before the next shard has its turn. */
const turnRecords = 100

/**
 * The consumers of one subscription. Each shard is held by one member at a time, as evenly as can be; a new member gets shards by graceful hand-over.
 * A child shard is read when all its parents are settled to their end. The start position is fixed when the group is made, so that nothing falls between.
 */
export class Group {
  readonly name: string
  readonly stream: Stream
  readonly #progress = new Map<Shard, ShardProgress>()
  readonly #members: StreamMember[] = []
  #body: ((body: unknown) => boolean) | undefined
  #headers: ((headers: Headers) => boolean) | undefined
  #scheduled = false
  /** Shards are not given out while the group moves to another position. */
  #seeking = false

  constructor(stream: Stream, subscription: EndpointSubscription) {
    this.stream = stream
    this.name = `${stream.name}.${subscription.name}`
    this.filterBy(subscription)
    this.#place(subscription.startFrom ?? 'latest')
  }

  /** Replaces the filters. */
  filterBy({ filter, headerFilter }: Pick<EndpointSubscription, 'filter' | 'headerFilter'>): void {
    this.#body = filter === undefined ? undefined : compileFilter(filter)
    this.#headers = headerFilter === undefined ? undefined : compileHeaderFilter(headerFilter)
  }

  /** Does anybody receive? */
  get attended(): boolean {
    return this.#members.length > 0
  }

  join(member: StreamMember): void {
    this.#members.push(member)
    this.#assign()
  }

  /** The member's shards go to others, from their checkpoints. */
  leave(member: StreamMember): void {
    member.open = false
    this.#members.splice(this.#members.indexOf(member), 1)
    for (const lease of [...member.leases]) this.#end(lease, 'released')
    this.#assign()
  }

  /** The member loses its shards; they are given out anew, to it as well if it is still there. */
  lose(member: StreamMember, reason: BrokerError): void {
    for (const lease of [...member.leases]) this.#take(lease, reason)
    this.#assign()
  }

  /** One shard of the member goes to another, or back to it as a new lease. */
  steal(member: StreamMember, reason: BrokerError): void {
    const [lease] = member.leases
    if (lease === undefined) return
    this.#take(lease, reason)
    this.#assign(member)
  }

  /** All shards are handed over, then start at `position`. */
  async seek(position: StartFrom): Promise<void> {
    this.#seeking = true
    try {
      await Promise.all(this.#leases().map((lease) => this.#handOver(lease)))
      this.stream.trim()
      this.#place(position)
    } finally {
      this.#seeking = false
      this.#assign()
    }
  }

  /** The stream has other shards now. */
  resharded(): void {
    this.#assign()
  }

  /** The checkpoint of a shard has moved: its children may be due, and there is room in the window. */
  advanced(progress: ShardProgress): void {
    if (progress.ended) this.#assign()
    this.wake()
  }

  /** Delivers, in the microtask to come, what can be delivered. */
  wake(): void {
    if (this.#scheduled || this.#members.length === 0) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      for (const member of [...this.#members]) this.#serve(member)
    })
  }

  /** Counts of records that the filters let through. */
  stats(): EndpointStats {
    this.stream.trim()
    let ready = 0
    let inFlight = 0
    let oldest = Infinity
    for (const progress of this.#all()) {
      inFlight += progress.lease?.unsettled ?? 0
      const { shard } = progress
      for (let offset = Math.max(progress.lease?.next ?? progress.checkpoint, shard.first); offset < shard.end; offset++) if (this.#wants(shard.at(offset).incoming)) ready++
      const first = Math.max(progress.checkpoint, shard.first)
      if (first < shard.end) oldest = Math.min(oldest, shard.at(first).arrivedAt)
    }
    return { ready, inFlight, delayed: undefined, oldestAgeMs: oldest === Infinity ? 0 : this.stream.world.clock.now() - oldest }
  }

  report(kind: BrokerEventKind, incoming: Incoming | undefined, detail: string): void {
    const { world } = this.stream
    world.observer?.({ kind, at: world.clock.monotonic(), place: this.name, id: incoming?.position, message: incoming, detail })
  }

  #place(position: StartFrom): void {
    this.#progress.clear()
    for (const shard of this.stream.shards) this.#progress.set(shard, new ShardProgress(shard, this.stream.offset(shard, position)))
  }

  /** Progress in every shard; one that was made by resharding starts at its beginning. */
  #all(): ShardProgress[] {
    return this.stream.shards.map((shard) => {
      let progress = this.#progress.get(shard)
      if (progress === undefined) this.#progress.set(shard, (progress = new ShardProgress(shard, shard.first)))
      return progress
    })
  }

  #leases(): ShardLease[] {
    return this.#members.flatMap((member) => [...member.leases])
  }

  /** Ends the leases of finished shards, gives free ones to the members with the fewest, and evens out. `except` gets a free one last. */
  #assign(except?: StreamMember): void {
    if (this.#seeking || this.#members.length === 0) return
    const all = this.#all()
    for (const progress of all) if (progress.lease !== undefined && progress.ended) this.#end(progress.lease, 'released')
    for (const progress of all) if (progress.lease === undefined && this.#isDue(progress)) this.#lease(progress, fewest(this.#members, except))
    this.#balance()
    this.wake()
  }

  #isDue(progress: ShardProgress): boolean {
    return !progress.ended && progress.shard.parents.every((parent) => this.#progress.get(parent)?.ended ?? true)
  }

  /** Asks members with at least two shards more than another to hand one over. Shards on their way count for those who will get them. */
  #balance(): void {
    const shares = this.#members.map((member) => ({ member, shards: kept(member).length }))
    const underWay = this.#leases().filter((lease) => lease.revoking).length
    for (let given = 0; given < underWay; given++) least(shares).shards++
    for (;;) {
      const from = most(shares)
      const to = least(shares)
      const lease = kept(from.member).at(-1)
      if (from.shards - to.shards < 2 || lease === undefined) return
      from.shards--
      to.shards++
      void this.#handOver(lease).then(() => this.#assign())
    }
  }

  #lease(progress: ShardProgress, member: StreamMember): void {
    const lease = new ShardLease(progress, member)
    progress.lease = lease
    member.leases.add(lease)
  }

  /** Lets the holder finish what runs, at most until the deadline. */
  async #handOver(lease: ShardLease): Promise<void> {
    lease.revoking = true
    const { clock } = this.stream.world
    let late = (): void => {}
    const deadline = new Promise<void>((resolve) => (late = resolve))
    const timer = clock.timer(clock.monotonic() + handOverMs, late)
    await Promise.race([lease.member.consumer.revoke(lease, handOverMs), deadline])
    timer.cancel()
    if (lease.live) this.#end(lease, 'released')
  }

  #take(lease: ShardLease, reason: BrokerError): void {
    this.#end(lease, 'lost')
    lease.member.consumer.lost(lease, reason)
  }

  #end(lease: ShardLease, how: 'released' | 'lost'): void {
    lease.end()
    lease.member.leases.delete(lease)
    lease.progress.lease = undefined
    this.report(how, undefined, `${lease.id} at ${lease.progress.checkpoint}`)
  }

  /** Fills the member's window, the shards taking turns. */
  #serve(member: StreamMember): void {
    const { clock } = this.stream.world
    if (!member.open || member.stalledUntil > clock.monotonic()) return
    this.stream.trim()
    for (let served = true; served && member.open; ) {
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
    lease.next = Math.max(lease.next, shard.first)
    const skippedBefore = lease.next
    while (lease.live && !lease.revoking && lease.next < shard.end && deliveries.length < turnRecords) {
      const { incoming } = shard.at(lease.next)
      if (!this.#wants(incoming)) {
        lease.skip()
        continue
      }
      if (!member.fits(incoming.bodyBytes)) break
      deliveries.push(lease.take())
      this.report('delivered', incoming, `${member.name} ${lease.id}`)
    }
    if (lease.next > skippedBefore && deliveries.length === 0) this.advanced(lease.progress)
    return deliveries
  }

  #wants(incoming: Incoming): boolean {
    return (this.#headers === undefined || this.#headers(incoming.headers)) && (this.#body === undefined || this.#body(parsedOnce(incoming)()))
  }
}

function fewest(members: readonly StreamMember[], except: StreamMember | undefined): StreamMember {
  let chosen: StreamMember | undefined
  for (const member of members) {
    if (member === except && members.length > 1) continue
    if (chosen === undefined || member.leases.size < chosen.leases.size) chosen = member
  }
  return chosen as StreamMember
}

interface Share {
  readonly member: StreamMember
  shards: number
}

function least(shares: readonly Share[]): Share {
  return shares.reduce((best, share) => (share.shards < best.shards ? share : best))
}

function most(shares: readonly Share[]): Share {
  return shares.reduce((best, share) => (share.shards > best.shards ? share : best))
}

function kept(member: StreamMember): ShardLease[] {
  return [...member.leases].filter((lease) => !lease.revoking)
}
