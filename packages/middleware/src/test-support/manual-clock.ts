import type { Clock, Timer } from '@busbar/core'

interface Waiting {
  readonly atMs: number
  readonly wake: () => void
}

/** Time stands still until `advance` is called. */
export class ManualClock implements Clock {
  /** Operations outside the process that are open. */
  open = 0
  #nowMs = 0
  #timers: Waiting[] = []

  /** Timers that are running. */
  get timers(): number {
    return this.#timers.length
  }

  now(): number {
    return 1_767_225_600_000 + this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  timer(atMs: number, wake: () => void): Timer {
    const timer = { atMs, wake }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  external<T>(operation: Promise<T>): Promise<T> {
    this.open++
    const ended = (): void => void this.open--
    operation.then(ended, ended)
    return operation
  }

  /** Fires what comes due on the way, earliest first, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#nowMs + ms
    await settled()
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#fire(next)
      await settled()
    }
    this.#nowMs = until
  }

  /** As a clock does that was asleep: what should have happened in between happens late. */
  async jump(ms: number): Promise<void> {
    this.#nowMs += ms
    await this.advance(0)
  }

  #next(untilMs: number): Waiting | undefined {
    return this.#timers.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0]
  }

  #fire(timer: Waiting): void {
    this.#timers = this.#timers.filter((other) => other !== timer)
    timer.wake()
  }
}

/** Everything that promises set off has happened: no test has chains of as many turns. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}
