import type { QueueDelivery } from '@busbar/memory/engine'
import { serviceError } from '../service-errors.ts'

/** A delivery and the text that stands for it. */
export interface Receipt {
  readonly delivery: QueueDelivery
  readonly handle: string
}

/**
 * Receipt handles of one queue. Each receive of a message gives another; a handle stays good in form for ever, and is known until its message is deleted.
 * One of another queue, or of an earlier queue of this name, is none.
 */
export class Receipts {
  readonly #queue: string
  /** By id of the message: its deliveries, in order. */
  readonly #known = new Map<number, QueueDelivery[]>()

  /** `queue`: tells this queue from all others, also from earlier ones of its name. */
  constructor(queue: string) {
    this.#queue = queue
  }

  add(delivery: QueueDelivery): Receipt {
    const { id } = delivery.message
    let deliveries = this.#known.get(id)
    if (deliveries === undefined) this.#known.set(id, (deliveries = []))
    deliveries.push(delivery)
    return { delivery, handle: Buffer.from(`${this.#queue} ${id} ${deliveries.length}`).toString('base64') }
  }

  /** `undefined` if its message has been deleted. Throws `ReceiptHandleIsInvalid`. */
  find(handle: string): QueueDelivery | undefined {
    const [queue, id, number, ...rest] = Buffer.from(handle, 'base64').toString('utf8').split(' ')
    if (queue !== this.#queue || rest.length > 0 || !/^\d+$/.test(`${id}${number}`))
      throw serviceError('ReceiptHandleIsInvalid', `The input receipt handle "${handle.slice(0, 300)}" is not a valid receipt handle.`)
    return this.#known.get(Number(id))?.[Number(number) - 1]
  }

  /** The last delivery of the message of this one. */
  latest(delivery: QueueDelivery): QueueDelivery {
    return this.#known.get(delivery.message.id)?.at(-1) ?? delivery
  }

  /** The message of a delivery is deleted. */
  forget({ message }: QueueDelivery): void {
    this.#known.delete(message.id)
  }

  /** All messages are deleted. */
  clear(): void {
    this.#known.clear()
  }
}
