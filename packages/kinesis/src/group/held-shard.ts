import { PrefixTracker, type Claim, type Note, type Tracked } from '@busbar/core/driver'
import { comparePositions, type Position } from '../shards/position.ts'
import { formatCheckpoint, isFurther, type Checkpoint } from './checkpoint.ts'

/** A shard that is ours to read. */
export interface ShardLease {
  readonly shard: string
  /** Differs from that of every other lease, also of the same shard. */
  readonly id: string
  /** How many replays there were before it was leased. */
  readonly generation: number
  /** Where to begin. */
  readonly from: Checkpoint
  /** False when the lease was lost, handed over or ended. */
  readonly held: boolean
  /** Up to where everything is done; at first where it begins, or, instead of `latest`, the time of that. */
  readonly checkpoint: Checkpoint
  /** Has all of the shard been read and done? */
  readonly ended: boolean
  /** A record is under way. Call it in the order of the shard: a position that is not behind the last one throws a `RangeError`. */
  add(position: Position): Tracked<Position>
  /** It is done. The checkpoint follows when all before it are done too, and never passes one that is not. `too-late`: the lease is gone, and others read on from the checkpoint. */
  complete(tracked: Tracked<Position>): 'accepted' | 'too-late'
  /** The first record that is not done; `undefined` when all are. */
  readonly oldest: Position | undefined
  /** Called with what the checkpoint has passed, as it was added. */
  onPassed: ((positions: readonly Position[]) => void) | undefined
  /** All records of the shard have been read; when all are done the shard ends, and its children can be read. */
  end(): void
}

/** What the worker keeps of a lease. */
export class HeldShard implements ShardLease {
  readonly shard: string
  readonly id: string
  readonly from: Checkpoint
  readonly claim: Claim
  readonly generation: number
  readonly #tracker = new PrefixTracker<Position>()
  #last: Position | undefined
  /** The checkpoint until something is done. */
  #beginning: Checkpoint
  #readToEnd = false
  held = true
  /** Called when it is ours no longer. */
  onGone: (() => void) | undefined
  onPassed: ((positions: readonly Position[]) => void) | undefined
  /** A call is out that the next one must not overtake. */
  saving = false
  /** Is it being handed over? */
  revoking = false
  /** When the lease was begun or renewed last, and up to when it is surely ours: on the monotonic clock. */
  savedAt: number
  expiresAt: number
  /** What the store has kept, as far as it has said so. */
  #saved: string | undefined

  constructor(shard: string, claim: Claim, from: Checkpoint, savedAt: number, expiresAt: number, generation: number = 0) {
    this.shard = shard
    this.id = `${shard}#${claim.fence}`
    this.claim = claim
    this.generation = generation
    this.from = from
    this.#beginning = from
    this.savedAt = savedAt
    this.expiresAt = expiresAt
    this.#last = from.kind === 'after' ? from.position : undefined
  }

  get checkpoint(): Checkpoint {
    const position = this.#tracker.completed
    return position === undefined ? this.#beginning : { kind: 'after', position }
  }

  /** What is to be kept of it now. */
  get note(): Note {
    return { ...this.claim, note: formatCheckpoint(this.checkpoint) }
  }

  /** Is there something that the store does not know? */
  get changed(): boolean {
    return this.#saved !== formatCheckpoint(this.checkpoint)
  }

  get oldest(): Position | undefined {
    return this.#tracker.oldest
  }

  /** Has everything been read and done? */
  get ended(): boolean {
    return this.#readToEnd && this.#tracker.size === 0
  }

  saved(note: string): void {
    this.#saved = note
  }

  add(position: Position): Tracked<Position> {
    if (this.#last !== undefined && comparePositions(position, this.#last) <= 0)
      throw new RangeError(`shard ${this.shard}: a position must be behind the last one`)
    this.#last = position
    return this.#tracker.add(position)
  }

  complete(tracked: Tracked<Position>): 'accepted' | 'too-late' {
    if (!this.held) return 'too-late'
    const passed = this.#tracker.complete(tracked)
    if (passed.length > 0) this.onPassed?.(passed)
    return 'accepted'
  }

  /** Replaces `latest` by the time at which the reading began, so that nothing between this time and the first record is lost by a restart. */
  pin(timestamp: number): void {
    const time: Checkpoint = { kind: 'time', timestamp }
    if (isFurther(time, this.#beginning)) this.#beginning = time
  }

  end(): void {
    this.#readToEnd = true
  }
}
