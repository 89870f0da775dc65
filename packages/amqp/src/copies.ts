import type { ConfirmChannel } from 'amqplib'
import type { Publication } from './confirms.ts'
import { copyOptions } from './copy-options.ts'
import { ladderRoute } from './delay-ladder.ts'
import type { AmqpDelivery } from './delivery.ts'

/** A message that is to be delivered again. */
export interface Copy {
  readonly delivery: AmqpDelivery
  /** 0: at once, at the tail of the queue. */
  readonly delayMs: number
  /** Handler starts so far; travels with the copy. */
  readonly attempt: number
  /** Place among the outcomes of the call. */
  readonly index: number
}

/** Copies of received messages on their way back to the queue that each came from, at once or through the delay ladder. */
export class CopyPublication implements Publication {
  readonly refusal = 'unknown'
  readonly #copies: readonly Copy[]

  constructor(copies: readonly Copy[]) {
    this.#copies = copies
  }

  get size(): number {
    return this.#copies.length
  }

  idOf(index: number): string | undefined {
    // What a return shows is the native field.
    const id: unknown = this.#at(index).delivery.native.properties.messageId
    return typeof id === 'string' ? id : undefined
  }

  bytesOf(index: number): number {
    return this.#at(index).delivery.incoming.bodyBytes
  }

  publish(channel: ConfirmChannel, index: number): void {
    const { delivery, delayMs, attempt } = this.#at(index)
    const queue = delivery.scope.id
    const route = delayMs > 0 ? ladderRoute(delayMs, { kind: 'queue', name: queue }) : { exchange: '', routingKey: queue }
    channel.publish(route.exchange, route.routingKey, delivery.native.content, copyOptions(delivery.native, attempt, delivery.brokerAttempts))
  }

  #at(index: number): Copy {
    return this.#copies[index] as Copy
  }
}
