import { within, type BrokerError, type Clock, type Scope, type Timer } from '@busbar/core/driver'
import type { Channel, ConsumeMessage } from 'amqplib'
import type { Connection } from './connection.ts'
import { AmqpDelivery, type DeliverySource } from './delivery.ts'
import { amqpError, toBrokerError } from './errors.ts'

/** What a channel consumes, and who is told. */
export interface ConsumerChannelOptions extends DeliverySource {
  readonly queue: string
  readonly partition: string | undefined
  readonly clock: Clock
  readonly timeoutMs: number
  /** Called synchronously per delivery; must not throw. */
  readonly onDelivery: (delivery: AmqpDelivery) => void
  /** A delivery is settled or its tag has died. */
  readonly onEnded: (delivery: AmqpDelivery) => void
  /** Not called for a close of our own. */
  readonly onLost: (channel: ConsumerChannel, error: BrokerError) => void
}

/**
 * Acks wait for others until they are this share of the window, or for this long. Each costs a write here and a log entry in a quorum queue there, and the rest
 * of the window keeps the broker busy meanwhile.
 */
const flushShare = 1 / 8
/** Behind a message that takes long: those behind it cannot be acked in one frame, and what they take of the window is missing to others sooner. */
const flushShareBehind = 1 / 32
const flushMs = 5

/** One channel with one consumer: the scope in which deliveries are lost together. It never comes back; a new one takes its place. */
export class ConsumerChannel implements Scope {
  readonly id: string
  readonly partition?: string
  readonly #options: ConsumerChannelOptions
  readonly #connection: Connection
  #channel: Channel | undefined
  #consumerTag: string | undefined
  #state: 'opening' | 'open' | 'closing' | 'closed' = 'opening'
  #dropping = false
  #active = false
  #unsettled = 0
  #prefetch = 0
  /** Unsettled deliveries in the order of their tags. */
  #head: AmqpDelivery | undefined
  #tail: AmqpDelivery | undefined
  /** To be acked by the next flush. */
  #marked: AmqpDelivery[] = []
  #flushTimer: Timer | undefined

  constructor(connection: Connection, options: ConsumerChannelOptions) {
    this.id = options.queue
    if (options.partition !== undefined) this.partition = options.partition
    this.#connection = connection
    this.#options = options
  }

  get open(): boolean {
    return this.#state === 'open'
  }

  /** Whether anything was ever delivered here: a waiting single active consumer gets nothing. */
  get active(): boolean {
    return this.#active
  }

  /** Whether deliveries are kept from core because the channel is about to be closed. */
  get dropping(): boolean {
    return this.#dropping
  }

  get unsettled(): number {
    return this.#unsettled
  }

