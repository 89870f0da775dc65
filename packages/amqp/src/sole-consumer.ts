import { within, type Clock } from '@busbar/core/driver'
import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { Connection } from './connection.ts'
import { copyOptions } from './copy-options.ts'
import { amqpError } from './errors.ts'
import { partitionOf } from './hash.ts'
import { incomingOf } from './message-mapping.ts'
import { partitionName } from './names.ts'
import type { ResolvedOptions } from './options.ts'

/** First in line at queues with a single active consumer, for as long as it is open: holds all that comes, and settles nothing but what it has moved. */
export class SoleConsumer {
  readonly #connection: Connection
  readonly #channel: ConfirmChannel
  readonly #held: { readonly queue: string; readonly message: ConsumeMessage }[] = []
  readonly #isClosed: () => boolean

  /** Throws `BrokerError`, or the client library's error. */
  static async open(connection: Connection, queues: readonly string[], { timeoutMs }: ResolvedOptions, clock: Clock): Promise<SoleConsumer> {
    let closed = false
    const channel = await connection.openConfirmChannel(() => (closed = true))
    const consumer = new SoleConsumer(connection, channel, () => closed)
    const late = (): Error => amqpError('ERR_UNAVAILABLE', `Consuming ${queues[0]} and others: no answer within ${timeoutMs} ms`)
    await within(consumer.#consume(queues), timeoutMs, clock, late)
    return consumer
  }

  private constructor(connection: Connection, channel: ConfirmChannel, isClosed: () => boolean) {
    this.#connection = connection
    this.#channel = channel
    this.#isClosed = isClosed
  }

  /** Messages held. */
  get count(): number {
    return this.#held.length
  }

  /**
   * Sends those again whose queue has now another number of partitions, each to the partition of its key, and waits for the confirms. `partitionsFor` is
   * `undefined` for queues that stay. Returns how many.
   */
  async move(partitionsFor: (queue: string) => number | undefined, base: string): Promise<number> {
    let moved = 0
    for (const { queue, message } of this.#held) {
      const partitions = partitionsFor(queue)
      if (partitions === undefined) continue
      const { id = '', key, attempt } = incomingOf(message)
      this.#channel.publish('', partitionName(base, partitionOf(key ?? id, partitions)), message.content, copyOptions(message, attempt, undefined))
      moved++
    }
    await this.#channel.waitForConfirms()
    return moved
  }

  /** Everything held returns to the queues that are still there. Bounded; never throws. */
  async close(): Promise<void> {
    if (!this.#isClosed()) await this.#connection.closeChannel(this.#channel)
  }

  async #consume(queues: readonly string[]): Promise<void> {
    for (const queue of queues) {
      await this.#channel.consume(queue, (message) => {
        if (message !== null) this.#held.push({ queue, message })
      })
    }
  }
}
