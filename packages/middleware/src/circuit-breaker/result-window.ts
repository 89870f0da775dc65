/** The window moves on in steps of a tenth of it. */
const slices = 10

/** Counts of the results of the last `windowMs`; O(1) in time and memory whatever their number. */
export class ResultWindow {
  readonly #sliceMs: number
  readonly #failures: number[] = Array.from({ length: slices }, () => 0)
  readonly #results: number[] = Array.from({ length: slices }, () => 0)
  /** Number of the present slice since the clock's beginning. */
  #slice = -Infinity
  #place = 0
  #failureSum = 0
  #resultSum = 0

  constructor(windowMs: number) {
    this.#sliceMs = windowMs / slices
  }

  get failures(): number {
    return this.#failureSum
  }

  get results(): number {
    return this.#resultSum
  }

  add(nowMs: number, failed: boolean): void {
    this.#moveTo(Math.floor(nowMs / this.#sliceMs))
    this.#results[this.#place] = (this.#results[this.#place] ?? 0) + 1
    this.#resultSum++
    if (!failed) return
    this.#failures[this.#place] = (this.#failures[this.#place] ?? 0) + 1
    this.#failureSum++
  }

  clear(): void {
    this.#failures.fill(0)
    this.#results.fill(0)
    this.#failureSum = 0
    this.#resultSum = 0
  }

  #moveTo(slice: number): void {
    // A clock that went back counts in the present slice.
    if (!(slice > this.#slice)) return
    for (let gone = Math.min(slices, slice - this.#slice); gone > 0; gone--) {
      this.#place = (this.#place + 1) % slices
      this.#failureSum -= this.#failures[this.#place] ?? 0
      this.#resultSum -= this.#results[this.#place] ?? 0
      this.#failures[this.#place] = 0
      this.#results[this.#place] = 0
    }
    this.#slice = slice
  }
}
