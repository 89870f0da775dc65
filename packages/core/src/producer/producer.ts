import type { Clock } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import { load } from '../lazy.ts'
import { isEmpty } from '../middleware/is-empty.ts'
import type { SendFunction, SendMiddleware, SendReceipt } from '../middleware/types.ts'
import type { AbortWatch } from './abort-watch.ts'
import { asBrokerError, type Encoded, type Encoder, type RefusedBody } from './encoder.ts'
import type { PendingSend, SendObserver } from './pending.ts'
import type { Preparer } from './prepare.ts'
import type { ProducerEngine } from './producer-engine.ts'
import { refusedOption, type SendRefusal } from './send-options.ts'
import { kindOf } from '../kind-of.ts'
import { unlessAborted } from '../waiting.ts'
import type { BatchResult, Producer, SendOptions } from './types.ts'

export interface TypedProducerOptions {
  readonly destination: string
  readonly keyed: boolean
  /** Those of its address, which sends may give. */
  readonly parameters: readonly string[] | undefined
  readonly encoder: Encoder
  readonly engine: ProducerEngine
  readonly timeoutMs: number
  /** Outermost first. */
  readonly use: readonly (SendMiddleware | SendFunction)[]
  readonly clock: Clock
  readonly random: () => number
  /** Those found at start; before it, those from options alone. */
  readonly capabilities: () => Capabilities
  /** Starts the broker if need be; it tells the engine when it fails. */
  readonly ensureStarted: () => void
}

interface Target {
  readonly index: number
  readonly observer: SendObserver
}

/** The producer that users hold. */
export class TypedProducer implements Producer {
  readonly #options: TypedProducerOptions
  #aborts: Promise<AbortWatch> | undefined
  #preparer: Promise<Preparer> | undefined

  constructor(options: TypedProducerOptions) {
    this.#options = options
  }

  get pending(): number {
    return this.#options.engine.pending
  }

  send(body: unknown, options: SendOptions = {}): Promise<SendReceipt> {
    return new Promise((resolve, reject) => {
      const { engine } = this.#options
      const refused = refusedOption(options, this.#options, 'send') ?? (engine.full ? { kind: 'full', wanted: engine.pending, has: 0 } : undefined)
      if (options.signal?.aborted) throw abortError(options.signal)
      if (refused) resolve(this.#refuse(refused))
      else this.#submit(body, options, { index: 0, observer: new SingleSend(resolve, reject) })
    })
  }

  async sendBatch(bodies: readonly unknown[], options: Omit<SendOptions, 'id'> = {}): Promise<readonly BatchResult[]> {
    const { engine, destination } = this.#options
    if (!Array.isArray(bodies)) throw new TypeError(`sendBatch: an array of bodies is needed, not ${kindOf(bodies)}`)
    const refused = refusedOption(options, this.#options, 'sendBatch')
    if (options.signal?.aborted) throw abortError(options.signal)
    if (refused) return this.#refuse(refused)
    const batch = new BatchSend(bodies.length)
    for (let index = 0; index < bodies.length; index++) {
      if (engine.full) await unlessAborted(engine.room(), options.signal).catch(() => undefined)
      try {
        // It may have fired while there was no room.
        if (options.signal?.aborted) throw abortError(options.signal)
        this.#submit(bodies[index], options, { index, observer: batch })
      } catch (error) {
        batch.results[index] = { ok: false, error: asBrokerError(error, destination), stored: 'no' }
        batch.one()
      }
    }
    return batch.done
  }

  async #refuse(refused: SendRefusal): Promise<never> {
    const { refusalError } = await load(this.#options.clock, 'refusals')
    throw refusalError(refused, this.#options.destination)
  }

  async #refuseBody({ issues }: RefusedBody, body: unknown, { index, observer }: Target): Promise<void> {
    const { invalidBody } = await load(this.#options.clock, 'refusals')
    observer.failed({ index }, invalidBody(issues, body), 'no')
  }

  #submit(body: unknown, options: SendOptions, target: Target): void {
    const { encoder, engine, use, timeoutMs, ensureStarted } = this.#options
    const encoded = encoder.encode(body, options)
    if ('issues' in encoded) return void this.#refuseBody(encoded, body, target)
    const ready = !encoded.validation && isEmpty(use)
    const pending = engine.add(encoded.outgoing, target.observer, target.index, options.timeoutMs ?? timeoutMs, ready)
    if (options.signal) void this.#watch(pending, options.signal)
    ensureStarted()
    if (!ready) void this.#prepare(pending, encoded, body)
  }

  async #watch(pending: PendingSend, signal: AbortSignal): Promise<void> {
    const { engine, clock } = this.#options
    const aborts = await (this.#aborts ??= load(clock, 'chains').then(
      ({ AbortWatch }) => new AbortWatch((aborted, by) => engine.fail(aborted, abortError(by))),
    ))
    aborts.add(pending, signal)
  }

  /** Its place in the order is taken; asynchronous validation and middleware may take their time. */
  async #prepare(pending: PendingSend, encoded: Encoded, body: unknown): Promise<void> {
    try {
      const preparer = await (this.#preparer ??= load(this.#options.clock, 'chains').then(({ Preparer }) => new Preparer(this.#options)))
      await preparer.prepare(pending, encoded, body)
    } catch (error) {
      // The chain is refused, or its part could not be loaded; the next message tries again.
      this.#preparer = undefined
      this.#options.engine.fail(pending, error as Error)
    }
  }
}

class SingleSend implements SendObserver {
  readonly #resolve: (receipt: SendReceipt) => void
  readonly #reject: (error: Error) => void

  constructor(resolve: (receipt: SendReceipt) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  sent(pending: PendingSend, position: string | undefined): void {
    const { id } = pending.outgoing
    this.#resolve(position === undefined ? { id } : { id, position })
  }

  failed(_pending: unknown, error: Error): void {
    this.#reject(error)
  }
}

class BatchSend implements SendObserver {
  readonly results: BatchResult[]
  readonly done: Promise<readonly BatchResult[]>
  #resolve!: (results: readonly BatchResult[]) => void
  #open: number

  constructor(size: number) {
    this.results = new Array<BatchResult>(size)
    this.#open = size
    this.done = new Promise((resolve) => (this.#resolve = resolve))
    if (size === 0) this.#resolve(this.results)
  }

  sent(pending: PendingSend, position: string | undefined): void {
    const { id } = pending.outgoing
    this.results[pending.index] = position === undefined ? { ok: true, id } : { ok: true, id, position }
    this.one()
  }

  failed({ index }: Pick<PendingSend, 'index'>, error: Error, stored: 'no' | 'unknown'): void {
    this.results[index] = { ok: false, error: asBrokerError(error, ''), stored }
    this.one()
  }

  one(): void {
    if (--this.#open === 0) this.#resolve(this.results)
  }
}

function abortError(signal: AbortSignal): Error {
  const { reason } = signal
  return reason instanceof Error && reason.name === 'AbortError' ? reason : new DOMException('The send was aborted before it was handed over.', 'AbortError')
}
