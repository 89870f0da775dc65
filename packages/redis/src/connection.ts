import type { BrokerError, Clock } from '@busbar/core/driver'
import type { RedisClient } from './client.ts'
import { Deadline } from './deadline.ts'
import { redisError, toBrokerError, toConnectionError } from './errors.ts'

export interface ConnectionOptions {
  /** Gives the client; asked again if it fails. */
  readonly open: () => RedisClient | Promise<RedisClient>
  /** Is the client ours to close? */
  readonly owned: boolean
  readonly timeoutMs: number
  readonly clock: Clock
}

/** Wait before a call that failed is made again, in milliseconds. */
const againMs = 50
/** Time that must be left for another attempt, in milliseconds. */
const leastMs = 3 * againMs

/** Where one call stands. */
interface Call {
  readonly doing: string
  readonly deadline: Deadline
  /** Does the client have it, so that it may have been carried out? */
  handedOver: boolean
  lastFailure: BrokerError | undefined
}

/**
 * Runs calls on a client, each within a time limit whatever the client's own settings are. While there is no connection the client is given nothing, so that
 * what was given up here does not run later; what it was given is repeated until there is an answer, which all operations of a store allow.
 */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #running = new Set<Promise<unknown>>()
  #client: Promise<RedisClient> | undefined
  /** Why there is no connection, as far as the client has told. */
  #lastError: unknown
  /** Resolves when the state of the client, or of the store, may have changed. */
  #change: Promise<void> | undefined
  #wake: () => void = () => {}
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** `doing` begins the texts of errors: `claim`. Rejects with a `BrokerError`. */
  run<T>(doing: string, act: (client: RedisClient) => Promise<T>): Promise<T> {
    const running = this.#run({ doing, deadline: new Deadline(this.#options.clock, this.#options.timeoutMs), handedOver: false, lastFailure: undefined }, act)
    this.#running.add(running)
    const forget = (): void => void this.#running.delete(running)
    running.then(forget, forget)
    return running
  }

  /** Ends calls that wait for a connection with `ERR_CLOSED`, lets the others finish, and closes the client if it is ours. One that is still being made is waited for no longer than a call. */
  async close(): Promise<void> {
    this.#closed = true
    this.#wake()
    await Promise.allSettled(this.#running)
    if (!this.#options.owned) return
    const deadline = new Deadline(this.#options.clock, this.#options.timeoutMs)
    await Promise.race([this.#disconnect(), deadline.up])
    deadline.cancel()
  }

  async #disconnect(): Promise<void> {
    const client = await this.#client?.catch(() => undefined)
    if (client !== undefined && client.status !== 'end') client.disconnect()
  }

  async #run<T>(call: Call, act: (client: RedisClient) => Promise<T>): Promise<T> {
    const attempts = this.#attempts(call, act)
    // When the time is up nobody waits for it any more.
    attempts.catch(() => {})
    const late = async (): Promise<never> => {
      await call.deadline.up
      throw this.#lateError(call)
    }
    try {
      return await Promise.race([attempts, late()])
    } finally {
      call.deadline.cancel()
    }
  }

  async #attempts<T>(call: Call, act: (client: RedisClient) => Promise<T>): Promise<T> {
    for (;;) {
      const client = await this.#ready(call)
      try {
        call.handedOver = true
        return await act(client)
      } catch (error) {
        const failure = toBrokerError(error, call.doing)
        // An attempt that could not end any more would leave nobody knowing whether it was carried out.
        if (!failure.retryable || call.deadline.leftMs < leastMs) throw failure
        call.handedOver = false
        call.lastFailure = failure
      }
      await call.deadline.pause(againMs)
    }
  }

  /** The client, as soon as it is connected. */
  async #ready(call: Call): Promise<RedisClient> {
    for (;;) {
      if (this.#closed) throw redisError('ERR_CLOSED', `redis: ${call.doing}: the store is closed`)
      if (call.deadline.passed) throw this.#lateError(call)
      const client = await this.#open(call)
      if (client?.status === 'ready') {
        this.#lastError = undefined
        return client
      }
      if (client === undefined) await call.deadline.pause(againMs)
      else if (client.status === 'end') await this.#ended(call, client)
      else {
        if (client.status === 'wait') client.connect().catch(() => {})
        await this.#changed(client)
      }
    }
  }

  /** The client, connected or not; `undefined` if it could not be made. */
  async #open(call: Call): Promise<RedisClient | undefined> {
    const opening = (this.#client ??= (async () => this.#options.open())())
    try {
      return await opening
    } catch (error) {
      if (this.#client === opening) this.#client = undefined
      const failure = toConnectionError(error, 'opening the client')
      if (!failure.retryable) throw failure
      call.lastFailure = failure
      return undefined
    }
  }

  /** A client of ours is replaced; others may have done so already. */
  async #ended(call: Call, client: RedisClient): Promise<void> {
    if (!this.#options.owned) throw redisError('ERR_CLOSED', `redis: ${call.doing}: the client has been closed`)
    const current = this.#client
    if ((await current?.catch(() => undefined)) === client && this.#client === current) this.#client = undefined
    await call.deadline.pause(againMs)
  }

  /** Resolves at the next change. One set of listeners, however many calls wait. */
  #changed(client: RedisClient): Promise<void> {
    return (this.#change ??= new Promise((resolve) => {
      const onError = (error: unknown): void => {
        // Said of the client's own commands on a connection that has ended; why it has was said before.
        if (!String(error).includes("Stream isn't writeable")) this.#lastError = error
      }
      const events = ['ready', 'close', 'reconnecting', 'end']
      this.#wake = () => {
        for (const event of events) client.removeListener(event, this.#wake)
        client.removeListener('error', onError)
        this.#change = undefined
        this.#wake = () => {}
        resolve()
      }
      for (const event of events) client.on(event, this.#wake)
      client.on('error', onError)
    }))
  }

  #lateError({ doing, handedOver, lastFailure }: Call): BrokerError {
    const { timeoutMs } = this.#options
    if (handedOver) return redisError('ERR_TIMEOUT', `redis: ${doing}: no answer within ${timeoutMs} ms`)
    if (this.#lastError !== undefined) return toConnectionError(this.#lastError, `${doing}: no connection within ${timeoutMs} ms`)
    return lastFailure ?? redisError('ERR_UNAVAILABLE', `redis: ${doing}: no connection within ${timeoutMs} ms`)
  }
}
