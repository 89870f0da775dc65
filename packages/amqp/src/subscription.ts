import type { BrokerError, Services } from '@busbar/core/driver'
import type { ConnectionManager } from './connection-manager.ts'
import { ConsumerChannel } from './consumer-channel.ts'
import type { AmqpDelivery } from './delivery.ts'
import { toBrokerError } from './errors.ts'
import { pauseFor } from './within.ts'

/** What several subscriptions of one receiver have in common. */
export interface SubscriptionHost {
  readonly manager: ConnectionManager
  readonly services: Services
  readonly timeoutMs: number
  /** The queues count deliveries (quorum). */
  readonly counted: boolean
  readonly onDelivery: (delivery: AmqpDelivery) => void
  readonly onEnded: (delivery: AmqpDelivery) => void
  /** A channel is gone with everything on it. */
  readonly onLost: (channel: ConsumerChannel, error: BrokerError) => void
  /** An attempt to subscribe again failed; it goes on. */
  readonly onRetry: (error: BrokerError) => void
}

const firstBackoffMs = 100
const lastBackoffMs = 10_000

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
  #restoring = false

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
    return this.#open()
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
  }

  async #open(): Promise<void> {
    const { manager, services, timeoutMs, counted, onDelivery, onEnded } = this.#host
    const { connection } = manager
    if (connection === undefined) throw manager.reason
    const partition = this.partition === undefined ? undefined : String(this.partition)
    const options = { queue: this.queue, partition, counted, clock: services.clock, timeoutMs, onDelivery, onEnded, onLost: this.#onLost }
    const channel = new ConsumerChannel(connection, options)
    await channel.start(this.#consuming ? this.prefetch : 0)
    if (this.#stopping.signal.aborted) return await channel.close()
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

  async #restore(): Promise<void> {
    if (this.#restoring) return
    this.#restoring = true
    const { manager, services, onRetry } = this.#host
    const { signal } = this.#stopping
    for (let round = 0; !signal.aborted && this.#channel === undefined; round++) {
      if (round > 0) await pauseFor(Math.min(lastBackoffMs, firstBackoffMs * 2 ** (round - 1)) * (0.5 + services.random() / 2), services.clock, signal)
      const connection = await manager.whenConnected(signal)
      if (connection === undefined) break
      try {
        await this.#open()
      } catch (error) {
        if (!signal.aborted && !connection.lost) onRetry(toBrokerError(error, `Consuming ${this.queue}`))
      }
    }
    this.#restoring = false
  }
}
