/** A position in a {@link PrefixTracker}; the handle that marks it as done. */
export interface Tracked<P> {
  readonly position: P
  readonly done: boolean
}

interface Entry<P> {
  readonly position: P
  done: boolean
}

const nothing: readonly never[] = Object.freeze([])

/** How many completed entries are kept in front of the others before the list is shortened. */
const slack = 1024

/**
 * Positions that are received in order and done in any order: tells which have become a contiguous prefix, so that a checkpoint never skips one.
 * For Kinesis checkpoints and MQTT acknowledgements. Adding and completing cost O(1) amortised; memory is bounded by the positions not yet in the prefix.
 */
export class PrefixTracker<P> {
  #entries: Entry<P>[] = []
  #head = 0
  #last: P | undefined

  /** Positions that are not yet part of the completed prefix, done or not. */
  get size(): number {
    return this.#entries.length - this.#head
  }

  /** Last position of the completed prefix; `undefined` before there is one. */
  get completed(): P | undefined {
    return this.#last
  }

  /** First position that is not done, on which all later ones wait. */
  get oldest(): P | undefined {
    return this.#entries[this.#head]?.position
  }

  /** Call it in the order of the source. */
  add(position: P): Tracked<P> {
    const entry: Entry<P> = { position, done: false }
    this.#entries.push(entry)
    return entry
  }

  /** Marks a position of this tracker and returns what it adds to the completed prefix, in order: nothing while an earlier one is not done, or if it was done before. */
  complete(tracked: Tracked<P>): readonly P[] {
    const entry = tracked as Entry<P>
    entry.done = true
    if (this.#entries[this.#head] !== entry) return nothing
    const positions: P[] = []
    for (let head = this.#entries[this.#head]; head?.done === true; head = this.#entries[++this.#head]) positions.push(head.position)
    this.#last = positions.at(-1)
    this.#shorten()
    return positions
  }

  #shorten(): void {
    if (this.#head === this.#entries.length) {
      this.#entries = []
      this.#head = 0
    } else if (this.#head > slack && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
  }
}
