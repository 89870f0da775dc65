import { within, type Clock, type Services } from '@busbar/core/driver'
import { connect, credentials, type Channel, type ChannelModel, type ConfirmChannel, type Options, type SocketOptions } from 'amqplib'
import type { Address } from './address.ts'
import { Cork } from './cork.ts'
import { amqpError, toBrokerError } from './errors.ts'
import { useOwnFrames } from './frames/own-frames.ts'
import { metered } from './metering.ts'
import type { ResolvedOptions } from './options.ts'

/** What a connection tells its owner. Called at most once each, `onBlocked` any number of times. */
export interface ConnectionEvents {
  onLost(error: Error | undefined): void
  onBlocked(blocked: boolean): void
}

/** One open connection: amqplib's, with a deadline on everything and a socket that is really destroyed in the end. */
export class Connection {
  readonly model: ChannelModel
  readonly label: string
  /** Of the broker, such as `4.0.5`. */
  readonly version: string
  readonly #cork: Cork
  readonly #ownFrames: boolean
  readonly #clock: Clock
  readonly #meter: Services['meter']
  readonly #timeoutMs: number
  readonly #socket: AbortController
  #blocked = false
  #lost = false

  /** Throws `BrokerError`, or the reason of `signal` when that fires. */
  static async open(address: Address, purpose: string, options: ResolvedOptions, services: Services, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted()
    const socket = new AbortController()
    const abort = (): void => socket.abort()
    signal.addEventListener('abort', abort, { once: true })
    const doing = `Connecting to ${address.label}`
    try {
      const opening = connect(connectOptions(address, options), socketOptions(address, purpose, options, socket.signal))
      const model = await within(opening, options.timeoutMs, services.clock, () => {
        socket.abort()
        return amqpError('ERR_UNAVAILABLE', `${doing}: no answer within ${options.timeoutMs} ms`)
      })
      return new Connection(model, address, options, services, socket)
    } catch (error) {
      socket.abort()
      signal.throwIfAborted()
      throw toBrokerError(error, doing)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  private constructor(model: ChannelModel, address: Address, options: ResolvedOptions, services: Services, socket: AbortController) {
    this.model = model
    this.label = address.label
    this.version = model.connection.serverProperties.version
    this.#cork = new Cork(model)
    this.#ownFrames = useOwnFrames(model, () => this.#cork.gather())
    if (!this.#ownFrames) services.log('info', 'frames:foreign', { connection: address.label })
    this.#clock = services.clock
    this.#meter = services.meter
    this.#timeoutMs = options.timeoutMs
    this.#socket = socket
  }

  /** Of the broker's version. */
  get major(): number {
    return Number.parseInt(this.version, 10)
  }

  get blocked(): boolean {
    return this.#blocked
  }

  get lost(): boolean {
    return this.#lost
  }

  /** Called by the owner right after `open`, before any event can come. */
  listen(events: ConnectionEvents): void {
    let last: Error | undefined
    const lost = (error: Error | undefined): void => {
      if (this.#lost) return
      this.#lost = true
      events.onLost(error)
    }
    this.model.on('error', (error) => (last = error))
    this.model.on('close', (error) => {
      // After a heartbeat time-out the socket is closed by half only, and would keep the process alive.
      this.#socket.abort()
      lost(error ?? last)
    })
    this.model.on('blocked', () => {
      this.#blocked = true
      events.onBlocked(true)
    })
    this.model.on('unblocked', () => {
      this.#blocked = false
      events.onBlocked(false)
    })
  }

  /** To be called after frames were written in this turn: they leave in one piece. */
  gather(): void {
    this.#cork.gather()
  }

  /** The same after messages were published: our own frames are gathered as they are written. */
  gatherPublished(): void {
    if (!this.#ownFrames) this.#cork.gather()
  }

  /** A channel with listeners attached. `onClose` is called once, with the broker's reason if it gave one. Throws `BrokerError`. */
  openChannel(onClose: (error: Error | undefined) => void): Promise<Channel> {
    return this.#openChannel(this.model.createChannel(), onClose)
  }

  openConfirmChannel(onClose: (error: Error | undefined) => void): Promise<ConfirmChannel> {
    return this.#openChannel(this.model.createConfirmChannel(), onClose)
  }

  /** Closes a channel; does not wait longer than the deadline and never throws. */
  async closeChannel(channel: Channel): Promise<void> {
    if (this.#lost) return
    await this.#bounded(() => channel.close(), `Closing a channel to ${this.label}`)
  }

  /** Closes in the orderly way within the deadline, then destroys the socket. Never throws. */
  async close(): Promise<void> {
    if (!this.#lost) await this.#bounded(() => this.model.close(), `Closing the connection to ${this.label}`)
    this.kill()
  }

  /** Ends it at once; the owner is told as of any other loss. */
  kill(): void {
    this.#socket.abort()
  }

  async #openChannel<C extends Channel>(opening: Promise<C>, onClose: (error: Error | undefined) => void): Promise<C> {
    const doing = `Opening a channel to ${this.label}`
    this.#meter('channel.open', 1)
    try {
      const channel = await within(opening, this.#timeoutMs, this.#clock, () => {
        // A blocked connection does not answer and is not dead.
        if (!this.#blocked) this.kill()
        return amqpError('ERR_UNAVAILABLE', `${doing}: no answer within ${this.#timeoutMs} ms`)
      })
      let last: Error | undefined
      channel.on('error', (error) => (last = error))
      channel.once('close', () => onClose(last))
      return metered(channel, this.#meter)
    } catch (error) {
      throw toBrokerError(error, doing)
    }
  }

  async #bounded(close: () => Promise<void>, doing: string): Promise<void> {
    try {
      await within(close(), this.#timeoutMs, this.#clock, () => {
        // A blocked connection does not answer and is not dead: what others have handed over is in it.
        if (!this.#blocked) this.kill()
        return amqpError('ERR_TIMEOUT', `${doing}: no answer within ${this.#timeoutMs} ms`)
      })
    } catch {
      // Closed already, or past its deadline: either way it is gone.
    }
  }
}

/** Bytes that amqplib hands to the socket before it waits: less would split a gathered turn. */
const writableHighWaterMark = 1_048_576

function connectOptions(address: Address, options: ResolvedOptions): Options.Connect {
  return {
    protocol: address.secure ? 'amqps' : 'amqp',
    hostname: address.host,
    port: address.port,
    username: address.username,
    password: address.password,
    // amqplib decodes it.
    vhost: encodeURIComponent(address.vhost),
    heartbeat: options.heartbeatMs / 1_000,
  }
}

function socketOptions(address: Address, purpose: string, options: ResolvedOptions, signal: AbortSignal): SocketOptions {
  const { tls } = options
  const certificates = address.secure ? { ...tls, minVersion: 'TLSv1.2' as const } : {}
  return {
    ...(certificates as SocketOptions),
    // Passed on to net.connect or tls.connect: the public way to destroy a socket that amqplib keeps to itself.
    ...({ signal, writableHighWaterMark } as object),
    ...(options.authentication === 'external' && { credentials: credentials.external() }),
    timeout: options.timeoutMs,
    // Otherwise every second small frame waits for the other side's delayed acknowledgement: 40 ms.
    noDelay: true,
    clientProperties: { connection_name: `${options.connectionName} ${purpose}` },
  }
}
