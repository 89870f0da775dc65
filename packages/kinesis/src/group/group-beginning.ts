import type { MaybePromise } from '@busbar/core/driver'
import type { LeaseTable, TableView } from './lease-table.ts'
import type { Origin } from './shard-graph.ts'

/**
 * What a look at the table says of how the group began: as it is known; anew, by a replay; written again, since the store had forgotten it, and all else with it; or
 * nothing certain, since it shows less than there is.
 */
export type Looked = 'known' | 'replayed' | 'forgotten' | 'unclear'

/** How a group began, as one worker knows it: for as long as one lives, the store cannot forget it. */
export class GroupBeginning {
  readonly #table: LeaseTable
  readonly #worker: string
  #origin: Origin | undefined
  #generation = 0

  constructor(table: LeaseTable, worker: string) {
    this.#table = table
    this.#worker = worker
  }

  /** How many replays there have been. */
  get generation(): number {
    return this.#generation
  }

  /** Asked for if nobody has begun the group. `undefined` while another worker is about to tell. */
  async find(beginning: () => MaybePromise<Origin>): Promise<Origin | undefined> {
    return (this.#origin ??= await this.#table.origin(this.#worker, beginning))
  }

  async follow({ replay, origin: first }: TableView): Promise<Looked> {
    const number = replay?.number ?? 0
    if (replay !== undefined && number > this.#generation) {
      this.#generation = number
      this.#origin = replay.origin
      return 'replayed'
    }
    const known = this.#origin
    if (known === undefined) return 'known'
    const shown = number === this.#generation ? (replay?.origin ?? first) : undefined
    if (shown !== undefined && isSame(shown, known)) return 'known'
    const stored = shown ?? (await this.#writeAgain({ ...known, again: (known.again ?? 0) + 1 }))
    if (stored === undefined) return 'unclear'
    if (isSame(stored, known)) return 'known'
    this.#origin = stored
    return 'forgotten'
  }

  /** What the store then has, which it had all the time if the look was wrong. `undefined` if that cannot be said. */
  async #writeAgain(origin: Origin): Promise<Origin | undefined> {
    if (this.#generation === 0) return this.#table.origin(this.#worker, () => origin)
    return (await this.#table.replay(this.#worker, this.#generation, origin)) ? origin : undefined
  }
}

function isSame(one: Origin, other: Origin): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
