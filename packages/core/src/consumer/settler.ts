import type { Clock, Timer } from '../clock.ts'
import type { Outcome, Receiver, SettleResult } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import { jitteredBackoff } from '../sleep.ts'
import type { Task } from './task.ts'

export interface SettlerOptions {
  readonly receiver: Pick<Receiver, 'settle'>
  readonly maxBatch: number
  readonly lingerMs: number
  readonly clock: Clock
  readonly random: () => number
  /** Called once per outcome with its final result. */
  readonly onSettled: (task: Task, outcome: Outcome, result: SettleResult, waiting: Waiting) => void
}

type Waiting = ((result: SettleResult) => void) | undefined

const noAnswer: SettleResult = { error: new BrokerError('ERR_UNAVAILABLE', 'The driver gave no answer for this message.') }
const firstBackoffMs = 100
const lastBackoffMs = 5_000

/** Gathers outcomes into few calls: those of one turn, or of `lingerMs`, up to `maxBatch`. Repeats what failed with a retryable error. */
export class Settler {
  readonly #options: SettlerOptions
  #outcomes: Outcome[] = []
  #tasks: Task[] = []
  #waiters: Waiting[] = []
  #scheduled = false
  #linger: Timer | undefined
  #open = 0
  #failures = 0
  #closed = false
  #onIdle: (() => void)[] = []
  readonly #flushLater: () => void = () => this.flush()

  constructor(options: SettlerOptions) {
    this.#options = options
  }

  push(task: Task, outcome: Outcome, waiting?: (result: SettleResult) => void): void {
    if (this.#closed) {
      this.#options.onSettled(task, outcome, 'too-late', waiting)
      return
    }
    this.#outcomes.push(outcome)
    this.#tasks.push(task)
    this.#waiters.push(waiting)
    if (this.#outcomes.length >= this.#options.maxBatch) this.flush()
    else if (!this.#scheduled) this.#schedule()
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#scheduled = false
    this.#linger?.cancel()
    this.#linger = undefined
    if (this.#outcomes.length === 0) return
    const { outcomes, tasks, waiters } = this.#take()
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

  /** The receiver has handed everything back: what was not settled is too late. */
  close(): void {
    this.#closed = true
    this.#linger?.cancel()
    const { outcomes, tasks, waiters } = this.#take()
    for (let i = 0; i < outcomes.length; i++) this.#options.onSettled(tasks[i] as Task, outcomes[i] as Outcome, 'too-late', waiters[i])
    this.#wakeIfIdle()
  }

  #take(): { outcomes: Outcome[]; tasks: Task[]; waiters: Waiting[] } {
    const gathered = { outcomes: this.#outcomes, tasks: this.#tasks, waiters: this.#waiters }
    this.#outcomes = []
    this.#tasks = []
    this.#waiters = []
    return gathered
  }

  #schedule(): void {
    this.#scheduled = true
    const { lingerMs, clock } = this.#options
    if (lingerMs === 0) queueMicrotask(this.#flushLater)
    else this.#linger = clock.timer(clock.monotonic() + lingerMs, this.#flushLater)
  }

  async #send(outcomes: Outcome[], tasks: Task[], waiters: Waiting[]): Promise<void> {
    this.#open++
    let results: readonly (SettleResult | undefined)[] = []
    let missing = noAnswer
    try {
      results = await this.#options.receiver.settle(outcomes)
    } catch (error) {
      // Against the contract; but the messages must not be stuck with the driver's mistake.
      missing = { error: new BrokerError('ERR_UNAVAILABLE', `settle failed: ${String(error)}`, { cause: error }) }
    }
    this.#open--
    let failed = false
    for (let i = 0; i < outcomes.length; i++) {
      const result = results[i] ?? missing
      const task = tasks[i] as Task
      if (typeof result === 'object' && result.error.retryable && !task.lost && !this.#closed) {
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
    this.#wakeIfIdle()
  }

  #wakeIfIdle(): void {
    if (this.#open === 0 && this.#outcomes.length === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  #backOff(): void {
    const { clock, random } = this.#options
    this.#scheduled = true
    this.#linger?.cancel()
    this.#linger = clock.timer(clock.monotonic() + jitteredBackoff(this.#failures++, firstBackoffMs, lastBackoffMs, random), this.#flushLater)
  }
}
