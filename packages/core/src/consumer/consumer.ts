import type { Clock } from '../clock.ts'
import type { Receiver } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import type { ConsumerEngine } from './engine.ts'
import type { Consumer, ConsumerStats } from './types.ts'

/** How long a handler may take to notice that its signal has fired, and a driver to hand back. */
const graceMs = 1_000

const defaultDrainMs = 30_000

/** The running consumer that users hold: pause, resume, drain and close around one engine and one receiver. */
export class RunningConsumer implements Consumer {
  readonly closed: Promise<void>
  readonly #engine: ConsumerEngine
  readonly #receiver: Receiver
  readonly #clock: Clock
  readonly #onEnded: () => void
  #resolveClosed!: () => void
  #rejectClosed!: (error: BrokerError) => void
  #ending: Promise<void> | undefined

  constructor(engine: ConsumerEngine, receiver: Receiver, clock: Clock, onEnded: () => void) {
    this.#engine = engine
    this.#receiver = receiver
    this.#clock = clock
    this.#onEnded = onEnded
    this.closed = new Promise((resolve, reject) => {
      this.#resolveClosed = resolve
      this.#rejectClosed = reject
    })
    // A consumer that fails for good is seen by whoever looks at `closed`; nobody has to.
    this.closed.catch(() => undefined)
  }

  get stats(): ConsumerStats {
    return this.#engine.stats
  }

  pause(): Promise<void> {
    return this.#ending ?? this.#receiver.pause()
  }

  async resume(): Promise<void> {
    if (this.#ending) throw new BrokerError('ERR_CLOSED', 'The consumer has been drained or closed: start a new one with broker.consume().')
    await this.#receiver.resume()
  }

  drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    return (this.#ending ??= this.#end(options.timeoutMs ?? defaultDrainMs))
  }

  close(): Promise<void> {
    if (this.#ending) {
      this.#engine.abortAll(closedError())
      return this.#ending
    }
    return (this.#ending = this.#end(0))
  }

  /** The receiver has failed for good. */
  fail(error: BrokerError): void {
    this.#rejectClosed(error)
    void this.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  async #end(timeoutMs: number): Promise<void> {
    const engine = this.#engine
    engine.stop()
    await this.#within(this.#receiver.pause(), graceMs)
    if (timeoutMs > 0) await this.#within(engine.quiet(), timeoutMs)
    engine.abortAll(timeoutMs > 0 ? new BrokerError('ERR_TIMEOUT', `The drain's deadline of ${timeoutMs} ms has passed.`) : closedError())
    await this.#within(engine.quiet(), timeoutMs > 0 ? graceMs : 0)
    await this.#within(engine.settled(), graceMs * 5)
    await this.#within(this.#receiver.handBack(), graceMs * 5)
    engine.close()
    this.#onEnded()
    this.#resolveClosed()
  }

  /** Waits for `work`, but no longer than `ms`: nothing that hangs may keep a process from ending. */
  async #within(work: Promise<unknown>, ms: number): Promise<void> {
    let expire!: () => void
    const expired = new Promise<void>((resolve) => (expire = resolve))
    const timer = this.#clock.timer(this.#clock.monotonic() + ms, expire)
    await Promise.race([work.catch(() => undefined), expired])
    timer.cancel()
  }
}

function closedError(): BrokerError {
  return new BrokerError('ERR_CLOSED', 'The consumer has been closed.')
}
