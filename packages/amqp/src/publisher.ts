import { pauseFor, type BrokerError, type SendResult, type Services } from '@busbar/core/driver'
import type { ConfirmChannel, Message } from 'amqplib'
import { Batch, Confirms, type Publication } from './confirms.ts'
import type { ConnectionManager } from './connection-manager.ts'
import type { Connection } from './connection.ts'
import { amqpError, replyCodeOf, replyTextOf, toBrokerError } from './errors.ts'

interface Waiting {
  readonly publication: Publication
  readonly signal: AbortSignal
  readonly resolve: (results: readonly SendResult[]) => void
}

/** A channel that was closed sooner than this after it was opened is reopened with a wait. */
const shortLifeMs = 1_000
const reopenMs = 200

/** Publishes with confirms on a channel of its own, which it reopens whenever it is lost. */
export class Publisher {
  /** For texts: `queue orders`. */
  readonly #what: string
  readonly #manager: ConnectionManager
  readonly #services: Services
  readonly #onWritable: () => void
  readonly #unlisten: () => void
  readonly #closing: AbortController = new AbortController()
  #channel: ConfirmChannel | undefined
  #confirms: Confirms = new Confirms()
  #opening = false
  /** Calls that came while the channel was being opened, in order. */
  #waiting: Waiting[] = []
  #openedAt = 0

