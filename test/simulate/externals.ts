import type { VirtualClock } from '@busbar/memory'

interface Waiting {
  /** Present when the operation has ended. */
  deliver: (() => void) | undefined
}

/**
 * Answers of operations that take real time, such as compression in the thread pool: handed out one by one in the order in which the operations began,
 * each after everything that the one before it has set off. So the order in which threads end is never seen, and one seed is one trace.
 */
export class Externals {
  readonly #clock: VirtualClock
  readonly #waiting: Waiting[] = []
  #delivering = false

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  /** Holds the clock until the answer has been handed out. To whom is not `alive` by then, nothing is said. */
  answer<T>(operation: Promise<T>, alive: () => boolean): Promise<T> {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    void this.#clock.external(ended)
    const waiting: Waiting = { deliver: undefined }
    this.#waiting.push(waiting)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const deliver = (settle: () => void): void => {
      waiting.deliver = () => {
        if (alive()) settle()
        end()
      }
      this.#next()
    }
    operation.then(
      (value) => deliver(() => resolve(value)),
      (error: unknown) => deliver(() => reject(error)),
    )
    return promise
  }

  #next(): void {
    if (this.#delivering || this.#waiting[0]?.deliver === undefined) return
    this.#delivering = true
    // An immediate runs when no microtask is left.
    setImmediate(() => {
      this.#delivering = false
      this.#waiting.shift()?.deliver?.()
      this.#next()
    })
  }
}
