import type { Clock, Timer } from '@busbar/core/driver'

/** The end of the time that a call may take. */
export class Deadline {
  readonly #clock: Clock
  readonly #timer: Timer
  readonly #atMs: number
  #end: () => void = () => {}
  /** Resolves when the time is up; never if it is cancelled before. */
  readonly up: Promise<void> = new Promise((resolve) => {
    this.#end = resolve
  })
  passed = false

  constructor(clock: Clock, ms: number) {
    this.#clock = clock
    this.#atMs = clock.monotonic() + ms
    this.#timer = clock.timer(this.#atMs, () => {
      this.passed = true
      this.#end()
    })
  }

  get leftMs(): number {
    return Math.max(0, this.#atMs - this.#clock.monotonic())
  }

  /** Waits, but not longer than there is time. */
  pause(ms: number): Promise<void> {
    const atMs = Math.min(this.#atMs, this.#clock.monotonic() + ms)
    return new Promise((resolve) => void this.#clock.timer(atMs, resolve))
  }

  cancel(): void {
    this.#timer.cancel()
  }
}
