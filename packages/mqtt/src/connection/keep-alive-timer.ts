import type { Clock, Timer } from '@busbar/core/driver'

/**
 * What the client library takes for `setInterval`. It ends its keep-alive timer and sets a new one with each packet that it receives: here that moves a time, which
 * the one timer that runs looks at when it is due.
 */
export class KeepAliveTimer {
  readonly #clock: Clock
  #wake: (() => void) | undefined
  #everyMs = 0
  /** Monotonic milliseconds. */
  #dueMs = 0
  #timer: Timer | undefined
  #timerMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `wake` every `everyMs` milliseconds until {@link clear}. Answers an identifier, always the same: there is one at a time. */
  readonly set = (wake: () => void, everyMs: number): number => {
    this.#wake = wake
    this.#everyMs = everyMs
    this.#dueMs = this.#clock.monotonic() + everyMs
    if (this.#timer === undefined || this.#timerMs > this.#dueMs) this.#start()
    return 1
  }

  readonly clear = (): void => {
    this.#wake = undefined
  }

  /** The connection has ended. */
  end(): void {
    this.clear()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #start(): void {
    this.#timer?.cancel()
    this.#timerMs = this.#dueMs
    this.#timer = this.#clock.timer(this.#dueMs, () => {
      this.#timer = undefined
      const now = this.#clock.monotonic()
      if (now >= this.#dueMs) {
        // Not what was missed while the process stood still: between a ping and giving up there is an interval for the answer.
        this.#dueMs = now + this.#everyMs
        this.#wake?.()
      }
      if (this.#wake !== undefined && this.#timer === undefined) this.#start()
    })
  }
}
