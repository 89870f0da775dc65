import type { Message } from '@aws-sdk/client-sqs'
import {
  sleep,
  type BrokerError,
  type Delivery,
  type Intake,
  type Outcome,
  type Receiver,
  type Services,
  type SettleResult,
  type Window,
} from '@busbar/core/driver'
import type { Api } from './api.ts'
import { SqsDelivery, type ReceiveTimes } from './delivery.ts'
import { Held } from './held.ts'
import type { Reading } from './incoming.ts'
import type { QueueName } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { Pollers } from './pollers.ts'
import type { Queues } from './queues.ts'
import { Settler } from './settler.ts'
import { SizeEstimate } from './size-estimate.ts'

export interface ReceiverParts {
  readonly queue: QueueName
  readonly reading: Reading
  readonly visibilityMs: number
  readonly options: ResolvedOptions
  readonly api: Api
  readonly queues: Queues
  readonly services: Services
  readonly uniqueId: () => string
}

/** A queue that is gone, or that may not be read any more, for so long does not come back by itself. */
const giveUpAfterMs = 60_000

/** A receive that was just ended may still be waiting at SQS, and would take what is given back at that moment. */
const noticeMs = 250

/** Receives from one queue by long polls, and settles. */
export class SqsReceiver implements Receiver {
  readonly #parts: ReceiverParts
  readonly #intake: Intake
  readonly #held: Held = new Held()
  readonly #estimate: SizeEstimate
  readonly #settler: Settler
  readonly #pollers: Pollers
  /** Messages on their way back that were never delivered. */
  readonly #returning: Set<Promise<void>> = new Set()
  #window: Window
  #ended = false
  /** Monotonic milliseconds at which SQS has noticed that the receives were ended. */
  #noticedAt = 0

  constructor(parts: ReceiverParts, intake: Intake, window: Window) {
    const { api, options, queue, queues, services, uniqueId, visibilityMs } = parts
    this.#parts = parts
    this.#intake = intake
    this.#window = window
    this.#estimate = new SizeEstimate(options.maxMessageBytes)
    const shared = { api, held: this.#held, queue, services, url: () => queues.url(queue) }
    this.#settler = new Settler(shared)
    const pollerParts = {
      ...shared,
      estimate: this.#estimate,
      uniqueId,
      visibilityMs,
      waitMs: options.waitTimeMs,
      maxPollers: options.maxPollers,
      retryMaxMs: options.retryMaxMs,
      onMessages: this.#onMessages,
      onUnwanted: this.#onUnwanted,
      onFailed: this.#onFailed,
      onRecovered: () => intake.recovered(),
    }
    this.#pollers = new Pollers(pollerParts, window)
  }

  async start(): Promise<void> {
    await this.#parts.queues.freshUrl(this.#parts.queue)
    this.#pollers.start()
  }

  async settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    const results = await this.#settler.settle(outcomes)
    this.#pollers.wake()
    return results
  }

  extend(deliveries: readonly Delivery[], ms: number): Promise<readonly SettleResult[]> {
    return this.#settler.extend(deliveries, ms)
  }

  resize(window: Window): void {
    this.#window = window
    this.#pollers.resize(window)
  }

  async pause(): Promise<void> {
    if (this.#pollers.stop()) this.#noticedAt = this.#parts.services.clock.monotonic() + noticeMs
  }

  async resume(): Promise<void> {
    if (!this.#ended) this.#pollers.start()
  }

  async handBack(): Promise<void> {
    const { clock } = this.#parts.services
    this.#ended = true
    await this.pause()
    const waitMs = this.#noticedAt - clock.monotonic()
    if (waitMs > 0 && this.#held.messages > 0) await sleep(clock, waitMs)
    await Promise.all([this.#settler.release(this.#held.all()), ...this.#returning])
  }

  readonly #onMessages = (messages: readonly Message[], times: ReceiveTimes): void => {
    const deliveries = this.#deliveriesOf(messages, times)
    const taken = deliveries.slice(0, this.#fitting(deliveries))
    if (taken.length > 0) this.#intake.deliver(taken)
    // What a larger message than expected, or a smaller window, leaves no room for goes back, from the first one on, so that no group is torn.
    this.#return(deliveries.slice(taken.length))
  }

  readonly #onUnwanted = (messages: readonly Message[], times: ReceiveTimes): void => {
    this.#return(this.#deliveriesOf(messages, times))
  }

  #deliveriesOf(messages: readonly Message[], times: ReceiveTimes): SqsDelivery[] {
    const { reading, visibilityMs } = this.#parts
    return messages.map((message) => new SqsDelivery(message, reading, visibilityMs, times))
  }

  #return(deliveries: readonly SqsDelivery[]): void {
    if (deliveries.length === 0) return
    const returned = this.#settler.release(deliveries).finally(() => this.#returning.delete(returned))
    this.#returning.add(returned)
  }

  /** Takes deliveries as long as the window has room; one is always taken, however large. */
  #fitting(deliveries: readonly SqsDelivery[]): number {
    for (const [index, delivery] of deliveries.entries()) {
      const { bodyBytes } = delivery.incoming
      this.#estimate.learn(bodyBytes)
      const { messages, bytes } = this.#held
      if (messages > 0 && (messages >= this.#window.messages || bytes + bodyBytes > this.#window.bytes)) return index
      this.#held.add(delivery)
    }
    return deliveries.length
  }

  readonly #onFailed = (error: BrokerError, refusedForMs: number): void => {
    const { queue, queues } = this.#parts
    queues.forgetIfGone(queue, error)
    const fatal = refusedForMs >= giveUpAfterMs
    if (fatal) this.#pollers.stop()
    this.#intake.failed(error, fatal)
  }
}
