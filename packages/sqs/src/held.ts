import { ChurningMap } from '@busbar/core/driver'
import type { SqsDelivery } from './delivery.ts'

/** What this receiver has delivered and not settled, as far as SQS still hides it for us. */
export class Held {
  readonly #deliveries: ChurningMap<SqsDelivery> = new ChurningMap()
  #bytes = 0
  /** No lease ends before, in monotonic milliseconds. */
  #soonest = Infinity

  get messages(): number {
    return this.#deliveries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** In the order of their receipt. */
  all(): SqsDelivery[] {
    return [...this.#deliveries.values()]
  }

  /** A redelivery takes the place of the delivery whose lease has ended. */
  add(delivery: SqsDelivery): void {
    const earlier = this.#deliveries.get(delivery.id)
    if (earlier !== undefined) {
      earlier.state = 'superseded'
      this.delete(earlier)
    }
    this.#deliveries.set(delivery.id, delivery)
    this.#soonest = Math.min(this.#soonest, delivery.leaseUntil)
    this.#bytes += delivery.incoming.bodyBytes
  }

  extend(delivery: SqsDelivery, leaseUntil: number): void {
    delivery.leaseUntil = leaseUntil
    this.#soonest = Math.min(this.#soonest, leaseUntil)
  }

  delete(delivery: SqsDelivery): void {
    if (this.#deliveries.get(delivery.id) !== delivery) return
    this.#deliveries.delete(delivery.id)
    this.#bytes -= delivery.incoming.bodyBytes
  }

  dropExpired(now: number): void {
    if (now < this.#soonest) return
    for (const delivery of this.#deliveries.values()) if (delivery.leaseUntil <= now) this.delete(delivery)
    this.#soonest = this.nextExpiry()
  }

  /** When the next lease ends, in monotonic milliseconds; Infinity if nothing is held. */
  nextExpiry(): number {
    let next = Infinity
    for (const { leaseUntil } of this.#deliveries.values()) next = Math.min(next, leaseUntil)
    return next
  }
}