  /** Of those, the ones that core has and has not settled. Walks the list: for rare events. */
  get unsettledAtCore(): number {
    let count = 0
    for (let delivery = this.#head; delivery !== undefined; delivery = delivery.next) if (delivery.handed && delivery.state !== 'marked') count++
    return count
  }

  /** Opens the channel; consumes with a window of `prefetch` messages (1 to 65,535) unless that is 0. Throws `BrokerError`. */
  async start(prefetch: number): Promise<void> {
    this.#channel = await this.#connection.openChannel((error) => this.#onClosed(error))
    if (this.#state === 'closed') throw amqpError('ERR_UNAVAILABLE', `Consuming ${this.id}: the channel was closed.`)
    this.#state = 'open'
    try {
      if (prefetch > 0) await this.consume(prefetch)
    } catch (error) {
      await this.close()
      throw toBrokerError(error, `Consuming ${this.id}`)
    }
  }

  /** Begins to consume, with a window of its own for what it will receive. Throws the client library's error. */
  async consume(prefetch: number): Promise<void> {
    if (this.#channel === undefined || this.#consumerTag !== undefined) return
    this.#prefetch = prefetch
    await this.#bounded(this.#channel.prefetch(prefetch))
    const { consumerTag } = await this.#bounded(this.#channel.consume(this.id, this.#onMessage))
    this.#consumerTag = consumerTag
  }

  /** No new deliveries; what is unsettled stays ours. Only where order does not matter: with a single active consumer the next one would overtake. */
  async cancel(): Promise<void> {
    const tag = this.#consumerTag
    if (this.#channel === undefined || tag === undefined) return
    this.#consumerTag = undefined
    await this.#bounded(this.#channel.cancel(tag))
  }

  /** From now on nothing is handed on; what arrives goes back to the broker with the channel. */
  drop(): void {
    this.#dropping = true
  }

  /** Acks it, together with others: at once when they are an eighth of the window (see `flushShareBehind`), else within five milliseconds. False if it is too late. */
  mark(delivery: AmqpDelivery): boolean {
    if (this.#state !== 'open' || (delivery.state !== 'open' && delivery.state !== 'copying')) return false
    delivery.state = 'marked'
    this.#marked.push(delivery)
    const share = this.#head?.state === 'marked' ? flushShare : flushShareBehind
    if (this.#marked.length >= this.#prefetch * share) return this.#flush()
    if (this.#flushTimer === undefined) {
      const { clock } = this.#options
      this.#flushTimer = clock.timer(clock.monotonic() + flushMs, this.#onFlushTimer)
    }
    return true
  }

  /** Gives one back, not in order. False if it is too late. */
  requeue(delivery: AmqpDelivery): boolean {
    return this.#nack(delivery, true)
  }

  /** Has the broker move one to the queue's dead-letter place. False if it is too late. */
  reject(delivery: AmqpDelivery): boolean {
    return this.#nack(delivery, false)
  }

  /** Closes the channel: everything unsettled returns to its old place in the queue. Bounded; never throws. */
  async close(): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#flush()
    this.#state = 'closing'
    this.#dropping = true
    this.#forgetAll()
    if (this.#channel !== undefined) await this.#connection.closeChannel(this.#channel)
    this.#state = 'closed'
  }

  #nack(delivery: AmqpDelivery, requeue: boolean): boolean {
    if (this.#state !== 'open' || delivery.state !== 'open') return false
    try {
      this.#channel?.nack(delivery.native, false, requeue)
    } catch {
      return false
    }
    this.#unlink(delivery)
    return true
  }

  readonly #onMessage = (message: ConsumeMessage | null): void => {
    if (message === null) {
      this.#consumerTag = undefined
      this.#lose(amqpError('ERR_NOT_FOUND', `Consuming ${this.id}: the broker cancelled the consumer; the queue was deleted or is moving.`))
      return
    }
    const delivery = new AmqpDelivery(this, message, this.#options)
    this.#active = true
    this.#link(delivery)
    if (!this.#dropping) this.#options.onDelivery(delivery)
  }

  #onClosed(error: Error | undefined): void {
    if (this.#state === 'opening' || this.#state === 'closing') {
      this.#state = 'closed'
      return
    }
    const cause = error ?? new Error('the channel was closed')
    this.#lose(toBrokerError(cause, `Consuming ${this.id}`))
  }

  #lose(error: BrokerError): void {
    if (this.#state !== 'open') return
    const channel = this.#channel
    this.#state = 'closed'
    this.#dropping = true
    this.#forgetAll()
    if (channel !== undefined) void this.#connection.closeChannel(channel)
    this.#options.onLost(this, error)
  }

  readonly #onFlushTimer = (): void => {
    this.#flushTimer = undefined
    this.#flush()
  }

  /** Acks what was marked with as few frames as possible. False if the channel turned out to be dead. */
  #flush(): boolean {
    const marked = this.#marked
    if (marked.length === 0) return true
    this.#marked = []
    try {
      this.#ackPrefix()
      for (const delivery of marked) if (delivery.state === 'marked') this.#ack(delivery, false)
      this.#connection.gather()
      return true
    } catch {
      return false
    }
  }

  /** One frame for everything settled at the head of the list: its last tag is still known to the broker, and so is each before it that is not acked yet. */
  #ackPrefix(): void {
    let last: AmqpDelivery | undefined
    let count = 0
    for (let delivery = this.#head; delivery?.state === 'marked'; delivery = delivery.next) {
      last = delivery
      count++
    }
    if (last === undefined) return
    this.#channel?.ack(last.native, count > 1)
    while (count-- > 0 && this.#head !== undefined) this.#unlink(this.#head)
  }

  #ack(delivery: AmqpDelivery, allUpTo: boolean): void {
    this.#channel?.ack(delivery.native, allUpTo)
    this.#unlink(delivery)
  }

  #link(delivery: AmqpDelivery): void {
    this.#unsettled++
    delivery.previous = this.#tail
    if (this.#tail === undefined) this.#head = delivery
    else this.#tail.next = delivery
    this.#tail = delivery
  }

  #unlink(delivery: AmqpDelivery): void {
    const { previous, next } = delivery
    this.#unsettled--
    delivery.state = 'settled'
    delivery.previous = undefined
    delivery.next = undefined
    if (previous === undefined) this.#head = next
    else previous.next = next
    if (next === undefined) this.#tail = previous
    else next.previous = previous
    this.#options.onEnded(delivery)
  }

  #forgetAll(): void {
    this.#flushTimer?.cancel()
    this.#flushTimer = undefined
    while (this.#head !== undefined) this.#unlink(this.#head)
    this.#marked = []
  }

  #bounded<T>(work: Promise<T>): Promise<T> {
    const { timeoutMs, clock } = this.#options
    return within(work, timeoutMs, clock, () => amqpError('ERR_UNAVAILABLE', `Consuming ${this.id}: no answer within ${timeoutMs} ms`))
  }
}
