import { checkedInteger, type Clock, type LeaseStore, type StartFrom } from '@busbar/core/driver'
import type { FindPosition } from './beginning.ts'
import type { ShardLease } from './held-shard.ts'
import type { GroupShard } from './shard-graph.ts'

/** What a worker does with its shards. Nothing here may throw. */
export interface GroupHandler {
  /** Read it from `lease.from`. */
  start(lease: ShardLease): void
  /** Begin no more records of it, and resolve when those under way are done. Its checkpoint is written then, and the lease given up. After `deadlineMs` it is given up anyway. */
  revoke(lease: ShardLease, deadlineMs: number): Promise<void>
  /** It is no longer ours: abort what runs. Others may read it already. */
  lost(lease: ShardLease, reason: Error): void
  /** What did not work, and is tried again. */
  failed(error: Error): void
  /** It has looked at the table, and what it could take it has taken. */
  looked?(): void
}

export interface GroupWorkerOptions {
  readonly store: LeaseStore
  readonly clock: Clock
  readonly random: () => number
  /** Names the group in the store: the stream and the subscription. */
  readonly group: string
  /** Names this worker, and no other one, not even an earlier run of the same process. */
  readonly worker: string
  /** Where the group begins; its first worker decides. */
  readonly startFrom: StartFrom
  /** For a group that begins at a position, or is replayed from one. Without it that is refused. */
  readonly findPosition?: FindPosition
  /** All shards that are kept, closed ones too. */
  readonly listShards: () => Promise<readonly GroupShard[]>
  readonly handler: GroupHandler
  /** How long the shards of a worker that has died are unread, at most, but for the next look of another, in milliseconds. 1,000 to 600,000. Default 10,000. A worker that cannot reach the store for nine tenths of it gives its shards up. */
  readonly leaseMs?: number
  /** How often changed checkpoints are written, in milliseconds. 100 to a third of `leaseMs`. Default 2,000, or that third. */
  readonly checkpointMs?: number
  /** How often each worker looks at the table, in milliseconds; 50 for each worker if that is more. 100 to 60,000. Default 2,000. */
  readonly lookMs?: number
  /** How often shards are listed, in milliseconds; also when one has ended. 1,000 to 3,600,000. Default 60,000. */
  readonly listMs?: number
  /** How long handing over a shard may take, in milliseconds. 0 to 3,600,000. Default 30,000. */
  readonly handOverMs?: number
}

export type ResolvedOptions = Required<GroupWorkerOptions>

const findNothing: FindPosition = (position) => {
  throw new RangeError(`position ${position}: no way to find positions was given`)
}

/** Throws a `RangeError` that names the option. */
export function resolveOptions(options: GroupWorkerOptions): ResolvedOptions {
  const { leaseMs = 10_000, lookMs = 2_000, listMs = 60_000, handOverMs = 30_000 } = options
  checkedInteger('group: leaseMs', leaseMs, 1_000, 600_000)
  const third = Math.floor(leaseMs / 3)
  return {
    findPosition: findNothing,
    ...options,
    leaseMs,
    checkpointMs: checkedInteger('group: checkpointMs', options.checkpointMs ?? Math.min(2_000, third), 100, third),
    lookMs: checkedInteger('group: lookMs', lookMs, 100, 60_000),
    listMs: checkedInteger('group: listMs', listMs, 1_000, 3_600_000),
    handOverMs: checkedInteger('group: handOverMs', handOverMs, 0, 3_600_000),
  }
}
