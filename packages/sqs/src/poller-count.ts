/** What came of one receive. */
export interface PollOutcome {
  readonly asked: number
  readonly received: number
  /** Of the time that it was to wait for messages, the part that it took. */
  readonly waited: number
}

/**
 * How many receives to have out: one when the queue is quiet, more as long as they come back full. An answer that is empty long before its time says nothing about the
 * queue: a server may wake all waiting receives for one message.
 */
export class PollerCount {
  readonly #most: number
  #wanted = 1
  #earlyEmpties = 0

  constructor(most: number) {
    this.#most = most
  }

  get wanted(): number {
    return this.#wanted
  }

  /** How long to wait before the next receive, in milliseconds: a server that answers nothing again and again, and at once, is not asked without pause. */
  get pauseMs(): number {
    return this.#earlyEmpties < 4 ? 0 : Math.min(200, 5 * 2 ** Math.min(this.#earlyEmpties - 4, 10))
  }

  learn({ asked, received, waited }: PollOutcome): void {
    const isEarlyEmpty = received === 0 && waited < 0.5
    this.#earlyEmpties = isEarlyEmpty ? this.#earlyEmpties + 1 : 0
    if (isEarlyEmpty) return
    if (received === asked) this.#wanted = Math.min(this.#most, this.#wanted + 1)
    else if (received * 2 < asked) this.#wanted = Math.max(1, this.#wanted - 1)
  }

  /** Until it works again one receive is enough to find out. */
  fail(): void {
    this.#wanted = 1
  }
}
