import { pauseFor, within, type BrokerError, type Services } from '@busbar/core/driver'
import type { Channel } from 'amqplib'
import type { Connection } from './connection.ts'
import { amqpError, isNotFound, isOutOfReach, replyCodeOf, toBrokerError } from './errors.ts'

/** Where the connection of the moment comes from, and why there is none. */
export interface ConnectionSource {
  readonly connection: Connection | undefined
  readonly reason: BrokerError
}

/** Before each further try where a queue is out of reach: what takes longer is no declaration under way. */
const pausesMs: readonly number[] = [10, 40, 160]

/** Asks and declares on a channel that the broker may close at every refusal; then the next question opens another. One at a time. */
export class Admin {
  readonly #source: ConnectionSource
  readonly #services: Services
  readonly #timeoutMs: number
  #channel: Channel | undefined
  #connection: Connection | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(source: ConnectionSource, services: Services, timeoutMs: number) {
    this.#source = source
    this.#services = services
    this.#timeoutMs = timeoutMs
  }

  /** Throws `BrokerError`, or the reason of `signal`. The cause keeps the broker's words. */
  ask<T>(doing: string, question: (channel: Channel) => Promise<T>, signal: AbortSignal): Promise<T> {
    // A refusal closes the channel under every other question on it.
    const answer = this.#turn.then(() => this.#askUntilReached(doing, question, signal))
    this.#turn = answer.catch(() => undefined)
    return answer
  }

  /** As {@link ask}, with `undefined` where the broker says that it does not exist. */
  async find<T>(doing: string, question: (channel: Channel) => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    try {
      return await this.ask(doing, question, signal)
    } catch (error) {
      // A vhost that does not exist is another matter.
      if (isNotFound(error) && replyCodeOf((error as Error).cause) === 404) return undefined
      throw error
    }
  }

  async close(): Promise<void> {
    const channel = this.#channel
    this.#channel = undefined
    if (channel !== undefined) await this.#connection?.closeChannel(channel)
  }

  /** While another client declares a queue, the broker may say that it is down: some 1 in 50,000 declarations at the same time, on RabbitMQ 4.0. */
  async #askUntilReached<T>(doing: string, question: (channel: Channel) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (const pauseMs of pausesMs) {
      try {
        return await this.#ask(doing, question, signal)
      } catch (error) {
        if (!isOutOfReach((error as Error).message)) throw error
        await pauseFor(pauseMs, this.#services.clock, signal)
      }
    }
    return await this.#ask(doing, question, signal)
  }

  async #ask<T>(doing: string, question: (channel: Channel) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const late = (): Error => amqpError('ERR_UNAVAILABLE', `${doing}: no answer within ${this.#timeoutMs} ms`)
    try {
      this.#channel ??= await this.#open()
      return await within(question(this.#channel), this.#timeoutMs, this.#services.clock, late)
    } catch (error) {
      throw toBrokerError(error, doing)
    }
  }

  async #open(): Promise<Channel> {
    const { connection } = this.#source
    if (connection === undefined) throw this.#source.reason
    this.#connection = connection
    const channel: Channel = await connection.openChannel(() => {
      if (this.#channel === channel) this.#channel = undefined
    })
    return channel
  }
}
