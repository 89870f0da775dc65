import { dialAgain, type BrokerError, type LinkHealth, type Services } from '@busbar/core/driver'
import { Connection } from './connection.ts'
import { amqpError, toBrokerError } from './errors.ts'
import type { ResolvedOptions } from './options.ts'

/** Told about every change of one managed connection. Methods must not throw. */
export interface ConnectionListener {
  /** A new connection is there; nothing of the old one lives. */
  onConnected?(connection: Connection): void
  onLost?(error: BrokerError): void
  onBlocked?(blocked: boolean): void
  /** No further attempt will be made: the broker refuses us. */
  onFailed?(error: BrokerError): void
  /** It was closed by its owner. */
  onClosed?(): void
}

type State = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'failed' | 'closed'

/** Keeps one connection open for one purpose: tries the addresses in turn with jittered back-off, and tells its listeners. */
export class ConnectionManager {
  readonly purpose: string
  readonly #options: ResolvedOptions
  readonly #services: Services
  readonly #onReconnected: (connection: Connection) => Promise<void>
  readonly #listeners: Set<ConnectionListener> = new Set()
  readonly #closing: AbortController = new AbortController()
  #state: State = 'idle'
  #connection: Connection | undefined
  #lastError: BrokerError | undefined
  #nextAddress = 0

  /** `onReconnected` is waited for after a reconnect before anybody is told; if it throws, the connection is given up. */
  constructor(
    purpose: string,
    options: ResolvedOptions,
    services: Services,
    onReconnected: (connection: Connection) => Promise<void> = () => Promise.resolve(),
  ) {
    this.purpose = purpose
    this.#options = options
    this.#services = services
    this.#onReconnected = onReconnected
  }

  /** The open connection, if there is one. */
  get connection(): Connection | undefined {
    return this.#connection
  }

  get blocked(): boolean {
    return this.#connection?.blocked ?? false
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  /** There will be no connection any more: the broker refuses us. */
  get failed(): boolean {
    return this.#state === 'failed'
  }

  get health(): LinkHealth {
    if (this.#state === 'connected') return { state: 'connected' }
    const state = this.#state === 'closed' || this.#state === 'failed' ? 'closed' : 'reconnecting'
    return this.#lastError === undefined ? { state } : { state, error: this.#lastError }
  }

  /** Why there is no connection now. */
  get reason(): BrokerError {
    if (this.#state === 'closed') return amqpError('ERR_CLOSED', 'The link to the broker has been closed.')
    return this.#lastError ?? amqpError('ERR_UNAVAILABLE', `The ${this.purpose} connection is not open.`)
  }

  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** One attempt per address; the first that answers wins. Throws the last error; afterwards it may be called again. */
  async connect(signal: AbortSignal): Promise<void> {
    if (this.#state !== 'idle') throw this.reason
    this.#state = 'connecting'
    try {
      this.#adopt(this.#watch(await this.#tryAll(signal)))
    } catch (error) {
      if (this.#state === 'connecting') this.#state = 'idle'
      throw error
    }
  }

  /** The connection, as soon as there is one; `undefined` once there will be none, or when `signal` fires. */
  whenConnected(signal: AbortSignal): Promise<Connection | undefined> {
    if (signal.aborted || this.#state === 'failed' || this.#state === 'closed') return Promise.resolve(undefined)
    if (this.#connection !== undefined) return Promise.resolve(this.#connection)
    return new Promise((resolve) => {
      const done = (connection: Connection | undefined): void => {
        unlisten()
        signal.removeEventListener('abort', none)
        resolve(connection)
      }
      const none = (): void => done(undefined)
      const unlisten = this.listen({ onConnected: done, onFailed: none, onClosed: none })
      signal.addEventListener('abort', none, { once: true })
    })
  }

  /** Ends it, in the orderly way if the broker answers in time. Idempotent; never throws. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#closing.abort()
    await this.#connection?.close()
    this.#tell((listener) => listener.onClosed?.())
  }

  async #tryAll(signal: AbortSignal): Promise<Connection> {
    const { addresses } = this.#options
    let last: unknown
    for (let tried = 0; tried < addresses.length; tried++) {
      try {
        return await this.#tryNext(signal)
      } catch (error) {
        signal.throwIfAborted()
        last = error
      }
    }
    throw last
  }

  async #tryNext(signal: AbortSignal): Promise<Connection> {
    const { addresses } = this.#options
    const address = addresses[this.#nextAddress % addresses.length]
    if (address === undefined) throw amqpError('ERR_CONFIGURATION', 'There is no address to connect to.')
    this.#services.meter('connection.open', 1)
    try {
      return await Connection.open(address, this.purpose, this.#options, this.#services, signal)
    } catch (error) {
      this.#nextAddress++
      throw error
    }
  }

  #watch(connection: Connection): Connection {
    connection.listen({
      onLost: (error) => this.#onLost(connection, error),
      onBlocked: (blocked) => {
        if (this.#connection !== connection) return
        this.#services.log(blocked ? 'warn' : 'info', blocked ? 'connection:blocked' : 'connection:unblocked', {
          address: connection.label,
          purpose: this.purpose,
        })
        this.#tell((listener) => listener.onBlocked?.(blocked))
      },
    })
    return connection
  }

  #adopt(connection: Connection): void {
    if (this.#state === 'closed') {
      void connection.close()
      throw this.reason
    }
    this.#connection = connection
    this.#state = 'connected'
    this.#lastError = undefined
    this.#services.log('info', 'connection:open', { address: connection.label, purpose: this.purpose, version: connection.version })
    this.#tell((listener) => listener.onConnected?.(connection))
  }

  #onLost(connection: Connection, cause: Error | undefined): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    if (this.#state === 'closed') return this.#tell((listener) => listener.onLost?.(this.reason))
    const mapped = toBrokerError(cause ?? new Error('the broker closed the connection'), `The connection to ${connection.label} was lost`)
    // Whatever ended it, the next one may live.
    const error = amqpError('ERR_UNAVAILABLE', mapped.message, { cause })
    this.#lastError = error
    this.#state = 'reconnecting'
    this.#services.log('warn', 'connection:lost', { address: connection.label, purpose: this.purpose, error: error.message })
    this.#tell((listener) => listener.onLost?.(error))
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#closing
    try {
      const connection = await dialAgain(
        {
          dial: async () => this.#watch(await this.#tryAll(signal)),
          prepare: (dialed) => this.#prepare(dialed),
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

  async #prepare(connection: Connection): Promise<void> {
    await this.#onReconnected(connection)
    if (connection.lost) throw amqpError('ERR_UNAVAILABLE', `The connection to ${connection.label} was lost again.`)
  }

  #onFailure(error: BrokerError, round: number): void {
    this.#lastError = error
    this.#services.log('warn', 'connection:retry', { purpose: this.purpose, round, error: error.message })
  }

  #fail(error: BrokerError): void {
    this.#state = 'failed'
    this.#services.log('error', 'connection:failed', { purpose: this.purpose, error: error.message })
    this.#tell((listener) => listener.onFailed?.(error))
  }

  #tell(event: (listener: ConnectionListener) => void): void {
    for (const listener of [...this.#listeners]) event(listener)
  }
}
