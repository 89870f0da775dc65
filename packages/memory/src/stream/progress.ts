import type { Shard } from './shard.ts'
import type { ShardLease } from './shard-lease.ts'

/** How far a group has come in one shard. */
export class ShardProgress {
  readonly shard: Shard
  /** Offset of the first record that is not settled: everything before it is. */
  checkpoint: number
  /** Rises with every lease. */
  fence = 0
  lease: ShardLease | undefined = undefined

  constructor(shard: Shard, checkpoint: number) {
    this.shard = shard
    this.checkpoint = checkpoint
  }

  /** Closed, and everything in it is settled. */
  get ended(): boolean {
    return this.shard.closed && this.checkpoint >= this.shard.end
  }
}
