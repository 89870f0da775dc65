import type { Clock } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Link } from '../driver/driver.ts'
import type { Endpoint } from '../driver/endpoint.ts'
import type { Delivery, Intake, Receiver, SettleResult } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import { Fifo } from '../fifo.ts'
import { sleep } from '../sleep.ts'

/** How long nothing must arrive, over a connection that holds, before the place counts as empty. */
const quietMs = 1_000
/** How long a connection may be away before the operation fails. */
const outageMs = 30_000

const ackDeadlineMs = 30_000
const firstPauseMs = 100
const lastPauseMs = 5_000

const windowMessages = 100
const windowBytes = 64 * 1024 * 1024

/** Reads deliveries one by one from a place that operators look into; what is not settled when it closes goes back. */
export class DeadLetterReader implements AsyncDisposable, Intake {
  readonly #clock: Clock
  readonly #link: Link
  readonly #name: string
  readonly #windowMessages: number
  readonly #receiver: Receiver
  readonly #capabilities: Capabilities
  readonly #arrived: Fifo<Delivery> = new Fifo()
  readonly #taken: Set<Delivery> = new Set()
  #started = false
  /** Deliveries were lost: a silence that has begun before says nothing. */
  #disturbed = false
  #failure: BrokerError | undefined
  #wake: (() => void) | undefined

  /** `holding`: deliveries that will stay unsettled until the end, which the window must have room for. */
  constructor(link: Link, endpoint: Endpoint, capabilities: Capabilities, clock: Clock, holding: number) {
    if (!link.receiver) throw new TypeError(`${endpoint.name}: nothing can be received from this driver`)
    this.#clock = clock
    this.#link = link
    this.#name = endpoint.name
    this.#capabilities = capabilities
    this.#windowMessages = windowMessages + Math.min(holding, 10_000)
    this.#receiver = link.receiver(endpoint, this, { messages: this.#windowMessages, bytes: windowBytes })
  }

  async start(): Promise<void> {
    await this.#receiver.start()
    this.#started = true
  }

  /** It holds as many as it may: what it looks for may be behind them. */
  get full(): boolean {
    return this.#taken.size >= this.#windowMessages
  }

  /** Nothing more has arrived yet. */
  get empty(): boolean {
    return this.#arrived.size === 0
  }

  /** The next delivery; `undefined` when nothing has come for a second. Keeps the leases of those taken. Rejects when the connection is away for half a minute. */
  async next(signal: AbortSignal | undefined): Promise<Delivery | undefined> {
    const deadline = this.#clock.monotonic() + outageMs
    do {
      signal?.throwIfAborted()
      this.#disturbed = false
      await this.#keepLeases()
      if (this.#arrived.size === 0 && !this.#failure) await this.#arrival()
      if (this.#failure) throw this.#failure
    } while (this.#arrived.size === 0 && this.#saysNothing(deadline))
    const delivery = this.#arrived.shift()
    if (delivery) this.#taken.add(delivery)
    return delivery
  }

  /** Is the silence that of the connection, and not of the place? */
  #saysNothing(deadline: number): boolean {
    if (!this.#disturbed && this.#link.health().state === 'connected') return false
    if (this.#clock.monotonic() < deadline) return true
    throw new BrokerError('ERR_UNAVAILABLE', `${this.#name} could not be reached for ${outageMs / 1_000} s: what it holds is not known.`)
  }

  /** Repeats what fails with a retryable error, for half a minute. What comes too late is delivered and looked at again. */
  async ack(deliveries: readonly Delivery[], signal: AbortSignal | undefined): Promise<void> {
    for (const delivery of deliveries) this.#taken.delete(delivery)
    const deadline = this.#clock.monotonic() + ackDeadlineMs
    let open = deliveries
    for (let pauseMs = firstPauseMs; open.length > 0; pauseMs = Math.min(lastPauseMs, pauseMs * 2)) {
      const results = await this.#settle(open)
      const late = this.#clock.monotonic() + pauseMs >= deadline
      const final = results.find((result) => typeof result === 'object' && (late || !result.error.retryable))
      if (typeof final === 'object') throw final.error
      open = open.filter((_, index) => typeof results[index] === 'object')
      if (open.length > 0) await sleep(this.#clock, pauseMs, signal)
    }
  }

  async #settle(deliveries: readonly Delivery[]): Promise<readonly SettleResult[]> {
    const { settlement } = this.#capabilities
    const size = settlement ? settlement.maxBatch : deliveries.length
    const results: SettleResult[] = []
    for (let from = 0; from < deliveries.length; from += size) {
      const outcomes = deliveries.slice(from, from + size).map((delivery) => ({ delivery, action: 'ack' as const }))
      results.push(...(await this.#receiver.settle(outcomes)))
    }
    return results
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that did not start holds nothing.
    if (!this.#started) return
    await this.#receiver.pause().catch(() => undefined)
    await this.#receiver.handBack()
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#arrived.push(delivery)
    this.#wake?.()
  }

  lost(): void {
    // What was acked stays acked; the rest is delivered again and looked at again.
    this.#disturbed = true
  }

  revoke(): Promise<void> {
    return Promise.resolve()
  }

  failed(error: BrokerError, fatal: boolean): void {
    if (!fatal) return
    this.#failure = error
    this.#wake?.()
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.timer(this.#clock.monotonic() + quietMs, () => {
        this.#wake = undefined
        resolve()
      })
      this.#wake = () => {
        this.#wake = undefined
        timer.cancel()
        resolve()
      }
    })
  }

  recovered(): void {
    // What does not come is waited for no longer than what is not there.
  }

  async #keepLeases(): Promise<void> {
    const { lease } = this.#capabilities
    if (!lease || lease.kind !== 'message' || !this.#receiver.extend) return
    // They must outlast the wait for the next delivery.
    const soon = this.#clock.monotonic() + Math.max(lease.ms / 2, 1.5 * quietMs)
    const due = [...this.#taken, ...this.#arrived].filter((delivery) => delivery.leaseUntil !== undefined && delivery.leaseUntil < soon)
    if (due.length > 0) await this.#receiver.extend(due, lease.ms)
  }
}
