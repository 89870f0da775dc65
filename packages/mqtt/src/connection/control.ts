import { dialAgain, type BrokerError, type LinkHealth, type Services, within } from '@busbar/core/driver'
import { mqttError, toBrokerError } from '../errors.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Connection } from './connection.ts'
import type { Dialer } from './dialer.ts'

/** Told about every change of the control connection. Methods must not throw. */
export interface ControlListener {
  /** A new connection is there, with all its subscriptions; nothing of the old one lives. */
  onConnected?(connection: Connection): void
  onLost?(error: BrokerError): void
  /** No further attempt will be made: the broker refuses us, or it was closed. */
  onEnded?(error: BrokerError): void
}

type Handler = (packet: ReceivedPacket) => void
type State = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'failed' | 'closed'

/** The connection of a link that sends, and receives what is for this process alone: notes, replies, answers to probes. Its session ends with it. */
export class Control {
  readonly instance: string
  readonly #options: ResolvedOptions
  readonly #services: Services
  readonly #dialer: Dialer
  readonly #listeners: Set<ControlListener> = new Set()
  readonly #closing: AbortController = new AbortController()
  /** By topic, or by topic with a wildcard for its last level. */
  readonly #handlers: Map<string, Set<Handler>> = new Map()
  /** Subscribed to, on every connection. */
  readonly #filters: Set<string> = new Set()
  #state: State = 'idle'
  /** Who waits for an echo, by its text. */
  readonly #echoes: Map<string, () => void> = new Map()
  #echoing: Promise<unknown> | undefined
  #sent = 0
  #connection: Connection | undefined
  #lastError: BrokerError | undefined

  /** `instance` tells this link from all others. */
  constructor(instance: string, options: ResolvedOptions, services: Services, dialer: Dialer) {
    this.instance = instance
    this.#options = options
    this.#services = services
    this.#dialer = dialer
  }

  /** The open connection, if there is one. */
  get connection(): Connection | undefined {
    return this.#connection
  }

