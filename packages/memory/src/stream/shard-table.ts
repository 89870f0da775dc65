import type { StartFrom } from '@busbar/core/driver'
import { ShardProgress } from './progress.ts'
import type { Shard } from './shard.ts'
import type { Stream } from './stream.ts'

/** How far a group has come in every shard of its stream. */
export class ShardTable {
  readonly #stream: Stream
  readonly #progress = new Map<Shard, ShardProgress>()

  constructor(stream: Stream, position: StartFrom) {
    this.#stream = stream
    this.place(position)
  }

  /** Starts at `position` in all shards that there are. Throws `ERR_INVALID` for a position that is none, and then changes nothing. */
  place(position: StartFrom): void {
    const offsets = this.#stream.shards.map((shard) => [shard, this.#stream.offset(shard, position)] as const)
    this.#progress.clear()
    for (const [shard, offset] of offsets) this.#progress.set(shard, new ShardProgress(shard, offset))
  }

  /** Parents before children. A shard that was made by resharding since starts at its beginning. */
  all(): ShardProgress[] {
    return this.#stream.shards.map((shard) => {
      let progress = this.#progress.get(shard)
      if (progress === undefined) this.#progress.set(shard, (progress = new ShardProgress(shard, shard.first)))
      return progress
    })
  }

  /** Is there something to read, now or later, with all parents settled to their end? */
  isDue(progress: ShardProgress): boolean {
    return !progress.ended && progress.shard.parents.every((parent) => this.#progress.get(parent)?.ended ?? true)
  }
}
