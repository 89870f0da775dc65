import type { Clock } from '../clock.ts'
import { DeadlineQueue, type Deadline } from '../deadline-queue.ts'
import type { Task } from './task.ts'

/** Tasks that wait here for their next start, holding their lease and their place in the window but no slot. One timer for all. */
export class RetryWaits {
  readonly #clock: Clock
  readonly #deadlines: DeadlineQueue<Task>
  readonly #waiting: Map<Task, Deadline<Task>> = new Map()

  constructor(clock: Clock, onDue: (tasks: readonly Task[]) => void) {
    this.#clock = clock
    this.#deadlines = new DeadlineQueue(clock, (tasks) => {
      for (const task of tasks) this.#waiting.delete(task)
      onDue(tasks)
    })
  }

  get size(): number {
    return this.#waiting.size
  }

  add(task: Task, delayMs: number): void {
    this.#waiting.set(task, this.#deadlines.add(this.#clock.monotonic() + delayMs, task))
  }

  remove(task: Task): void {
    const deadline = this.#waiting.get(task)
    if (!deadline) return
    this.#waiting.delete(task)
    this.#deadlines.remove(deadline)
  }

  clear(): void {
    this.#waiting.clear()
    this.#deadlines.clear()
  }
}
