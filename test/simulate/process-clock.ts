import type { Clock, Timer } from '@busbar/core'
import type { Externals } from './externals.ts'

const noTimer: Timer = Object.freeze({ cancel: () => undefined })

export interface ProcessClockOptions {
  readonly clock: Clock
  readonly externals: Externals
  readonly alive: () => boolean
  /** How far its wall clock is ahead, in milliseconds. */
  readonly skewMs: number
}

/** Time as one process has it: when the process has crashed, none of its timers wakes and no operation of it is answered. */
export class ProcessClock implements Clock {
  /** The next operation marked as external is one of this simulation: it takes virtual time, for which the clock must go on. */
  simulated = false
  readonly #clock: Clock
  readonly #externals: Externals
  readonly #alive: () => boolean
  readonly #skewMs: number

  constructor({ clock, externals, alive, skewMs }: ProcessClockOptions) {
    this.#clock = clock
    this.#externals = externals
    this.#alive = alive
    this.#skewMs = skewMs
  }

  now(): number {
    return this.#clock.now() + this.#skewMs
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  timer(atMs: number, wake: () => void): Timer {
    if (!this.#alive()) return noTimer
    return this.#clock.timer(atMs, () => {
      if (this.#alive()) wake()
    })
  }

  external<T>(operation: Promise<T>): Promise<T> {
    if (!this.simulated) return this.#externals.answer(operation, this.#alive)
    this.simulated = false
    return operation
  }
}
