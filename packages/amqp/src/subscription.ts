import { Denials, jitteredBackoff, type BrokerError, type Services, pauseFor } from '@busbar/core/driver'
import type { ConnectionManager } from './connection-manager.ts'
import type { Connection } from './connection.ts'
import { ConsumerChannel } from './consumer-channel.ts'
import type { AmqpDelivery, DeliverySource } from './delivery.ts'
import { amqpError, isNotFound, toBrokerError } from './errors.ts'
import type { Restoration } from './restoration.ts'

/** What several subscriptions of one receiver have in common. */
export interface SubscriptionHost extends DeliverySource {
  readonly manager: ConnectionManager
  readonly services: Services
  readonly timeoutMs: number
  /** Makes queues again that are gone, if this link has made them. */
  readonly restoration: Restoration
  readonly onDelivery: (delivery: AmqpDelivery) => void
  readonly onEnded: (delivery: AmqpDelivery) => void
  /** A channel is gone with everything on it. */
  readonly onLost: (channel: ConsumerChannel, error: BrokerError) => void
  /** An attempt to subscribe again failed; it goes on, unless access is denied and the broker means it (`fatal`). */
  readonly onRetry: (error: BrokerError, fatal: boolean) => void
  /** Subscribed again. */
  readonly onRestored: () => void
}

const firstBackoffMs = 100
const lastBackoffMs = 10_000
/** A broker that denies for so long what it had allowed means it; as for whole connections. */
const deniedForMs = 30_000

/** Keeps one queue subscribed: opens a new channel whenever the old one or the connection is lost. */
export class Subscription {
  readonly queue: string
  readonly partition: number | undefined
  /** For the next channel. */
  prefetch: number
  readonly #host: SubscriptionHost
  readonly #stopping: AbortController = new AbortController()
  #channel: ConsumerChannel | undefined
  #consuming = true
  #restoring: Promise<void> | undefined

  constructor(queue: string, partition: number | undefined, prefetch: number, host: SubscriptionHost) {
    this.queue = queue
    this.partition = partition
    this.prefetch = prefetch
    this.#host = host
  }

  /** The open channel, if there is one. */
  get channel(): ConsumerChannel | undefined {
    return this.#channel
  }

  /** The first subscription. Throws `BrokerError`. */
  start(): Promise<void> {
    return this.#openSurely()
  }

  /** Closes the channel, which gives everything unsettled back in order, and subscribes again, behind all who wait. */
  async renew(): Promise<void> {
    const channel = this.#channel
    this.#channel = undefined
    await channel?.close()
    if (this.#channel === undefined) await this.#restore()
  }

  /** No new deliveries, or again; for queues without order. Keeps the channel and what is unsettled on it. Never throws. */
  async consume(on: boolean): Promise<void> {
    this.#consuming = on
    try {
      await (on ? this.#channel?.consume(this.prefetch) : this.#channel?.cancel())
    } catch {
      // The channel is being lost; the next one is opened in the state wanted.
    }
  }

  /** For good. Bounded; never throws. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const channel = this.#channel
    this.#channel = undefined
    await channel?.close()
    // A channel that is being opened for it is closed as soon as it is open.
    await this.#restoring
  }

  async #openSurely(): Promise<void> {
    const { restoration } = this.#host
    const { generation } = restoration
    try {
      await this.#open()
    } catch (error) {
      if (!isNotFound(error) || this.#stopping.signal.aborted || !(await restoration.recreate(generation))) throw error
      await this.#open()
    }
  }

  async #open(): Promise<void> {
    const { manager, services, timeoutMs, counted, addressOf, onDelivery, onEnded } = this.#host
    const { connection } = manager
    if (connection === undefined) throw manager.reason
    const partition = this.partition === undefined ? undefined : String(this.partition)
    const options = { queue: this.queue, partition, counted, addressOf, clock: services.clock, timeoutMs, onDelivery, onEnded, onLost: this.#onLost }
    const channel = new ConsumerChannel(connection, options)
    await channel.start(this.#consuming ? this.prefetch : 0)
    if (this.#stopping.signal.aborted) return await channel.close()
    // Lost in the moment in which it was opened, and so by nobody's notice.
    if (!channel.open) throw amqpError('ERR_UNAVAILABLE', `Consuming ${this.queue}: the channel was closed.`)
    this.#channel = channel
    // Paused or resumed while the channel was being opened.
    await this.consume(this.#consuming)
  }

  readonly #onLost = (channel: ConsumerChannel, error: BrokerError): void => {
    this.#host.onLost(channel, error)
    if (this.#channel !== channel) return
    this.#channel = undefined
    void this.#restore()
  }

  #restore(): Promise<void> {
    this.#restoring ??= this.#openAgain().finally(() => (this.#restoring = undefined))
    return this.#restoring
  }

  async #openAgain(): Promise<void> {
    const { manager, services, onRetry, onRestored } = this.#host
    const { signal } = this.#stopping
    const denials = new Denials(services.clock, deniedForMs)
    let before: Connection | undefined
    for (let round = 0; !signal.aborted && this.#channel === undefined; round++) {
      if (round > 0) await pauseFor(jitteredBackoff(round - 1, firstBackoffMs, lastBackoffMs, services.random), services.clock, signal)
      const connection = await manager.whenConnected(signal)
      if (connection === undefined) return
      // It may be to a broker that has been started again.
      if (connection !== before) denials.end()
      before = connection
      try {
        await this.#openSurely()
        if (this.#channel !== undefined) onRestored()
      } catch (error) {
        if (signal.aborted || connection.lost) continue
        const failure = toBrokerError(error, `Consuming ${this.queue}`)
        onRetry(failure, denials.areMeant(failure.code === 'ERR_ACCESS_DENIED'))
      }
    }
  }
}
