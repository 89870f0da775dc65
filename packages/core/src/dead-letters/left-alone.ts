import type { Delivery } from '../driver/receiver.ts'

/** So many copies in a row of what was skipped are looked past. */
const copiesAllowed = 1_000

/** Dead letters that an operation has seen and not dealt with. */
export class LeftAlone {
  readonly #seen: Set<string> = new Set()
  #count = 0
  #repeats = 0

  get count(): number {
    return this.#count
  }

  add({ sameAs, incoming }: Delivery): void {
    const identity = sameAs ?? incoming.id
    const repeated = identity !== undefined && this.#seen.has(identity)
    this.#repeats = repeated ? this.#repeats + 1 : 0
    if (repeated) return
    if (identity !== undefined) this.#seen.add(identity)
    this.#count++
  }

  /** Something else has come. */
  interrupt(): void {
    this.#repeats = 0
  }

  /** A place that hides nothing shows what was skipped again. Nothing new in more than a whole round ends it; single repeats may be copies. */
  get cameRound(): boolean {
    return this.#repeats > this.#seen.size + copiesAllowed
  }
}
