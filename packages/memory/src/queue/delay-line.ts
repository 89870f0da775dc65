import type { Timer } from '@busbar/core/driver'
import { Heap } from '../collections/heap.ts'
import type { World } from '../world.ts'
import type { Stored } from './stored.ts'

/** Messages that are not due yet, behind one timer that runs only while somebody receives: a message that nobody waits for must not hold the process open. */
export class DelayLine {
  readonly #world: World
  readonly #due: (message: Stored) => void
  readonly #messages = new Heap<Stored>()
  #timer: Timer | undefined
  #wakesAt = Infinity
  #running = false

  constructor(world: World, due: (message: Stored) => void) {
    this.#world = world
    this.#due = due
  }

  get size(): number {
    return this.#messages.length
  }

  run(running: boolean): void {
    this.#running = running
    this.#arm()
  }

  /** Does what the timer would have done by now. */
  catchUp(): void {
    const now = this.#world.clock.monotonic()
    for (let message = this.#messages.peek(); message !== undefined && message.dueAt <= now; message = this.#messages.peek()) {
      this.#messages.pop()
      this.#due(message)
    }
    this.#arm()
  }

  add(message: Stored, dueAt: number): void {
    message.state = 'delayed'
    message.dueAt = dueAt
    message.rank = dueAt
    this.#messages.push(message)
    this.#arm()
  }

  remove(message: Stored): void {
    this.#messages.remove(message)
    this.#arm()
  }

  oldest(): number {
    let oldest = Infinity
    for (const message of this.#messages) oldest = Math.min(oldest, message.enqueuedAt)
    return oldest
  }

  [Symbol.iterator](): ArrayIterator<Stored> {
    return this.#messages[Symbol.iterator]()
  }

  #arm(): void {
    const next = (this.#running ? this.#messages.peek()?.dueAt : undefined) ?? Infinity
    if (next === this.#wakesAt) return
    this.#timer?.cancel()
    this.#wakesAt = next
    this.#timer = next === Infinity ? undefined : this.#world.clock.timer(next, this.#wake)
  }

  readonly #wake = (): void => {
    this.#timer = undefined
    this.#wakesAt = Infinity
    this.catchUp()
  }
}
