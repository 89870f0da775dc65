import type { Scope } from '../driver/receiver.ts'
import { IndexedList } from '../indexed-list.ts'
import type { Task } from './task.ts'

/** All tasks that a consumer holds. Searching is O(held), for rare events only. */
export class Held {
  readonly #tasks: IndexedList<Task> = new IndexedList()

  get size(): number {
    return this.#tasks.size
  }

  add(task: Task): void {
    this.#tasks.add(task)
  }

  remove(task: Task): void {
    this.#tasks.remove(task)
  }

  all(): readonly Task[] {
    return this.#tasks.all()
  }

  ofScope(scope: Scope): Task[] {
    return this.#tasks.all().filter((task) => task.delivery.scope === scope)
  }

  /** Tasks by the identity of their message, without those on their way back; where several share one, those whose receipt is dead win. */
  byIdentity(): Map<string, Task> {
    const map = new Map<string, Task>()
    for (const task of this.#tasks.all()) {
      const identity = task.delivery.sameAs
      if (identity !== undefined && !task.givenBack && (task.lost || !map.has(identity))) map.set(identity, task)
    }
    return map
  }
}
