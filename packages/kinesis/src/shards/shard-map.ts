import { maxHashKey } from './hash-key.ts'

/** One shard of a stream, as `ListShards` tells of it. */
export interface Shard {
  readonly id: string
  /** First hash key of its range. */
  readonly start: bigint
  /** Last hash key of its range. */
  readonly end: bigint
  /** One after a split, two after a merge, none of a shard that the stream was made with. Parents may be gone from the list. */
  readonly parents: readonly string[]
  /** False after a split or merge: nothing is written to it any more. */
  readonly open: boolean
}

/** Is the hash key in the shard's range? */
export function covers(shard: Pick<Shard, 'start' | 'end'>, hashKey: bigint): boolean {
  return hashKey >= shard.start && hashKey <= shard.end
}

/** The shards of a stream at one moment. Immutable. */
export class ShardMap {
  readonly #open: readonly Shard[]
  readonly #all: ReadonlyMap<string, Shard>

  constructor(shards: readonly Shard[]) {
    this.#all = new Map(shards.map((shard) => [shard.id, shard]))
    this.#open = shards.filter(({ open }) => open).toSorted((a, b) => (a.start < b.start ? -1 : 1))
  }

  /** What is spread over all hash keys may go at the pace of so many shards: those that are written to, if they are of one size, and fewer if not. At least 1. */
  get evenShards(): number {
    const largest = Math.max(...this.#open.map(({ start, end }) => Number(end - start + 1n)))
    return Math.max(1, Number(maxHashKey + 1n) / largest)
  }

  /** Open or closed. */
  get(id: string): Shard | undefined {
    return this.#all.get(id)
  }

  /** The shard that is written to, by hash key; `undefined` where the list had a gap, as it may while a stream changes. */
  find(hashKey: bigint): Shard | undefined {
    let low = 0
    let high = this.#open.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#open[middle] as Shard).start <= hashKey) low = middle
      else high = middle - 1
    }
    const shard = this.#open[low]
    return shard !== undefined && covers(shard, hashKey) ? shard : undefined
  }
}
