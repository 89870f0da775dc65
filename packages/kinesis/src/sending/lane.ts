import type { Batch } from './batch.ts'
import type { Shard } from '../shards/shard-map.ts'
import type { PreparedRecord } from './record.ts'
import type { ShardGate } from './shard-gate.ts'

/** One message on its way. */
export interface Item {
  readonly record: PreparedRecord
  /** Fires when nobody waits any more. */
  readonly signal: AbortSignal
  /** Monotonic milliseconds at which it came. */
  readonly since: number
  /** Goes as a record of its own: an aggregated one with it went to a shard that it had not been made for. */
  alone: boolean
  /** Where its result belongs. */
  readonly batch: Batch
  readonly index: number
}

/** What waits for one shard, in order: one request at a time has records of it, so that none overtakes another. Or what may go to any shard, and needs no order. */
export class Lane {
  /** `undefined` where it is not known, or any. */
  readonly shard: Shard | undefined
  readonly ordered: boolean
  readonly gate: ShardGate
  queue: Item[] = []
  /** Not before a request that is out is answered. */
  busy = false

  constructor(shard: Shard | undefined, ordered: boolean, gate: ShardGate) {
    this.shard = shard
    this.ordered = ordered
    this.gate = gate
  }
}
