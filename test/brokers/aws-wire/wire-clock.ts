import { setImmediate as turn } from 'node:timers/promises'
import type { Clock, Timer } from '@busbar/core/driver'

/** Turns of the event loop in which the end of a connection in this process has arrived; it takes two or three. */
const turnsToArrive = 20

/**
 * The clock of a wire, for its clients too. A virtual clock that advances by itself stands still while something is under way outside of the program: a request to the wire
 * is, unless it is one that waits there for time to pass. Needs clients that mark all their requests by `external`: a poll that is not marked looks like one whose client
 * has gone, for whose end time waits. On other clocks it changes nothing.
 */
export class WireClock implements Clock {
  readonly #base: Clock
  /** Requests under way, and those of them that wait at the wire. */
  #open = 0
  #parked = 0
  /** Requests that failed just now: one of those that wait may be of a client that has gone. */
  #failing = 0
  #release: (() => void) | undefined

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
    return this.#base.timer(atMs, wake)
  }

  external<T>(operation: Promise<T>): Promise<T> {
    this.#count(1, 0)
    operation.then(
      () => this.#count(-1, 0),
      () => void this.#failed(),
    )
    return operation
  }

  /** A request waits at the wire for time to pass, until what is returned is called. */
  park(): () => void {
    this.#count(0, 1)
    return () => this.#count(0, -1)
  }

  /** Holds nothing any more. */
  end(): void {
    this.#release?.()
    this.#release = undefined
  }

  async #failed(): Promise<void> {
    this.#failing++
    this.#count(-1, 0)
    for (let turns = 0; turns < turnsToArrive; turns++) await turn()
    this.#failing--
    this.#count(0, 0)
  }

  #count(opened: number, parked: number): void {
    this.#open += opened
    this.#parked += parked
    if (this.#open === this.#parked && this.#failing === 0) this.end()
    else this.#hold()
  }

  #hold(): void {
    if (this.#release !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#release = resolve
    void this.#base.external(promise)
  }
}
