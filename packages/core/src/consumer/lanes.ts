import { ChurningMap } from '../churning-map.ts'
import { Fifo } from '../fifo.ts'
import type { Task } from './task.ts'

/** The messages of one ordering key that are held here, in order. The head is ready, running or waiting; the others wait for it. */
export interface Lane {
  readonly key: string
  head: Task
  tail: Task
}

/**
 * Which task may start next: at most one per key, all keys in parallel, in order of arrival.
 * O(1) per task whatever the number of keys; a key without tasks costs nothing.
 */
export class Lanes {
  readonly #ready: Fifo<Task> = new Fifo()
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
    if (key === undefined) {
      this.#ready.push(task)
      return
    }
    const lane = this.#lanes.get(key)
    if (lane) {
      task.lane = lane
      lane.tail.next = task
      lane.tail = task
      return
    }
    task.lane = { key, head: task, tail: task }
    this.#lanes.set(key, task.lane)
    this.#ready.push(task)
  }

  /** The next task that may start. Tasks that ended while they were queued are passed over. */
  take(): Task | undefined {
    for (;;) {
      const task = this.#ready.shift()
      if (task?.phase !== 'ended') return task
      this.finish(task)
    }
  }

  /** A task that was taken may start again; it is still the head of its lane. */
  again(task: Task): void {
    this.#ready.push(task)
  }

  /** The key's next task may start. */
  finish(task: Task): void {
    const lane = task.lane
    if (!lane) return
    task.lane = undefined
    const next = task.next
    task.next = undefined
    if (next) {
      lane.head = next
      this.#ready.push(next)
    } else {
      this.#lanes.delete(lane.key)
    }
  }

  /** Removes and returns the tasks that wait behind `task` in its lane, in order. */
  cutTail(task: Task): Task[] {
    const tail: Task[] = []
    for (let next = task.next; next;) {
      const following: Task | undefined = next.next
      next.next = undefined
      next.lane = undefined
      if (next.phase !== 'ended') tail.push(next)
      next = following
    }
    task.next = undefined
    if (task.lane) task.lane.tail = task
    return tail
  }
}
