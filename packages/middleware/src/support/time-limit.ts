import { BrokerError, type Clock } from '@busbar/core'
import { Sweep } from '@busbar/core/driver'
import { LinkedList, type Linked } from './linked-list.ts'

/** Most answers come soon. Until one has been waited for so long, the timer is not set to its limit but left to wake for nothing: setting and cancelling one costs more than a call. */
const shortMs = 100

class Call implements Linked<Call> {
  previous: Call | undefined = undefined
  next: Call | undefined = undefined
  ended = false
  readonly dueAt: number
  readonly fail: (error: BrokerError) => void

  constructor(dueAt: number, fail: (error: BrokerError) => void) {
    this.dueAt = dueAt
    this.fail = fail
  }
}

/** Bounds how long answers are waited for, `ms` milliseconds, with one timer for all, which runs only while some are. */
export class TimeLimit {
  readonly #ms: number
  readonly #what: string
  #calls: Calls | undefined

  /** `what`, for the text of the error: `the store of claims`. */
  constructor(ms: number, what: string) {
    this.#ms = ms
    this.#what = what
  }

  /** Settles as `answer` does, or rejects with `ERR_TIMEOUT`; what the call does afterwards is nobody's concern. */
  within<T>(clock: Clock, answer: Promise<T>): Promise<T> {
    // All consumers of a middleware share a clock, as a rule. What waits on another one is still waited for there.
    if (this.#calls?.clock !== clock) this.#calls = new Calls(clock, this.#ms, this.#what)
    return this.#calls.wait(answer)
  }
}

/** Those of one clock. */
class Calls {
  readonly clock: Clock
  readonly #ms: number
  readonly #what: string
  readonly #sweep: Sweep
  /** In the order in which they come due. */
  readonly #waiting: LinkedList<Call> = new LinkedList()
  /** The timer is set to a limit. */
  #set = false

  constructor(clock: Clock, ms: number, what: string) {
    this.clock = clock
    this.#ms = ms
    this.#what = what
    this.#sweep = new Sweep(clock, (now) => this.#look(now))
  }

  wait<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const now = this.clock.monotonic()
      const call = new Call(now + this.#ms, reject)
      this.#waiting.add(call)
      this.#sweep.by(Math.min(call.dueAt, now + shortMs))
      const leave = (): void => this.#leave(call)
      answer.then(leave, leave)
      // Later than the end of the limit, neither does anything.
      answer.then(resolve, reject)
    })
  }

  #leave(call: Call): void {
    if (call.ended) return
    call.ended = true
    this.#waiting.remove(call)
    if (this.#waiting.first !== undefined || !this.#set) return
    // A timer that nobody needs would hold the process open.
    this.#set = false
    this.#sweep.cancel()
  }

  #look(now: number): number {
    for (let call = this.#waiting.first; call !== undefined && call.dueAt <= now; call = this.#waiting.first) {
      call.ended = true
      this.#waiting.remove(call)
      call.fail(new BrokerError('ERR_TIMEOUT', `${this.#what} gave no answer within ${this.#ms} ms`))
    }
    this.#set = this.#waiting.first !== undefined
    return this.#waiting.first?.dueAt ?? Infinity
  }
}
