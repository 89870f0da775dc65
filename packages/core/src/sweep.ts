import type { Clock, Timer } from './clock.ts'

/** Deadlines closer together than this share one waking. */
const resolutionMs = 10

/**
 * One timer for the deadlines of everything in a bounded set: on waking, the whole set is looked through, at most a hundred times a second.
 * Adding and removing cost nothing here.
 */
export class Sweep {
  readonly #clock: Clock
  readonly #look: (now: number) => number
  #timer: Timer | undefined
  #atMs = Infinity

  /** `look` deals with what is due and returns the next deadline, or Infinity. */
  constructor(clock: Clock, look: (now: number) => number) {
    this.#clock = clock
    this.#look = look
  }

  /** Looks at `atMs` (monotonic milliseconds) or before, but never before `by` has returned. */
  by(atMs: number): void {
    if (!(atMs < this.#atMs)) return
    this.#timer?.cancel()
    this.#atMs = atMs
    this.#timer = this.#clock.timer(atMs, this.#wake)
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#atMs = Infinity
  }

  readonly #wake = (): void => {
    this.#atMs = Infinity
    const now = this.#clock.monotonic()
    this.by(Math.max(this.#look(now), now + resolutionMs))
  }
}
