import {
  type BrokerError,
  type Endpoint,
  type Intake,
  type Outcome,
  type Receiver,
  type SendResult,
  type Services,
  type SettleResult,
  type Window,
} from '@busbar/core/driver'
import type { ConnectionManager } from './connection-manager.ts'
import type { ConsumerChannel } from './consumer-channel.ts'
import { CopyPublication, type Copy } from './copies.ts'
import type { AmqpDelivery } from './delivery.ts'
import { amqpError, toBrokerError } from './errors.ts'
import { SingleQueue, type Keeper } from './keeper.ts'
import { queueName } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { Partitions } from './partitions.ts'
import type { Publisher } from './publisher.ts'
import { sendRestoring, type Restoration } from './restoration.ts'
import type { ResolvedRouteOptions } from './route-options.ts'
import type { SubscriptionHost } from './subscription.ts'

export interface ReceiverParts {
  readonly endpoint: Endpoint
  readonly options: ResolvedOptions
  readonly route: ResolvedRouteOptions
  readonly manager: ConnectionManager
  readonly services: Services
  /** Publishes the copies of messages to be delivered again. */
  readonly copies: Publisher
  readonly restoration: Restoration
  readonly addressOf: (queue: string) => string
  /** Whether a rejected message goes to the dead-letter place. Throws `BrokerError`. */
  readonly deadLettersNatively: () => Promise<boolean>
}

interface Discard {
  readonly delivery: AmqpDelivery
  /** Place among the outcomes of the call. */
  readonly index: number
}

/** Receives from one queue or from its partition queues, and settles. */
export class AmqpReceiver implements Receiver {
  readonly #parts: ReceiverParts
  readonly #intake: Intake
  readonly #keeper: Keeper
  readonly #unlisten: () => void
  #window: Window
  /** Received, but not handed to core yet: those of one socket read, of a pause, or above the window. Those before `#taken` have been handed over. */
  #inbox: AmqpDelivery[] = []
  #taken = 0
  #scheduled = false
  #paused = false
  /** Nothing is handed over before all is subscribed: if something cannot be, nothing was received. */
  #started = false
  #failing = false
  #handed = 0
  #handedBytes = 0

  constructor(parts: ReceiverParts, intake: Intake, window: Window) {
    this.#parts = parts
    this.#intake = intake
    this.#window = window
    const { endpoint, options, route, manager, services, restoration, addressOf } = parts
    const host: SubscriptionHost = {
      manager,
      services,
      timeoutMs: options.timeoutMs,
      restoration,
      addressOf,
      counted: route.queueType === 'quorum',
      onDelivery: this.#onDelivery,
      onEnded: this.#onEnded,
      onLost: this.#onLost,
      onRetry: (error, fatal) => this.#fail(error, fatal),
      onRestored: this.#onRestored,
    }
    const queue = queueName(endpoint)
    this.#keeper = route.partitions > 0 ? new Partitions(queue, route.partitions, window, host, options, intake) : new SingleQueue(queue, window, host)
    this.#unlisten = manager.listen({ onFailed: (error) => this.#fail(error, true) })
  }

  async start(): Promise<void> {
    try {
      await this.#keeper.start()
    } catch (error) {
      this.#unlisten()
      throw error
    }
    this.#started = true
    this.#schedule()
  }

