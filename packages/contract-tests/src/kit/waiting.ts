import type { Clock } from '@busbar/core/driver'
import { check } from './assert.ts'

/** Tells those who wait that something they look at may have changed. */
export class Changes {
  #waiting: (() => void)[] = []
  #failure: { readonly error: unknown } | undefined

  /** What went wrong where nobody awaits it: whoever waits for something of the case fails with it. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.notify()
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  notify(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Resolves at the next change, at `atMs` on the monotonic clock, or when time is up, whichever comes first. */
  next(clock: Clock, atMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.timer(atMs, resolve)
      this.#waiting.push(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}

/** Waits by condition only: there is no bare sleep in the suite. */
export class Waiting {
  readonly #clock: Clock
  readonly #changes: Changes
  readonly #answerMs: number

  /** `answerMs`: the longest that one call of the driver may take. */
  constructor(clock: Clock, changes: Changes, answerMs: number) {
    this.#clock = clock
    this.#changes = changes
    this.#answerMs = answerMs
  }

  /** Resolves when `condition` holds; fails with `what` when it does not within `withinMs`. */
  async eventually(condition: () => boolean, what: string | (() => string), withinMs: number): Promise<void> {
    const deadline = this.#clock.monotonic() + withinMs
    for (this.#changes.check(); !condition(); this.#changes.check()) {
      check(this.#clock.monotonic() < deadline, () => `within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`)
      await this.#changes.next(this.#clock, deadline)
    }
  }

  /** Watches for `forMs` that `condition` never holds. */
  async never(condition: () => boolean, what: string | (() => string), forMs: number): Promise<void> {
    const deadline = this.#clock.monotonic() + forMs
    for (;;) {
      this.#changes.check()
      check(!condition(), () => `must not happen in ${forMs} ms: ${typeof what === 'string' ? what : what()}`)
      if (this.#clock.monotonic() >= deadline) return
      await this.#changes.next(this.#clock, deadline)
    }
  }

  /** For states that tell nobody when they change (statistics): asks every `everyMs`. Resolves with the first value that `accept` takes. */
  async poll<T>(ask: () => Promise<T>, accept: (value: T) => boolean, what: (value: T) => string, withinMs: number, everyMs: number): Promise<T> {
    const deadline = this.#clock.monotonic() + withinMs
    for (;;) {
      const value = await ask()
      if (accept(value)) return value
      check(this.#clock.monotonic() < deadline, () => `within ${withinMs} ms: ${what(value)}`)
      await this.until(this.#clock.monotonic() + everyMs)
    }
  }

  /** Lets the clock reach `atMs`: for time that the case itself is about (a lease, a delay). */
  until(atMs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.timer(atMs, resolve))
  }

  /** What a call of the driver answers; a failure that names the call if it never does. */
  answered<T>(call: Promise<T>, what: string): Promise<T> {
    return this.settled(call, what, this.#answerMs)
  }

  /** `promise`, or a failure if it does not settle within `withinMs`. */
  async settled<T>(promise: Promise<T>, what: string, withinMs: number): Promise<T> {
    let done = false
    const mark = (): void => {
      done = true
      this.#changes.notify()
    }
    promise.then(mark, mark)
    await this.eventually(() => done, `${what} settles`, withinMs)
    return promise
  }
}
