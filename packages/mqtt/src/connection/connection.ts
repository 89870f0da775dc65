import { within, type Clock, type Services } from '@busbar/core/driver'
import type { IConnackPacket, MqttClient } from 'mqtt'
import type { Address } from '../address.ts'
import type { BrokerFacts } from '../capabilities.ts'
import { mqttError, reasonCodeOf, refusedBy, toBrokerError } from '../errors.ts'
import type { Publication, ReceivedPacket } from '../message/packet.ts'
import type { ResolvedOptions } from '../options.ts'
import { createClient, type ClientRequest } from './client.ts'
import { factsOf } from './facts.ts'
import { KeepAliveTimer } from './keep-alive-timer.ts'
import { OwnMessages } from './own-messages.ts'
import { ReadHold } from './read-hold.ts'

/** What a connection tells its owner. */
export interface ConnectionEvents {
  /** Called once, when it has ended otherwise than by `close`. */
  onLost(error: Error): void
}

export interface ConnectionRequest extends ClientRequest {
  /**
   * Called synchronously per received message, also before `open` has resolved. True: the message is the receiver's, which acks it, if
   * it is of quality 1, by {@link Connection.acknowledge}. False: the library acks it. Must not throw.
   */
  readonly onMessage: (connection: Connection, packet: ReceivedPacket) => boolean
}

/** The library does not ack what was refused to it, raises no event and reads on: acks are sent by {@link Connection.acknowledge}. */
const notAckedHere = new Error('acked later')
const pubackBytes = 4

/** One network connection: the client library's, with a deadline on everything, without its reconnecting, and a socket that is really destroyed in the end. */
export class Connection {
  readonly client: MqttClient
  readonly label: string
  readonly own: OwnMessages
  readonly #clock: Clock
  readonly #meter: Services['meter']
  readonly #timeoutMs: number
  readonly #reading: ReadHold
  readonly #keepAlive: KeepAliveTimer
  #facts: BrokerFacts | undefined
  #sessionPresent = false
  #state: 'opening' | 'open' | 'closing' | 'lost' = 'opening'
  #error: Error | undefined
  #events: ConnectionEvents | undefined

