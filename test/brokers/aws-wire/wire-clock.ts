import type { Clock, Timer } from '@busbar/core/driver'

/** So long, in real time, must nothing happen but polls that wait before time may advance: the end of a connection takes that long to arrive. In milliseconds. */
const settleMs = 5

/**
 * The clock of a wire, for its clients too. A virtual clock that advances by itself stands still while something is under way outside of the program: a request to the wire
 * is, unless it is one that waits there for time to pass. Needs clients that mark their requests by `external`; on other clocks it changes nothing.
 */
export class WireClock implements Clock {
  readonly #base: Clock
  #open = 0
  #parked = 0
  #release: (() => void) | undefined
  #settling: ReturnType<typeof setTimeout> | undefined

  constructor(base: Clock) {
    this.#base = base
  }

  now(): number {
    return this.#base.now()
  }

  monotonic(): number {
    return this.#base.monotonic()
  }

  timer(atMs: number, wake: () => void): Timer {
    return this.#base.timer(atMs, () => {
      // What it wakes may give up a poll: that is to be seen before time advances further.
      if (this.#open > 0 || this.#parked > 0) this.#settle()
      wake()
    })
  }

  external<T>(operation: Promise<T>): Promise<T> {
    this.#count(1, 0)
    const ended = (): void => this.#count(-1, 0)
    operation.then(ended, ended)
    return operation
  }

  /** A request waits at the wire for time to pass, until what is returned is called. */
  park(): () => void {
    this.#count(0, 1)
    return () => this.#count(0, -1)
  }

  /** Holds nothing any more. */
  end(): void {
    clearTimeout(this.#settling)
    this.#release?.()
  }

  #count(opened: number, parked: number): void {
    this.#open += opened
    this.#parked += parked
    clearTimeout(this.#settling)
    if (this.#open > this.#parked) this.#hold()
    else if (this.#release !== undefined) this.#settle()
  }

  #settle(): void {
    this.#hold()
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#free(), settleMs)
  }

  #hold(): void {
    if (this.#release !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#release = resolve
    void this.#base.external(promise)
  }

  #free(): void {
    if (this.#open > this.#parked) return
    this.#release?.()
    this.#release = undefined
  }
}
