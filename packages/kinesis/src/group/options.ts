import type { Clock, LeaseStore, StartFrom } from '@busbar/core/driver'
import type { GroupTimes } from '../options.ts'
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
  /** The store does not know any more how the group began: it has lost what it was given, checkpoints too. That is written again, and what had been done may come again. */
  forgotten(): void
  /** It has looked at the table, and what it could take it has taken. */
  looked(): void
}

/** Checked by those who give them. */
export interface GroupWorkerOptions extends GroupTimes {
  readonly store: LeaseStore
  readonly clock: Clock
  readonly random: () => number
  /** Names the group in the store: the stream and the subscription. */
  readonly group: string
  /** Names this worker, and no other one, not even an earlier run of the same process. */
  readonly worker: string
  /** Where the group begins; its first worker decides. */
  readonly startFrom: StartFrom
  /** For a group that begins at a position, or is replayed from one. */
  readonly findPosition: FindPosition
  /** All shards that are kept, closed ones too. */
  readonly listShards: () => Promise<readonly GroupShard[]>
  readonly handler: GroupHandler
}
