import type { Window } from '@busbar/core/driver'
import type { AmqpDelivery } from './delivery.ts'
import { Subscription, type SubscriptionHost } from './subscription.ts'

/** Keeps the queues of one source subscribed: one queue, or the partition queues. */
export interface Keeper {
  /** Throws `BrokerError`; then nothing is held. */
  start(): Promise<void>
  /** Whether all of its queues are subscribed. */
  readonly whole: boolean
  resize(window: Window): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Gives back deliveries that were never started. False where it is too late. */
  giveBack(delivery: AmqpDelivery): boolean
  /** For good: everything unsettled returns. Bounded; never throws. */
  stop(): Promise<void>
}

/** RabbitMQ's prefetch is 16 bits. */
export const maxPrefetch = 65_535

/** One queue with competing consumers and no order. */
export class SingleQueue implements Keeper {
  readonly #subscription: Subscription
  #paused = false
  /** Changes of the consumer, one after the other. */
  #turn: Promise<void> = Promise.resolve()

  constructor(queue: string, window: Window, host: SubscriptionHost) {
    this.#subscription = new Subscription(queue, undefined, prefetchFor(window), host)
  }

  start(): Promise<void> {
    return this.#subscription.start()
  }

  get whole(): boolean {
    return this.#subscription.channel !== undefined
  }

  resize(window: Window): Promise<void> {
    return this.#inTurn(async () => {
      this.#subscription.prefetch = prefetchFor(window)
      if (this.#paused) return
      await this.#subscription.consume(false)
      await this.#subscription.consume(true)
    })
  }

  // Without order the consumer can be cancelled, and what waits goes to others instead of being hoarded here.
  pause(): Promise<void> {
    return this.#inTurn(() => {
      this.#paused = true
      return this.#subscription.consume(false)
    })
  }

  resume(): Promise<void> {
    return this.#inTurn(() => {
      this.#paused = false
      return this.#subscription.consume(true)
    })
  }

  giveBack(delivery: AmqpDelivery): boolean {
    return delivery.scope.requeue(delivery)
  }

  stop(): Promise<void> {
    return this.#subscription.stop()
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step)
    return this.#turn
  }
}

function prefetchFor(window: Window): number {
  return Math.min(maxPrefetch, Math.max(1, window.messages))
}
