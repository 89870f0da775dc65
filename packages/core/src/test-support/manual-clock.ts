import type { Clock, Timer } from '../clock.ts'

interface Waiting {
  readonly atMs: number
  readonly wake: () => void
}

/** A clock for unit tests: time stands still until `advance` is called. */
export class ManualClock implements Clock {
  #now = 0
  #timers: Waiting[] = []

  /** Timers that are running. */
  get timers(): number {
    return this.#timers.length
  }

  now(): number {
    return 1_700_000_000_000 + this.#now
  }

  monotonic(): number {
    return this.#now
  }

  timer(atMs: number, wake: () => void): Timer {
    const timer = { atMs, wake }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  external<T>(operation: Promise<T>): Promise<T> {
    return operation
  }

  /** Moves time on by `ms` and fires what comes due on the way, earliest first. */
  advance(ms: number): void {
    const target = this.#now + ms
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined || next.atMs > target) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#now = Math.max(this.#now, next.atMs)
      next.wake()
    }
    this.#now = target
  }
}
