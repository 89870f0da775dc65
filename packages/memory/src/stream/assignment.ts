import type { BrokerError, Clock } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import type { StreamMember } from './member.ts'
import type { ShardProgress } from './progress.ts'
import { ShardLease } from './shard-lease.ts'
import type { ShardTable } from './shard-table.ts'

/** How long a member has to hand over a shard before it is taken. */
const handOverMs = 30_000

/** What an assignment asks of its group. */
export interface AssignmentHost {
  readonly clock: Clock
  readonly members: readonly StreamMember[]
  readonly shards: ShardTable
  ended(lease: ShardLease, how: 'released' | 'lost'): void
  /** Shards may have other holders now. */
  wake(): void
}

/** Which member of a group holds which shard: one at a time, as evenly as can be, moved by graceful hand-over. */
export class Assignment {
  /** While it is set no shard is given out. */
  suspended = false
  readonly #host: AssignmentHost

  constructor(host: AssignmentHost) {
    this.#host = host
  }

  /** Ends the leases of finished shards, gives free ones to the members with the fewest, and evens out. `last` gets a free one last. */
  update(last?: StreamMember): void {
    const { members, shards } = this.#host
    if (this.suspended || members.length === 0) return
    const all = shards.all()
    for (const progress of all) if (progress.lease !== undefined && progress.ended) this.end(progress.lease, 'released')
    for (const progress of all) if (progress.lease === undefined && shards.isDue(progress)) this.#lease(progress, fewest(members, last))
    this.#balance()
    this.#host.wake()
  }

  /** Takes a lease from its holder without asking. */
  take(lease: ShardLease, reason: BrokerError): void {
    this.end(lease, 'lost')
    lease.member.consumer.lost(lease, reason)
  }

  end(lease: ShardLease, how: 'released' | 'lost'): void {
    lease.end()
    lease.member.leases.delete(lease)
    lease.progress.lease = undefined
    this.#host.ended(lease, how)
  }

  /** Resolves when all leases have been handed over. */
  async handOverAll(): Promise<void> {
    await Promise.all(this.#host.members.flatMap((member) => [...member.leases].map((lease) => this.#handOver(lease))))
  }

  #lease(progress: ShardProgress, member: StreamMember): void {
    const lease = new ShardLease(progress, member)
    progress.lease = lease
    member.leases.add(lease)
  }

  /** Asks members with at least two shards more than another to hand one over. Shards on their way count for those who will get them. */
  #balance(): void {
    const shares = this.#host.members.map((member) => ({ member, shards: kept(member).length }))
    const underWay = this.#host.members.reduce((sum, member) => sum + member.leases.size - kept(member).length, 0)
    for (let given = 0; given < underWay; given++) least(shares).shards++
    for (;;) {
      const from = most(shares)
      const to = least(shares)
      const lease = kept(from.member).at(-1)
      if (from.shards - to.shards < 2 || lease === undefined) return
      from.shards--
      to.shards++
      void this.#handOver(lease).then(() => this.update())
    }
  }

  /** Lets the holder finish what runs, at most until the deadline. */
  async #handOver(lease: ShardLease): Promise<void> {
    lease.revoking = true
    const { clock } = this.#host
    const { promise: deadline, resolve: late } = Promise.withResolvers<void>()
    const timer = clock.timer(clock.monotonic() + handOverMs, late)
    await Promise.race([lease.member.consumer.revoke(lease, handOverMs), deadline])
    timer.cancel()
    if (!lease.live) return
    const outlasted = lease.unsettled > 0
    this.end(lease, 'released')
    // Or it would be begun again here, when the next member has it.
    if (outlasted) lease.member.consumer.lost(lease, outlastedError(lease))
  }
}

interface Share {
  readonly member: StreamMember
  shards: number
}

function outlastedError({ id }: ShardLease): BrokerError {
  return memoryError('ERR_TOO_LATE', `shard lease ${id} goes to another member before its handlers have ended`)
}

function fewest(members: readonly StreamMember[], last: StreamMember | undefined): StreamMember {
  const others = members.filter((member) => member !== last)
  return (others.length > 0 ? others : members).reduce((best, member) => (member.leases.size < best.leases.size ? member : best))
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
