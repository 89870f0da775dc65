import type { Shard } from '../shards/shard-map.ts'
import { parsePosition } from '../shards/position.ts'
import { startingAt, type Checkpoint } from './checkpoint.ts'

/** What the group has to know of a shard. */
export type GroupShard = Pick<Shard, 'id' | 'parents' | 'open'>

/**
 * How the group began. Everybody goes by the same: with `latest` by the shards that were open then, since a shard that is split before somebody has looked at it must
 * not be taken for an old one.
 */
export type Origin = (
  | { readonly from: 'horizon' }
  | { readonly from: 'time'; readonly timestamp: number }
  /** `at`: when that was, by the clock of who began it, in milliseconds since the epoch. */
  | { readonly from: 'latest'; readonly at: number; readonly open: readonly string[] }
  /** One shard begins at a position, with what is there, and all others at the time at which that arrived. */
  | { readonly from: 'position'; readonly shard: string; readonly position: string; readonly timestamp: number }
) & {
  /** How often it was written again, since the store had forgotten it: so that all workers hear of that. */
  readonly again?: number
}

/** So many milliseconds the clocks of workers and of the service may be apart where a time of a worker has to stand for `latest`. */
export const clockMarginMs = 1_000

/** The shards of a stream, in the order in which a group may read them. */
export class ShardGraph {
  readonly #shards: ReadonlyMap<string, GroupShard>
  readonly #origin: Origin
  /** Those that the group reads at all. */
  readonly #wanted: ReadonlySet<string>

  constructor(shards: readonly GroupShard[], origin: Origin) {
    this.#shards = new Map(shards.map((shard) => [shard.id, shard]))
    this.#origin = origin
    this.#wanted = new Set(origin.from === 'latest' ? this.#descendants(origin.open) : this.#shards.keys())
  }

  /**
   * Shards that can be read now: not ended, and all parents are. A parent that is no longer listed has expired, and nothing can be read from it: it is waited for only
   * while somebody has a lease on it, and may not have done all that he has read.
   */
  readable(ended: ReadonlySet<string>, leased: ReadonlySet<string>): string[] {
    const isOver = (id: string): boolean => ended.has(id) || !(this.#wanted.has(id) || leased.has(id))
    return [...this.#wanted].filter((id) => !ended.has(id) && (this.#shards.get(id)?.parents ?? []).every(isOver))
  }

  /** Does the group read it at all? */
  reads(id: string): boolean {
    return this.#wanted.has(id)
  }

  /** Where a shard begins that has no checkpoint. `begun`: the group has begun just now, and here. */
  beginning(id: string, begun: boolean): Checkpoint {
    const origin = this.#origin
    if (origin.from === 'latest' && origin.open.includes(id)) return begun ? { kind: 'latest' } : { kind: 'time', timestamp: origin.at - clockMarginMs }
    if (origin.from === 'time') return { kind: 'time', timestamp: origin.timestamp }
    if (origin.from !== 'position') return { kind: 'horizon' }
    const position = origin.shard === id ? parsePosition(origin.position) : undefined
    return position === undefined ? { kind: 'time', timestamp: origin.timestamp } : startingAt(position)
  }

  /** Listed ones alone: what has expired is not there any more, and its children are found by it all the same. */
  #descendants(open: readonly string[]): string[] {
    const found = new Set(open)
    const children = Map.groupBy(
      [...this.#shards.values()].flatMap(({ id, parents }) => parents.map((parent) => ({ id, parent }))),
      ({ parent }) => parent,
    )
    // A set grows while it is gone through.
    for (const id of found) for (const child of children.get(id) ?? []) found.add(child.id)
    return [...found].filter((id) => this.#shards.has(id))
  }
}