  async settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    const results: SettleResult[] = []
    let copies: Copy[] | undefined
    let discards: Discard[] | undefined
    for (let index = 0; index < outcomes.length; index++) {
      const outcome = outcomes[index] as Outcome
      const delivery = outcome.delivery as AmqpDelivery
      if (outcome.action === 'retry') results[index] = this.#startCopy(delivery, outcome.delayMs, outcome.attempt, index, (copies ??= []))
      else if (outcome.action === 'discard') results[index] = startDiscard(delivery, index, (discards ??= []))
      else results[index] = this.#settleNow(delivery, outcome.action)
    }
    if (discards !== undefined) await this.#discard(discards, results)
    if (copies !== undefined) await this.#sendCopies(copies, results)
    return results
  }

  resize(window: Window): void {
    this.#window = window
    void this.#keeper.resize(window)
    this.#schedule()
  }

  async pause(): Promise<void> {
    if (this.#paused) return
    this.#paused = true
    await this.#keeper.pause()
    this.#returnInbox()
  }

  async resume(): Promise<void> {
    if (!this.#paused) return
    this.#paused = false
    this.#schedule()
    await this.#keeper.resume()
  }

  async handBack(): Promise<void> {
    this.#paused = true
    this.#emptyInbox()
    this.#unlisten()
    await this.#keeper.stop()
  }

  #settleNow(delivery: AmqpDelivery, action: 'ack' | 'release'): SettleResult {
    const done = action === 'ack' ? delivery.scope.mark(delivery) : this.#keeper.giveBack(delivery)
    return done ? 'accepted' : 'too-late'
  }

  /** By the queue's own dead-letter exchange, and only where it leads to the dead-letter place. */
  async #discard(discards: readonly Discard[], results: SettleResult[]): Promise<void> {
    try {
      if (!(await this.#parts.deadLettersNatively()))
        throw amqpError(
          'ERR_UNSUPPORTED',
          `${queueName(this.#parts.endpoint)} has no dead-letter exchange that leads to its dead-letter place; discard is not offered.`,
        )
      for (const { delivery, index } of discards) results[index] = delivery.scope.reject(delivery) ? 'accepted' : 'too-late'
    } catch (error) {
      for (const { index } of discards) results[index] = { error: toBrokerError(error, 'Discarding') }
    }
  }

  /** Takes the delivery out of play until its copy is confirmed. */
  #startCopy(delivery: AmqpDelivery, delayMs: number, attempt: number, index: number, copies: Copy[]): SettleResult {
    if (delayMs > 0 && !this.#parts.options.delays) return { error: amqpError('ERR_UNSUPPORTED', "Delayed redelivery needs the driver's option delays: true.") }
    if (delivery.state !== 'open' || !delivery.scope.open) return 'too-late'
    delivery.state = 'copying'
    copies.push({ delivery, delayMs, attempt, index })
    return 'too-late'
  }

  /** Publishes the copies and waits for their confirms, and only then acks the originals: a crash in between repeats, but never loses. */
  async #sendCopies(copies: readonly Copy[], results: SettleResult[]): Promise<void> {
    const { copies: publisher, restoration } = this.#parts
    const sent: readonly SendResult[] = await sendRestoring(restoration, () => publisher.send(new CopyPublication(copies), never))
    for (const [at, { delivery, index }] of copies.entries()) {
      const result = sent[at]
      if (result?.ok === true) {
        results[index] = delivery.scope.mark(delivery) ? 'accepted' : 'too-late'
      } else if (result !== undefined) {
        if (delivery.state === 'copying') delivery.state = 'open'
        results[index] = { error: result.error }
      }
    }
  }

  readonly #onDelivery = (delivery: AmqpDelivery): void => {
    this.#inbox.push(delivery)
    this.#schedule()
  }

  readonly #onEnded = (delivery: AmqpDelivery): void => {
    if (!delivery.handed) return
    this.#handed--
    this.#handedBytes -= delivery.incoming.bodyBytes
    if (this.#inbox.length > 0) this.#schedule()
  }

  readonly #onLost = (channel: ConsumerChannel, error: BrokerError): void => {
    this.#intake.lost(channel, amqpError('ERR_TOO_LATE', error.message, { cause: error }))
    // Until then `start` rejects, and that says all.
    if (this.#started && error.code !== 'ERR_UNAVAILABLE') this.#fail(error, false)
  }

  #fail(error: BrokerError, fatal: boolean): void {
    this.#failing = true
    this.#intake.failed(error, fatal)
  }

  readonly #onRestored = (): void => {
    if (!this.#failing || !this.#keeper.whole) return
    this.#failing = false
    this.#intake.recovered()
  }

  // Deliveries of one socket read arrive in one turn: one microtask hands all of them over.
  #schedule(): void {
    if (this.#scheduled || this.#paused || !this.#started) return
    this.#scheduled = true
    queueMicrotask(this.#handOver)
  }

  readonly #handOver = (): void => {
    this.#scheduled = false
    if (this.#paused) return
    const deliveries: AmqpDelivery[] = []
    for (let next = this.#inbox[this.#taken]; next !== undefined; next = this.#inbox[++this.#taken]) {
      if (!isLive(next)) continue
      if (!this.#hasRoomFor(next)) break
      next.handed = true
      this.#handed++
      this.#handedBytes += next.incoming.bodyBytes
      deliveries.push(next)
    }
    if (this.#taken === this.#inbox.length) this.#emptyInbox()
    else if (this.#taken * 2 > this.#inbox.length) this.#shortenInbox()
    if (deliveries.length > 0) this.#intake.deliver(deliveries)
  }

  /** One message is always taken, however large. */
  #hasRoomFor({ incoming }: AmqpDelivery): boolean {
    const { messages, bytes } = this.#window
    return this.#handed === 0 || (this.#handed < messages && this.#handedBytes + incoming.bodyBytes <= bytes)
  }

  /** What arrived while pausing was never started. With order it waits here for resume or for the channel's end. */
  #returnInbox(): void {
    if (this.#parts.route.partitions > 0 || !this.#paused) return
    const waiting = this.#inbox.slice(this.#taken)
    this.#emptyInbox()
    for (const delivery of waiting) this.#keeper.giveBack(delivery)
  }

  #shortenInbox(): void {
    this.#inbox = this.#inbox.slice(this.#taken)
    this.#taken = 0
  }

  #emptyInbox(): void {
    this.#inbox = []
    this.#taken = 0
  }
}

/** Too late until the broker has taken it. */
function startDiscard(delivery: AmqpDelivery, index: number, discards: Discard[]): SettleResult {
  discards.push({ delivery, index })
  return 'too-late'
}

const never = new AbortController().signal

function isLive(delivery: AmqpDelivery): boolean {
  return delivery.state === 'open' && !delivery.scope.dropping
}