  get health(): LinkHealth {
    if (this.#state === 'connected') return { state: 'connected' }
    const state = this.ended ? 'closed' : 'reconnecting'
    return this.#lastError === undefined ? { state } : { state, error: this.#lastError }
  }

  /** There is no connection, and no further attempt will be made. */
  get ended(): boolean {
    return this.#state === 'failed' || this.#state === 'closed'
  }

  /** Why there is no connection now. */
  get reason(): BrokerError {
    if (this.#state === 'closed') return mqttError('ERR_CLOSED', 'The link to the broker has been closed.')
    return this.#lastError ?? mqttError('ERR_UNAVAILABLE', 'The connection to the broker is not open.')
  }

  listen(listener: ControlListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Throws the last error; afterwards it may be called again. */
  async connect(signal: AbortSignal): Promise<void> {
    if (this.#state !== 'idle') throw this.reason
    this.#state = 'connecting'
    try {
      this.#adopt(await this.#dial(signal))
    } catch (error) {
      if (this.#state === 'connecting') this.#state = 'idle'
      throw error
    }
  }

  /** Receives from a topic, or from all topics one level below (`…/+`), again after every reconnect. Returns what ends it. Throws `BrokerError`. */
  subscribe(filter: string, handler: Handler): Promise<() => Promise<void>> {
    return this.subscribeAs(filter, filter, handler)
  }

  /** The same where messages come with another topic than `filter` says: `matched`, which may end in a wildcard. */
  async subscribeAs(filter: string, matched: string, handler: Handler): Promise<() => Promise<void>> {
    if (this.#connection === undefined) throw this.reason
    const handlers = this.#handlers.get(matched) ?? new Set()
    this.#handlers.set(matched, handlers.add(handler))
    this.#filters.add(filter)
    const leave = async (): Promise<void> => {
      handlers.delete(handler)
      if (handlers.size > 0 || this.#handlers.get(matched) !== handlers) return
      this.#handlers.delete(matched)
      this.#filters.delete(filter)
      // A subscription that is left over ends with the connection.
      await this.#connection
        ?.unsubscribe(filter)
        .catch((error: unknown) => this.#services.log('debug', 'control:unsubscribe', { filter, error: String(error) }))
    }
    try {
      await this.#connection.subscribe(filter, 1)
      return leave
    } catch (error) {
      await leave()
      throw error
    }
  }

  /** Sends a message to ourselves, and waits for it: what the broker had sent us before has come by then. Throws `BrokerError`. */
  async roundTrip(): Promise<void> {
    const { timeoutMs, notesTopic } = this.#options
    const topic = `${notesTopic}/echoes/${this.instance}`
    const doing = `Waiting for the echo on ${topic}`
    const text = String(++this.#sent)
    const echo = Promise.withResolvers<void>()
    this.#echoes.set(text, echo.resolve)
    try {
      // For good: some brokers take a subscription that follows the end of another one before that.
      this.#echoing ??= this.subscribe(topic, ({ payload }) => this.#echoes.get(payload.toString())?.()).catch((error: unknown) => {
        this.#echoing = undefined
        throw error
      })
      await this.#echoing
      if (this.#connection === undefined) throw this.reason
      this.#connection.publish({ topic, payload: text, qos: 1, retain: false }, (error) => error && echo.reject(toBrokerError(error, doing)))
      await within(echo.promise, timeoutMs, this.#services.clock, () => mqttError('ERR_UNAVAILABLE', `${doing}: none within ${timeoutMs} ms`))
    } finally {
      this.#echoes.delete(text)
    }
  }

  /** The connection, as soon as there is one; `undefined` once there will be none, or when `signal` fires. */
  whenConnected(signal: AbortSignal): Promise<Connection | undefined> {
    if (signal.aborted || this.ended) return Promise.resolve(undefined)
    if (this.#connection !== undefined) return Promise.resolve(this.#connection)
    return new Promise((resolve) => {
      const done = (connection: Connection | undefined): void => {
        unlisten()
        signal.removeEventListener('abort', none)
        resolve(connection)
      }
      const none = (): void => done(undefined)
      const unlisten = this.listen({ onConnected: done, onEnded: none })
      signal.addEventListener('abort', none, { once: true })
    })
  }

  /** In the orderly way if the broker answers in time. Idempotent; never throws. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#closing.abort()
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close()
    this.#tell((listener) => listener.onEnded?.(this.reason))
  }

  #dial(signal: AbortSignal): Promise<Connection> {
    const { clientId } = this.#options
    return this.#dialer.dial({ clientId: `${clientId}-link-${this.instance}`, persistent: false, onMessage: (_, packet) => this.#onMessage(packet) }, signal)
  }

  #onMessage(packet: ReceivedPacket): boolean {
    const { topic } = packet
    for (const filter of [topic, `${topic.slice(0, topic.lastIndexOf('/'))}/+`]) for (const handler of this.#handlers.get(filter) ?? []) handler(packet)
    return false
  }

  #adopt(connection: Connection): void {
    if (this.#state === 'closed') {
      void connection.close()
      throw this.reason
    }
    this.#connection = connection
    this.#state = 'connected'
    this.#lastError = undefined
    this.#services.log('info', 'connection:open', { address: connection.label })
    connection.listen({ onLost: (error) => this.#onLost(connection, error) })
    if (this.#connection === connection) this.#tell((listener) => listener.onConnected?.(connection))
  }

  #onLost(connection: Connection, cause: Error): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    // Whatever ended it, the next one may live.
    const error = mqttError('ERR_UNAVAILABLE', `The connection to ${connection.label} was lost: ${cause.message}`, { cause })
    this.#lastError = error
    this.#state = 'reconnecting'
    this.#services.log('warn', 'connection:lost', { address: connection.label, error: error.message })
    this.#tell((listener) => listener.onLost?.(error))
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#closing
    try {
      const connection = await dialAgain(
        {
          dial: () => this.#dial(signal),
          prepare: async (dialed) => void (await Promise.all([...this.#filters].map((filter) => dialed.subscribe(filter, 1)))),
          toError: (error) => toBrokerError(error, 'Reconnecting'),
          onFailure: (error, round) => this.#onFailure(error, round),
          longestPauseMs: this.#options.reconnectMaxMs,
        },
        this.#services,
        signal,
      )
      if (connection !== undefined) this.#adopt(connection)
    } catch (error) {
      if (!signal.aborted) this.#fail(error as BrokerError)
    }
  }

  #onFailure(error: BrokerError, round: number): void {
    this.#lastError = error
    this.#services.log('warn', 'connection:retry', { round, error: error.message })
  }

  #fail(error: BrokerError): void {
    this.#state = 'failed'
    this.#services.log('error', 'connection:failed', { error: error.message })
    this.#tell((listener) => listener.onEnded?.(error))
  }

  #tell(event: (listener: ControlListener) => void): void {
    for (const listener of [...this.#listeners]) event(listener)
  }
}
