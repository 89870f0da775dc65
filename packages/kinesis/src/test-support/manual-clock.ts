import type { Clock, Timer } from '@busbar/core/driver'

/** Time that moves when the test says so. */
export class ManualClock implements Clock {
  #now = 0
  readonly #timers: Set<{ readonly atMs: number; readonly wake: () => void }> = new Set()

  now(): number {
    return 1_767_225_600_000 + this.#now
  }

  monotonic(): number {
    return this.#now
  }

  timer(atMs: number, wake: () => void): Timer {
    const timer = { atMs, wake }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  external<T>(operation: Promise<T>): Promise<T> {
    return operation
  }

  /** Lets `ms` pass, waking one timer after the other, each when all that the one before has set off is done. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (;;) {
      const [next] = [...this.#timers].filter(({ atMs }) => atMs <= end).toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.atMs)
      next.wake()
      await settled()
    }
    this.#now = end
  }
}

/** Resolves when everything that waits for promises alone has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
