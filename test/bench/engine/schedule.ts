/** Messages at even distances: message `index` is due `index / perSecond` seconds after the first. */
export class Schedule {
  readonly #perMs: number

  constructor(perSecond: number) {
    if (!(perSecond > 0)) throw new RangeError(`a rate is above 0, not ${perSecond}`)
    this.#perMs = perSecond / 1_000
  }

  /** Milliseconds after the first. */
  dueAt(index: number): number {
    return index / this.#perMs
  }

  /** How many are due when so many milliseconds have passed. */
  dueBy(elapsedMs: number): number {
    return elapsedMs < 0 ? 0 : Math.floor(elapsedMs * this.#perMs) + 1
  }
}
