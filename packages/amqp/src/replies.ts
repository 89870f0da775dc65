import { pauseFor, within, type Incoming, type Outgoing, type Replies, type SendResult, type Services } from '@busbar/core/driver'
import type { Channel, ConfirmChannel } from 'amqplib'
import type { ConnectionManager } from './connection-manager.ts'
import { amqpError, toBrokerError } from './errors.ts'
import { contentOf, incomingOf, isShort, publishOptions } from './message-mapping.ts'
import type { Publisher } from './publisher.ts'
import { checkMessage } from './sender.ts'

const retryMs = 250

/** An exclusive queue of this process for replies. Its name stays the same over reconnects; replies that arrive in between are lost, as their requests time out. */
export class AmqpReplies implements Replies {
  readonly #manager: ConnectionManager
  readonly #services: Services
  readonly #publisher: Publisher
  readonly #timeoutMs: number
  readonly #closing: AbortController = new AbortController()
  #address = ''
  #channel: Channel | undefined
  #deliver: (reply: Incoming) => void = () => undefined
  #unlisten: () => void = () => undefined

  constructor(manager: ConnectionManager, services: Services, publisher: Publisher, timeoutMs: number) {
    this.#manager = manager
    this.#services = services
    this.#publisher = publisher
    this.#timeoutMs = timeoutMs
  }

  async open(deliver: (reply: Incoming) => void): Promise<string> {
    const { random } = this.#services
    const part = (): string =>
      Math.floor(random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0')
    this.#address = `busbar.reply.${part()}${part()}${part()}`
    this.#deliver = deliver
    await this.#subscribe()
    this.#unlisten = this.#manager.listen({ onConnected: () => void this.#restore() })
    return this.#address
  }

  async send(address: string, reply: Outgoing): Promise<SendResult> {
    if (address === '' || !isShort(address)) return { ok: false, error: amqpError('ERR_INVALID', 'A reply address has 1 to 255 bytes.'), stored: 'no' }
    const publication = {
      size: 1,
      refusal: 'unknown' as const,
      idOf: () => reply.id,
      bytesOf: () => reply.bodyBytes,
      publish: (channel: ConfirmChannel) => {
        checkMessage(reply)
        channel.publish('', address, contentOf(reply.body), { ...publishOptions(reply, true), persistent: false })
      },
    }
    const [result] = await this.#publisher.send(publication, this.#closing.signal)
    return result ?? { ok: false, error: amqpError('ERR_CLOSED', 'The reply was not sent.'), stored: 'no' }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#unlisten()
    const channel = this.#channel
    this.#channel = undefined
    if (channel !== undefined) await this.#manager.connection?.closeChannel(channel)
  }

  async #subscribe(): Promise<void> {
    const { connection } = this.#manager
    const doing = `Opening the reply queue ${this.#address}`
    if (connection === undefined) throw this.#manager.reason
    const channel: Channel = await connection.openChannel(() => {
      if (this.#channel !== channel) return
      this.#channel = undefined
      void this.#restore()
    })
    const late = (): Error => amqpError('ERR_UNAVAILABLE', `${doing}: no answer within ${this.#timeoutMs} ms`)
    try {
      await within(this.#consume(channel), this.#timeoutMs, this.#services.clock, late)
      this.#channel = channel
    } catch (error) {
      await connection.closeChannel(channel)
      throw toBrokerError(error, doing)
    }
  }

  async #consume(channel: Channel): Promise<void> {
    await channel.assertQueue(this.#address, { exclusive: true, durable: false, autoDelete: true, arguments: { 'x-queue-type': 'classic' } })
    await channel.consume(this.#address, (message) => message !== null && this.#deliver(incomingOf(message)), { noAck: true, exclusive: true })
  }

  async #restore(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted && this.#channel === undefined) {
      if ((await this.#manager.whenConnected(signal)) === undefined) return
      try {
        await this.#subscribe()
      } catch (error) {
        // The broker may still hold the queue for the connection that was lost.
        this.#services.log('warn', 'replies:retry', { error: String(error) })
        await pauseFor(retryMs, this.#services.clock, signal)
      }
    }
  }
}
