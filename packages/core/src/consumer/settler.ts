import type { Clock, Timer } from '../clock.ts'
import type { Outcome, Receiver, SettleResult } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import { jitteredBackoff } from '../jitter.ts'
import type { Task } from './task.ts'

type Waiting = ((result: SettleResult) => void) | undefined

/** What was decided for a task, and who wants to know what became of it. */
interface Decision {
  readonly task: Task
  readonly outcome: Outcome
  readonly waiting: Waiting
}

export interface SettlerOptions {
  readonly receiver: Pick<Receiver, 'settle'>
  readonly maxBatch: number
  readonly lingerMs: number
  readonly clock: Clock
  readonly random: () => number
  /** Called once per outcome with its final result. */
  readonly onSettled: (task: Task, outcome: Outcome, result: SettleResult, waiting: Waiting) => void
}

const noAnswer: SettleResult = { error: new BrokerError('ERR_UNAVAILABLE', 'The driver gave no answer.') }
const firstBackoffMs = 100
const lastBackoffMs = 5_000

/** Gathers outcomes into few calls: those of one turn, or of `lingerMs`, up to `maxBatch`. Repeats what failed with a retryable error. */
export class Settler {
  readonly #options: SettlerOptions
  #gathered: Decision[] = []
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
    this.#gathered.push({ task, outcome, waiting })
    if (this.#gathered.length >= this.#options.maxBatch) this.flush()
    else if (!this.#scheduled) this.#schedule()
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#scheduled = false
    this.#linger?.cancel()
    this.#linger = undefined
    const decisions = this.#gathered
    this.#gathered = []
    const { maxBatch } = this.#options
    for (let from = 0; from < decisions.length; from += maxBatch) void this.#send(decisions.slice(from, from + maxBatch))
  }

  /** Resolves when nothing is gathered and no call is open. */
  async idle(): Promise<void> {
    this.flush()
    while (this.#open > 0 || this.#gathered.length > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  /** The receiver has handed everything back: what was not settled is too late. */
  close(): void {
    this.#closed = true
    this.#linger?.cancel()
    const decisions = this.#gathered
    this.#gathered = []
    for (const { task, outcome, waiting } of decisions) this.#options.onSettled(task, outcome, 'too-late', waiting)
    this.#wakeIfIdle()
  }

  #schedule(): void {
    this.#scheduled = true
    const { lingerMs, clock } = this.#options
    if (lingerMs === 0) queueMicrotask(this.#flushLater)
    else this.#linger = clock.timer(clock.monotonic() + lingerMs, this.#flushLater)
  }

  async #send(decisions: readonly Decision[]): Promise<void> {
    this.#open++
    const failures = this.#failures
    let results: readonly (SettleResult | undefined)[] = []
    let missing = noAnswer
    try {
      results = await this.#options.receiver.settle(decisions.map(({ outcome }) => outcome))
    } catch (error) {
      // Against the contract; but the messages must not be stuck with the driver's mistake.
      missing = { error: new BrokerError('ERR_UNAVAILABLE', `settle failed: ${String(error)}`, { cause: error }) }
    }
    this.#open--
    let failed = false
    for (let i = 0; i < decisions.length; i++) {
      const decision = decisions[i] as Decision
      const { task, outcome, waiting } = decision
      const result = results[i] ?? missing
      if (typeof result === 'object' && result.error.retryable && !task.lost && !this.#closed) {
        failed = true
        this.#gathered.push(decision)
      } else {
        this.#options.onSettled(task, outcome, result, waiting)
      }
    }
    // Calls that are open at once and fail together are one failure.
    this.#failures = failed ? failures : 0
    if (failed) this.#backOff()
    this.#wakeIfIdle()
  }

  #wakeIfIdle(): void {
    if (this.#open === 0 && this.#gathered.length === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  #backOff(): void {
    const { clock, random } = this.#options
    this.#scheduled = true
    this.#linger?.cancel()
    this.#linger = clock.timer(clock.monotonic() + jitteredBackoff(this.#failures++, firstBackoffMs, lastBackoffMs, random), this.#flushLater)
  }
}
