import type { Delivery, Scope } from '../driver/receiver.ts'
import type { Task } from './task.ts'

/** All tasks that a consumer holds. Adding and removing are O(1); searching is O(held), for rare events only. */
export class Held {
  readonly #tasks: Task[] = []
  bytes = 0

  get size(): number {
    return this.#tasks.length
  }

  add(task: Task): void {
    task.heldIndex = this.#tasks.length
    this.#tasks.push(task)
    this.bytes += task.delivery.incoming.bodyBytes
  }

  remove(task: Task): void {
    const index = task.heldIndex
    if (index < 0) return
    task.heldIndex = -1
    this.bytes -= task.delivery.incoming.bodyBytes
    const last = this.#tasks.pop() as Task
    if (last === task) return
    this.#tasks[index] = last
    last.heldIndex = index
  }

  all(): readonly Task[] {
    return [...this.#tasks]
  }

  ofScope(scope: Scope): Task[] {
    return this.#tasks.filter((task) => task.delivery.scope === scope)
  }

  /** Tasks by the identity of their message; where several share one, those whose receipt is dead win. */
  byIdentity(): Map<string, Task> {
    const map = new Map<string, Task>()
    for (const task of this.#tasks) {
      const identity = task.delivery.sameAs
      if (identity !== undefined && !task.givenBack && (task.lost || !map.has(identity))) map.set(identity, task)
    }
    return map
  }

  find(delivery: Delivery): Task | undefined {
    return this.#tasks.find((task) => task.delivery === delivery)
  }
}
