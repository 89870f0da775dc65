import { ChurningMap } from '../churning-map.ts'
import { LinkedList } from '../linked-list.ts'
import type { Task } from './task.ts'

/** The messages of one ordering key that are held here. The head is ready, running or waiting; the others wait for it, in order. */
export interface Lane {
  readonly key: string
  head: Task
  readonly behind: LinkedList<Task>
}

/**
 * Which task may start next: at most one per key, all keys in parallel, in order of arrival.
 * O(1) per task whatever the number of keys; a key without tasks costs nothing.
 */
export class Lanes {
  readonly #ready: LinkedList<Task> = new LinkedList()
  readonly #lanes: ChurningMap<Lane> = new ChurningMap()
  readonly #keyed: boolean

  /** Without `keyed`, ordering keys are ignored. */
  constructor(keyed: boolean) {
    this.#keyed = keyed
  }

  /** Tasks that could start now. */
  get ready(): number {
    return this.#ready.size
  }

  get keys(): number {
    return this.#lanes.size
  }

  add(task: Task): void {
    const key = this.#keyed ? task.key : undefined
    if (key !== undefined) {
      const lane = this.#lanes.get(key)
      if (lane) {
        task.lane = lane
        lane.behind.add(task)
        return
      }
      task.lane = { key, head: task, behind: new LinkedList() }
      this.#lanes.set(key, task.lane)
    }
    this.#ready.add(task)
  }

  /** The next task that may start. */
  take(): Task | undefined {
    const task = this.#ready.first
    if (task) this.#ready.remove(task)
    return task
  }

  /** A queued task has ended. */
  drop(task: Task): void {
    const { lane } = task
    if (lane && lane.head !== task) {
      lane.behind.remove(task)
      task.lane = undefined
    } else {
      this.#ready.remove(task)
      this.finish(task)
    }
  }

  /** A task that was taken may start again; it is still the head of its lane. */
  again(task: Task): void {
    this.#ready.add(task)
  }

  /** The key's next task may start. */
  finish(task: Task): void {
    const { lane } = task
    if (!lane) return
    task.lane = undefined
    const next = lane.behind.first
    if (next) {
      lane.behind.remove(next)
      lane.head = next
      this.#ready.add(next)
    } else {
      this.#lanes.delete(lane.key)
    }
  }

  /** Removes and returns the tasks that wait behind `task` in its lane, in order. */
  cutTail(task: Task): Task[] {
    const { lane } = task
    const tail: Task[] = []
    if (!lane) return tail
    for (let next = lane.head === task ? lane.behind.first : task.next; next;) {
      const following: Task | undefined = next.next
      lane.behind.remove(next)
      next.lane = undefined
      tail.push(next)
      next = following
    }
    return tail
  }
}
