import type { Clock } from '../clock.ts'
import { drainTimeoutOf } from '../drain-timeout.ts'
import type { Receiver } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import { endedWithin } from '../waiting.ts'
import type { ConsumerEngine } from './engine.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Consumer, ConsumerStats } from './types.ts'

/** How long a handler may take to notice that its signal has fired, and a driver to hand back. */
const graceMs = 1_000

/** The running consumer that users hold: pause, resume, drain and close around one engine and one receiver. */
export class RunningConsumer implements Consumer {
  readonly engine: ConsumerEngine
  readonly #receiver: Receiver
  readonly #clock: Clock
  readonly #onEnded: () => void
  readonly #closed: PromiseWithResolvers<void> = Promise.withResolvers()
  #ending: Promise<void> | undefined
  #paused = false
  /** What the receiver was last asked for. */
  #stopped = false
  #flow: Promise<void> = Promise.resolve()
  /** Resolves when a drain is cut short. */
  readonly #hurried: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(engine: ConsumerEngine, receiver: Receiver, clock: Clock, onEnded: () => void) {
    this.engine = engine
    this.#receiver = receiver
    this.#clock = clock
    this.#onEnded = onEnded
    const { suspensions } = engine.options
    if (suspensions) {
      suspensions.onChange = () => {
        void this.#flowAsWanted().catch(() => undefined)
        engine.pump()
      }
      if (suspensions.any) suspensions.onChange()
    }
    // A consumer that fails for good is seen by whoever looks at `closed`; nobody has to.
    this.closed.catch(() => undefined)
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  get stats(): ConsumerStats {
    return this.engine.stats
  }

  get retryBudget(): RetryBudget {
    return this.engine.options.budget
  }

  pause(): Promise<void> {
    if (this.#ending) return this.#ending
    this.#paused = true
    return this.#flowAsWanted()
  }

  async resume(): Promise<void> {
    if (this.#ending) throw closedError()
    this.#paused = false
    return this.#flowAsWanted()
  }

  /** Paused while the user or a middleware wants it so. */
  #flowAsWanted(): Promise<void> {
    const stopped = this.#paused || this.engine.options.suspensions?.any === true
    if (this.#ending || stopped === this.#stopped) return this.#flow
    this.#stopped = stopped
    return this.#then(() => (stopped ? this.#receiver.pause() : this.#receiver.resume()))
  }

  /** One change of flow after the other, in the order asked for. */
  #then(change: () => Promise<void>): Promise<void> {
    return (this.#flow = this.#flow.catch(() => undefined).then(change))
  }

  drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const timeoutMs = drainTimeoutOf(options)
    return (this.#ending ??= this.#end(timeoutMs))
  }

  close(): Promise<void> {
    if (!this.#ending) return (this.#ending = this.#end(0))
    this.engine.abortAll(closedError())
    this.#hurried.resolve()
    return this.#ending
  }

  /** The receiver has failed for good. */
  fail(error: BrokerError): void {
    this.#closed.reject(error)
    void this.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  async #end(timeoutMs: number): Promise<void> {
    const engine = this.engine
    const clock = this.#clock
    engine.stop()
    await endedWithin(
      clock,
      this.#then(() => this.#receiver.pause()),
      graceMs,
    )
    if (timeoutMs > 0) await endedWithin(clock, Promise.race([engine.quiet(), this.#hurried.promise]), timeoutMs)
    engine.abortAll(timeoutMs > 0 ? new BrokerError('ERR_TIMEOUT', `The drain's deadline of ${timeoutMs} ms has passed.`) : closedError())
    await endedWithin(clock, engine.quiet(), timeoutMs > 0 ? graceMs : 0)
    await endedWithin(clock, engine.settled(), graceMs * 5)
    await endedWithin(clock, this.#receiver.handBack(), graceMs * 5)
    engine.close()
    this.#onEnded()
    this.#closed.resolve()
  }
}

function closedError(): BrokerError {
  return new BrokerError('ERR_CLOSED', 'The consumer has ended: start a new one.')
}
