import type { Clock } from '@busbar/core'

interface Waiting {
  readonly atMs: number
  readonly wake: () => void
}

/** A clock that moves only when told to. */
export class StepClock implements Clock {
  #now = 0
  #waiting: Waiting[] = []
  /** Operations outside the process that are open. */
  open = 0

  now(): number {
    return 1_767_225_600_000 + this.#now
  }

  monotonic(): number {
    return this.#now
  }

  timer(atMs: number, wake: () => void): { cancel(): void } {
    const waiting = { atMs, wake }
    this.#waiting.push(waiting)
    return { cancel: () => void (this.#waiting = this.#waiting.filter((other) => other !== waiting)) }
  }

  external<T>(operation: Promise<T>): Promise<T> {
    this.open++
    const ended = (): void => void this.open--
    operation.then(ended, ended)
    return operation
  }

  get timers(): number {
    return this.#waiting.length
  }

  advance(ms: number): void {
    this.#now += ms
    const due = this.#waiting.filter(({ atMs }) => atMs <= this.#now)
    this.#waiting = this.#waiting.filter(({ atMs }) => atMs > this.#now)
    for (const { wake } of due) wake()
  }
}
