import type { Delivery, Incoming, Scope } from '@busbar/core/driver'
import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

/** One delivery of a stored message: its receipt. Where leases are per message it is a scope of its own. */
export class QueueDelivery implements Delivery, Scope {
  readonly message: Stored
  readonly port: Port
  readonly brokerAttempts: number | undefined
  /** Monotonic. */
  readonly receivedAt: number
  leaseUntil: number | undefined
  /** When the broker ends the lease, or the session that holds it for too long. */
  until: number = Infinity
  /** Has it deleted its message? */
  acked = false
  readonly session: Scope | undefined
  /** Links of the list of leases that the delivery is in; kept by {@link LeaseTable}. */
  list: LeaseList | undefined = undefined
  previous: QueueDelivery | undefined = undefined
  next: QueueDelivery | undefined = undefined

  constructor(message: Stored, port: Port, receivedAt: number, brokerAttempts: number | undefined) {
    this.message = message
    this.port = port
    this.brokerAttempts = brokerAttempts
    this.receivedAt = receivedAt
    this.leaseUntil = undefined
    this.session = port.session
  }

  get incoming(): Incoming {
    return this.message.incoming
  }

  /** The broker's id of the message; where brokers give none, the sender's, which a plain client may not have set. */
  get sameAs(): string | undefined {
    return this.port.ownIds ? this.message.sameAs : this.message.incoming.id
  }

  get scope(): Scope {
    return this.session ?? this
  }

  /** Text of the receipt. */
  get id(): string {
    return `${this.message.sameAs}/${this.brokerAttempts ?? this.receivedAt}`
  }

  get live(): boolean {
    return this.message.current === this
  }
}

/** Deliveries with leases of one length, so that the first is the first to expire. */
export class LeaseList {
  first: QueueDelivery | undefined = undefined
  last: QueueDelivery | undefined = undefined

  append(delivery: QueueDelivery): void {
    delivery.list = this
    delivery.previous = this.last
    if (this.last === undefined) this.first = delivery
    else this.last.next = delivery
    this.last = delivery
  }

  remove(delivery: QueueDelivery): void {
    const { previous, next } = delivery
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    delivery.list = delivery.previous = delivery.next = undefined
  }
}
