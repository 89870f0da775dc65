import type { Clock, Timer } from '../clock.ts'
import type { Outcome, Receiver, SettleResult } from '../driver/receiver.ts'
import type { Task } from './task.ts'

export interface SettlerOptions {
  readonly receiver: Pick<Receiver, 'settle'>
  readonly maxBatch: number
  readonly lingerMs: number
  readonly clock: Clock
  readonly random: () => number
  /** Called once per outcome with its final result. */
  readonly onSettled: (task: Task, outcome: Outcome, result: SettleResult, waiting: ((result: SettleResult) => void) | undefined) => void
}

const firstBackoffMs = 100
const lastBackoffMs = 5_000

/** Gathers outcomes into few calls: those of one turn, or of `lingerMs`, up to `maxBatch`. Repeats what failed with a retryable error. */
export class Settler {
  readonly #options: SettlerOptions
  #outcomes: Outcome[] = []
  #tasks: Task[] = []
  #waiters: (((result: SettleResult) => void) | undefined)[] = []
  #scheduled = false
  #linger: Timer | undefined
  #open = 0
  #failures = 0
  #onIdle: (() => void)[] = []
  readonly #flushLater: () => void = () => this.flush()

  constructor(options: SettlerOptions) {
    this.#options = options
  }

  push(task: Task, outcome: Outcome, waiting?: (result: SettleResult) => void): void {
    this.#outcomes.push(outcome)
    this.#tasks.push(task)
    this.#waiters.push(waiting)
    // A caller that waits for the answer should not pay for the linger of the others.
    if (this.#outcomes.length >= this.#options.maxBatch) this.flush()
    else if (!this.#scheduled) this.#schedule()
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#scheduled = false
    this.#linger?.cancel()
    this.#linger = undefined
    if (this.#outcomes.length === 0) return
    const outcomes = this.#outcomes
    const tasks = this.#tasks
    const waiters = this.#waiters
    this.#outcomes = []
    this.#tasks = []
    this.#waiters = []
    for (let from = 0; from < outcomes.length; from += this.#options.maxBatch) {
      const to = Math.min(outcomes.length, from + this.#options.maxBatch)
      const whole = from === 0 && to === outcomes.length
      void this.#send(whole ? outcomes : outcomes.slice(from, to), whole ? tasks : tasks.slice(from, to), whole ? waiters : waiters.slice(from, to))
    }
  }

  /** Resolves when nothing is gathered and no call is open. */
  async idle(): Promise<void> {
    this.flush()
    while (this.#open > 0 || this.#outcomes.length > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  #schedule(): void {
    this.#scheduled = true
    const { lingerMs, clock } = this.#options
    if (lingerMs === 0) queueMicrotask(this.#flushLater)
    else this.#linger = clock.timer(clock.monotonic() + lingerMs, this.#flushLater)
  }

  async #send(outcomes: Outcome[], tasks: Task[], waiters: (((result: SettleResult) => void) | undefined)[]): Promise<void> {
    this.#open++
    const results = await this.#options.receiver.settle(outcomes)
    this.#open--
    let failed = false
    for (let i = 0; i < outcomes.length; i++) {
      const result = results[i] as SettleResult
      const task = tasks[i] as Task
      if (typeof result === 'object' && result.error.retryable && !task.lost) {
        failed = true
        this.#outcomes.push(outcomes[i] as Outcome)
        this.#tasks.push(task)
        this.#waiters.push(waiters[i])
      } else {
        this.#options.onSettled(task, outcomes[i] as Outcome, result, waiters[i])
      }
    }
    if (failed) this.#backOff()
    else this.#failures = 0
    if (this.#open === 0 && this.#outcomes.length === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  #backOff(): void {
    const { clock, random } = this.#options
    const ceiling = Math.min(lastBackoffMs, firstBackoffMs * 2 ** this.#failures++)
    this.#scheduled = true
    this.#linger?.cancel()
    this.#linger = clock.timer(clock.monotonic() + ceiling * (0.5 + random() / 2), this.#flushLater)
  }
}