  /** Throws `BrokerError`, or the reason of `signal` when that fires. */
  static async open(address: Address, request: ConnectionRequest, options: ResolvedOptions, services: Services, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted()
    const doing = `Connecting to ${address.label}`
    const connection = new Connection(address, request, options, services)
    const abort = (): void => connection.kill()
    signal.addEventListener('abort', abort, { once: true })
    try {
      await within(connection.#connected(doing, options), options.timeoutMs, services.clock, () =>
        mqttError('ERR_UNAVAILABLE', `${doing}: no answer within ${options.timeoutMs} ms`),
      )
      return connection
    } catch (error) {
      connection.kill()
      signal.throwIfAborted()
      throw toBrokerError(error, doing)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  private constructor(address: Address, request: ConnectionRequest, options: ResolvedOptions, services: Services) {
    this.#keepAlive = new KeepAliveTimer(services.clock)
    this.client = createClient(address, request, options, this.#keepAlive)
    this.label = address.label
    this.#clock = services.clock
    this.#meter = services.meter
    this.#timeoutMs = options.timeoutMs
    this.own = new OwnMessages(this.client, services.meter)
    this.#reading = new ReadHold(this.client, services.clock)
    // Before it connects: what a session has waiting may come in one piece with the broker's first answer.
    this.client.handleMessage = (packet, done) => {
      const mine = request.onMessage(this, packet)
      this.#reading.pass(() => (mine && packet.qos === 1 ? done(notAckedHere) : done()))
    }
    this.client.on('error', (error) => this.#fail(error))
    this.client.on('disconnect', ({ reasonCode }) => {
      this.#error = refusedBy(reasonCode ?? 0, `The connection to ${address.label} was ended`)
    })
    this.client.on('close', () => this.#closed())
  }

  /** Called by the owner right after `open`. */
  listen(events: ConnectionEvents): void {
    this.#events = events
    if (this.#state === 'lost') events.onLost(this.#reason)
  }

  /** What the broker said of itself. */
  get facts(): BrokerFacts {
    if (this.#facts === undefined) throw this.#reason
    return this.#facts
  }

  /** Whether the broker had kept the session. */
  get sessionPresent(): boolean {
    return this.#sessionPresent
  }

  get open(): boolean {
    return this.#state === 'open'
  }

  /** A message of the driver's own, now and then; `answered` is called once with the broker's answer, but not any more once the connection is lost. */
  publish(publication: Omit<Publication, 'properties'>, answered: (error: unknown) => void): void {
    this.own.publish(publication, answered)
  }

  /** An identifier that no packet of the library's own has at this time. */
  nextPacketId(): number {
    const { messageIdProvider, outgoing } = this.client
    let id = messageIdProvider.allocate() ?? 1
    while (outgoing[id] !== undefined) id = messageIdProvider.allocate() ?? 1
    return id
  }

  /** Writes packets, in one piece. `written` is called once, also when the connection is lost. */
  write(packets: readonly Buffer[], written?: (error: Error | null | undefined) => void): void {
    const { stream } = this.client
    const [first] = packets
    if (packets.length === 1 && first !== undefined) return void stream.write(first, written)
    stream.cork()
    for (const [index, packet] of packets.entries()) stream.write(packet, index === packets.length - 1 ? written : undefined)
    stream.uncork()
  }

  /** With less quality only where the broker says that it has no more. Kept messages come only if the subscription is new. Throws `BrokerError`. */
  async subscribe(filter: string, wanted: 0 | 1): Promise<void> {
    await this.#bounded(this.subscribed(filter, wanted), `Subscribing to ${filter}`)
  }

  /** {@link Connection.subscribe}, however long the answer takes: it comes behind what waits in the session, and reading may be held before it. */
  subscribed(filter: string, wanted: 0 | 1): Promise<void> {
    const doing = `Subscribing to ${filter}`
    const qos = this.facts.maximumQoS === 0 ? 0 : wanted
    this.#meter('subscribe', 1)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.client.subscribe(filter, { qos, rh: 1 }, (error, _subscriptions, packet) => {
      // The library's error has lost the code.
      const [granted = qos] = (packet?.granted ?? []) as readonly number[]
      if (granted >= 0x80) reject(refusedBy(granted, doing, error))
      else if (error) reject(toBrokerError(error, doing))
      else if (granted < qos) reject(mqttError('ERR_UNSUPPORTED', `${doing}: the broker delivers with quality 0 only, which loses messages`))
      else resolve()
    })
    return promise
  }

  async unsubscribe(filter: string): Promise<void> {
    const doing = `Unsubscribing from ${filter}`
    this.#meter('unsubscribe', 1)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.client.unsubscribe(filter, (error) => (error ? reject(toBrokerError(error, doing)) : resolve()))
    await this.#bounded(promise, doing)
  }

  /** Acks received messages, in this order and in one piece. */
  acknowledge(packetIds: readonly number[]): void {
    if (packetIds.length === 0 || this.#state !== 'open') return
    this.#meter('puback', packetIds.length)
    const bytes = Buffer.allocUnsafe(packetIds.length * pubackBytes)
    for (const [index, id] of packetIds.entries()) {
      // The type, the bytes that follow, and the identifier; success needs no reason code.
      bytes.writeUInt16BE(0x40_02, index * pubackBytes)
      bytes.writeUInt16BE(id, index * pubackBytes + 2)
    }
    this.write([bytes])
  }

  /** Reads no further: what the broker sends waits in the network. */
  hold(): void {
    if (this.#state === 'open') this.#reading.hold()
  }

  release(): void {
    this.#reading.release()
  }

  /** Says good-bye, so that the broker sends no will, and ends. Bounded; never throws. */
  async close(): Promise<void> {
    if (this.#state === 'lost' || this.#state === 'closing') return
    this.#state = 'closing'
    this.#discard()
    this.release()
    // What is not answered would be waited for.
    for (const id of Object.keys(this.client.outgoing)) this.client.removeOutgoingMessage(Number(id))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.client.end(false, {}, () => resolve())
    try {
      await within(promise, this.#timeoutMs, this.#clock, () => mqttError('ERR_TIMEOUT', `Closing the connection to ${this.label}`))
    } catch {
      // It is destroyed all the same.
    }
    this.#destroy()
  }

  /** Ends it at once; the owner is told as of any other loss. */
  kill(): void {
    this.#destroy()
  }

  async #connected(doing: string, { protocolVersion }: ResolvedOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<IConnackPacket>()
    this.client.once('connect', resolve)
    // Some brokers answer a version that they don't know by closing.
    const hint = protocolVersion === 5 ? '; if it does not speak MQTT 5, set protocolVersion: 4' : ''
    this.client.once('close', () => reject(this.#error ?? mqttError('ERR_UNAVAILABLE', `${doing}: the broker closed the connection without an answer${hint}`)))
    this.#meter('connect', 1)
    this.client.connect()
    const connack = await promise
    this.#facts = factsOf(connack, protocolVersion)
    this.#sessionPresent = connack.sessionPresent
    this.#state = this.#state === 'opening' ? 'open' : this.#state
    if (this.#state !== 'open') throw this.#reason
  }

  get #reason(): Error {
    return this.#error ?? mqttError('ERR_UNAVAILABLE', `The connection to ${this.label} was closed`)
  }

  #fail(error: Error): void {
    const reasonCode = reasonCodeOf(error)
    this.#error ??= reasonCode === undefined ? error : refusedBy(reasonCode, `Connecting to ${this.label}`, error)
    // After an error of the protocol the library waits, and the broker too.
    this.#destroy()
  }

  #closed(): void {
    const before = this.#state
    this.#state = 'lost'
    this.#destroy()
    this.#reading.end()
    this.#keepAlive.end()
    if (before === 'open') this.#events?.onLost(this.#reason)
  }

  /** Read it must be, or the end would overtake acks; parsed it need not be, and with a backlog there can be megabytes of it. */
  #discard(): void {
    const stream = this.client.stream as { unpipe(): void; resume(): void } | undefined
    stream?.unpipe()
    stream?.resume()
  }

  #destroy(): void {
    // Without a graceful end it would wait for answers. The stream is not there before it connects.
    ;(this.client.stream as { destroy(): void } | undefined)?.destroy()
  }

  async #bounded(work: Promise<void>, doing: string): Promise<void> {
    await within(work, this.#timeoutMs, this.#clock, () => mqttError('ERR_UNAVAILABLE', `${doing}: no answer within ${this.#timeoutMs} ms`))
  }
}
