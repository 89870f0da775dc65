import type { Clock } from '../clock.ts'
import { Sweep } from '../sweep.ts'
import type { Task } from './task.ts'

/** Tasks that wait here for their next start, holding their lease and their place in the window but no slot. One timer for all. */
export class RetryWaits {
  readonly #clock: Clock
  readonly #sweep: Sweep
  readonly #waiting: Set<Task> = new Set()
  readonly #onDue: (tasks: readonly Task[]) => void

  /** `onDue` is given what is due in the order in which it became so. */
  constructor(clock: Clock, onDue: (tasks: readonly Task[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
    this.#sweep = new Sweep(clock, (now) => this.#look(now))
  }

  get size(): number {
    return this.#waiting.size
  }

  add(task: Task, delayMs: number): void {
    task.waitsUntil = this.#clock.monotonic() + delayMs
    this.#waiting.add(task)
    this.#sweep.by(task.waitsUntil)
  }

  remove(task: Task): void {
    this.#waiting.delete(task)
  }

  clear(): void {
    this.#waiting.clear()
    this.#sweep.cancel()
  }

  #look(now: number): number {
    const due: Task[] = []
    let next = Infinity
    for (const task of this.#waiting) {
      if (task.waitsUntil <= now) due.push(task)
      else next = Math.min(next, task.waitsUntil)
    }
    for (const task of due) this.#waiting.delete(task)
    if (due.length > 0) this.#onDue(due.sort((a, b) => a.waitsUntil - b.waitsUntil))
    return next
  }
}
