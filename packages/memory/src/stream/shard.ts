import type { Incoming } from '@busbar/core/driver'
import { Ring } from '../collections/ring.ts'
import type { TokenBucket } from './token-bucket.ts'

export interface StreamRecord {
  readonly sequence: bigint
  readonly incoming: Incoming
  /** Wall-clock milliseconds. */
  readonly arrivedAt: number
  readonly bytes: number
}

/** One partition of a stream: a log of records whose keys hash into its range. Offsets count all records that it ever had. */
export class Shard {
  readonly id: string
  readonly startingHashKey: bigint
  /** Inclusive. */
  readonly endingHashKey: bigint
  readonly parents: readonly Shard[]
  readonly children: Shard[] = []
  /** Present while writing is throttled. */
  readonly rates: { readonly bytes: TokenBucket; readonly records: TokenBucket } | undefined
  /** Closed by a split or merge: nothing is added any more. */
  closed = false
  readonly #records = new Ring<StreamRecord>()
  #first = 0

  constructor(id: string, range: readonly [bigint, bigint], parents: readonly Shard[], rates: Shard['rates']) {
    this.id = id
    this.startingHashKey = range[0]
    this.endingHashKey = range[1]
    this.parents = parents
    this.rates = rates
  }

  /** Offset of the oldest record that is kept. */
  get first(): number {
    return this.#first
  }

  /** Offset that the next record will have. */
  get end(): number {
    return this.#first + this.#records.length
  }

  covers(hash: bigint): boolean {
    return hash >= this.startingHashKey && hash <= this.endingHashKey
  }

  append(record: StreamRecord): void {
    this.#records.push(record)
  }

  /** `offset` from `first` to below `end`. */
  at(offset: number): StreamRecord {
    return this.#records.at(offset - this.#first)
  }

  /** Forgets what arrived at `horizon` (wall clock) or before. */
  trim(horizon: number): void {
    for (let oldest = this.#records.peek(); oldest !== undefined && oldest.arrivedAt <= horizon; oldest = this.#records.peek()) {
      this.#records.shift()
      this.#first++
    }
  }

  /** Offset of the first record with a sequence number of at least `sequence`. */
  offsetOf(sequence: bigint): number {
    return this.#search((record) => record.sequence >= sequence)
  }

  /** Offset of the first record that arrived at `timestamp` or later. */
  offsetAt(timestamp: number): number {
    return this.#search((record) => record.arrivedAt >= timestamp)
  }

  #search(reached: (record: StreamRecord) => boolean): number {
    let low = this.#first
    let high = this.end
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (reached(this.at(middle))) high = middle
      else low = middle + 1
    }
    return low
  }
}
