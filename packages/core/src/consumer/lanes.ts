import { ChurningMap } from '../churning-map.ts'
import { Fifo } from '../fifo.ts'
import type { Task } from './task.ts'

/** The messages of one ordering key that are held here, in order. The head is ready, running or waiting; the others wait for it. */
export interface Lane {
  readonly key: string
  head: Task
  tail: Task
}

/** Fewest tasks that ended while they were queued before they are cleared away. */
const slack = 1_024

/**
 * Which task may start next: at most one per key, all keys in parallel, in order of arrival.
 * O(1) per task whatever the number of keys; a key without tasks costs nothing.
 */
export class Lanes {
  readonly #ready: Fifo<Task> = new Fifo()
  readonly #lanes: ChurningMap<Lane> = new ChurningMap()
  readonly #keyed: boolean
  /** Tasks that ended while they were queued and are still in a list. */
  #ended = 0
  #sweepAt: number = slack

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
      this.#ended--
      this.finish(task)
    }
  }

  /** A queued task has ended. It is passed over when its turn comes, or cleared away with others: while all slots are taken, no turn may ever come. */
  drop(): void {
    if (++this.#ended >= this.#sweepAt) this.#sweep()
  }

  #sweep(): void {
    const ready = this.#ready.takeAll()
    let left = ready.length
    for (const lane of this.#lanes.values()) left += shorten(lane)
    for (const task of ready) {
      if (task.phase === 'ended') this.finish(task)
      else this.#ready.push(task)
    }
    this.#ended = 0
    this.#sweepAt = Math.max(slack, left)
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
      if (next.phase === 'ended') this.#ended--
      else tail.push(next)
      next = following
    }
    task.next = undefined
    if (task.lane) task.lane.tail = task
    return tail
  }
}

/** Takes out what has ended behind the head. Returns how many tasks remain there. */
function shorten(lane: Lane): number {
  let left = 0
  let last = lane.head
  for (let next = last.next; next; next = next.next) {
    if (next.phase === 'ended') {
      next.lane = undefined
    } else {
      last.next = next
      last = next
      left++
    }
  }
  last.next = undefined
  lane.tail = last
  return left
}