  constructor(what: string, manager: ConnectionManager, services: Services, onWritable: () => void = () => undefined) {
    this.#what = what
    this.#manager = manager
    this.#services = services
    this.#onWritable = onWritable
    this.#unlisten = manager.listen({
      onConnected: () => void this.#open(0),
      onBlocked: (blocked) => {
        if (!blocked && this.#channel === undefined) void this.#open(0)
        else if (this.writable) this.#onWritable()
      },
      onFailed: () => {
        this.#refuseWaiting()
        this.#onWritable()
      },
      onLost: () => this.#refuseWaiting(),
    })
    void this.#open(0)
  }

  /** False while the link is down, the channel is being reopened or the broker blocks publishers. True when the broker refuses us for good: `send` says so, and nobody waits in vain. */
  get writable(): boolean {
    return this.#manager.failed || (this.#channel !== undefined && !this.#manager.blocked)
  }

  /** One result per message in order. Never rejects; settles when the last confirm is in or the channel is lost. */
  send(publication: Publication, signal: AbortSignal): Promise<readonly SendResult[]> {
    if (this.#closing.signal.aborted) return refused(publication.size, amqpError('ERR_CLOSED', `The sender to ${this.#what} has been closed.`))
    if (signal.aborted) return refused(publication.size, this.#notSent())
    if (this.#channel !== undefined && this.#waiting.length === 0) return this.#publish(this.#channel, publication)
    // A channel takes two round trips; an outage is core's to wait for.
    if (!this.#opening || this.#manager.connection === undefined) return refused(publication.size, this.#reason)
    return new Promise((resolve) => {
      const onAbort = (): void => this.#giveUp(waiting)
      const settle = (results: readonly SendResult[]): void => {
        // Signals may live as long as the process, and would keep every message that has waited.
        signal.removeEventListener('abort', onAbort)
        resolve(results)
      }
      const waiting: Waiting = { publication, signal, resolve: settle }
      this.#waiting.push(waiting)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** After the last `send` has settled. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#unlisten()
    this.#refuseWaiting()
    const channel = this.#channel
    this.#channel = undefined
    if (channel !== undefined) await this.#manager.connection?.closeChannel(channel)
  }

  #publish(channel: ConfirmChannel, publication: Publication): Promise<readonly SendResult[]> {
    const { size } = publication
    const batch = new Batch(publication)
    const confirms = this.#confirms
    let failure: BrokerError | undefined
    for (let index = 0; index < size; index++) {
      try {
        if (failure !== undefined) throw failure
        publication.publish(channel, index)
        confirms.add(batch, index)
      } catch (error) {
        const mapped = toBrokerError(error, `Sending to ${this.#what}`)
        // The channel is closing: nothing that follows can be sent on it either.
        if (mapped.code === 'ERR_UNAVAILABLE') failure = mapped
        batch.settle(index, { ok: false, error: mapped, stored: 'no' })
      }
    }
    this.#manager.connection?.gatherPublished()
    this.#services.meter('basic.publish', size)
    return batch.done
  }

  async #open(afterMs: number): Promise<void> {
    const { connection } = this.#manager
    const { signal } = this.#closing
    if (connection === undefined || this.#opening || this.#channel !== undefined || signal.aborted || connection.blocked) return
    this.#opening = true
    if (afterMs > 0) await pauseFor(afterMs, this.#services.clock, signal)
    let failure: unknown
    try {
      if (!connection.lost && !signal.aborted) await this.#openOn(connection)
    } catch (error) {
      failure = error
      this.#services.log('warn', 'channel:failed', { what: this.#what, error: String(error) })
    }
    this.#opening = false
    if (this.#channel !== undefined) return this.#opened(this.#channel)
    this.#refuseWaiting()
    if (!signal.aborted && (failure !== undefined || connection.lost)) void this.#open(reopenMs)
  }

  async #openOn(connection: Connection): Promise<void> {
    const confirms = new Confirms()
    let closed = false
    const channel = await connection.openConfirmChannel((error) => {
      closed = true
      this.#onClosed(channel, confirms, error)
    })
    // In the moment in which it was opened, when nobody yet takes notice.
    if (closed) throw amqpError('ERR_UNAVAILABLE', `Sending to ${this.#what}: the channel was closed.`)
    if (this.#closing.signal.aborted) return await connection.closeChannel(channel)
    channel.on('ack', ({ deliveryTag, multiple }) => confirms.acked(deliveryTag, multiple))
    channel.on('nack', ({ deliveryTag, multiple }) => {
      confirms.nacked(
        deliveryTag,
        multiple,
        amqpError('ERR_UNAVAILABLE', `Sending to ${this.#what}: the broker refused the message; the queue is full or failing.`),
      )
    })
    channel.on('return', (message) => confirms.returned(idOf(message), this.#unroutable(message)))
    this.#confirms = confirms
    this.#channel = channel
    this.#openedAt = this.#services.clock.monotonic()
  }

  #opened(channel: ConfirmChannel): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { publication, signal, resolve } of waiting) {
      if (signal.aborted) void refused(publication.size, this.#notSent()).then(resolve)
      else void this.#publish(channel, publication).then(resolve)
    }
    if (this.writable) this.#onWritable()
  }

  #onClosed(channel: ConfirmChannel, confirms: Confirms, error: Error | undefined): void {
    const replyCode = replyCodeOf(error)
    const text = error === undefined ? 'the channel was closed' : replyTextOf(error)
    const tooLarge = /message size (\d+)/.exec(text)
    const missing = replyCode === 404
    const lost = amqpError(missing ? 'ERR_NOT_FOUND' : 'ERR_UNCONFIRMED', `Sending to ${this.#what}: ${text}`, { cause: error })
    confirms.lost((publication, index) => {
      if (tooLarge !== null && publication.bytesOf(index) === Number(tooLarge[1])) {
        return { ok: false, error: amqpError('ERR_TOO_LARGE', lost.message, { cause: error }), stored: 'no' }
      }
      return { ok: false, error: lost, stored: 'unknown' }
    })
    if (this.#channel !== channel) return
    this.#channel = undefined
    if (this.#closing.signal.aborted || this.#manager.connection === undefined) return
    this.#services.log('warn', 'channel:lost', { what: this.#what, error: text })
    const lived = this.#services.clock.monotonic() - this.#openedAt
    void this.#open(lived < shortLifeMs ? reopenMs : 0)
  }

  #unroutable(message: Message): BrokerError {
    const text = (message.fields as { readonly replyText?: unknown }).replyText
    return amqpError('ERR_UNROUTABLE', `Sending to ${this.#what}: the broker has no queue for the message (${String(text)}).`)
  }

  #giveUp(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    void refused(waiting.publication.size, this.#notSent()).then(waiting.resolve)
  }

  #refuseWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { publication, resolve } of waiting) void refused(publication.size, this.#reason).then(resolve)
  }

  /** Why nothing can be sent now. */
  get #reason(): BrokerError {
    if (this.#manager.blocked) return amqpError('ERR_UNAVAILABLE', `Sending to ${this.#what}: the broker blocks publishers (memory or disk alarm).`)
    if (this.#manager.connection === undefined) return this.#manager.reason
    return amqpError('ERR_UNAVAILABLE', `Sending to ${this.#what}: the channel is not open.`)
  }

  #notSent(): BrokerError {
    return amqpError('ERR_TIMEOUT', `Sending to ${this.#what}: the deadline passed before the message was handed over.`)
  }
}

function refused(size: number, error: BrokerError): Promise<readonly SendResult[]> {
  return Promise.resolve(Array.from({ length: size }, () => ({ ok: false, error, stored: 'no' })))
}

function idOf(message: Message): string | undefined {
  const id: unknown = message.properties.messageId
  return typeof id === 'string' ? id : undefined
}
