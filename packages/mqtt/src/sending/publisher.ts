import type { BrokerError, Services, Timer } from '@busbar/core/driver'
import type { Packet } from 'mqtt'
import type { Connection } from '../connection/connection.ts'
import type { Control } from '../connection/control.ts'
import { mqttError, toBrokerError } from '../errors.ts'
import { encodePublish } from '../message/encode.ts'
import type { ResolvedOptions } from '../options.ts'
import { checkSize, ok, refuse, resultOf, unconfirmed, type Item } from './item.ts'

interface Sent {
  readonly item: Item
  readonly sentAt: number
  readonly bytes: number
  /** Of quality 2: what the broker said when it had the message. */
  reasonCode: number
}

/** Bytes of the packets that may be unconfirmed: with more, the socket holds what the broker does not read. One message may always be. */
const unconfirmedBytes = 1_048_576
/** A broker that answers pings and not messages is given up after so many times the driver's time limit. */
const stuckTimes = 3
/** PUBREL, and the bytes that follow. */
const release = 0x62_02

/** Publishes for all senders of a link, in the order in which they ask, with no more unconfirmed than the broker's Receive Maximum. What goes in one turn is written in one piece. */
export class Publisher {
  readonly #control: Control
  readonly #services: Services
  readonly #options: ResolvedOptions
  readonly #writable: Set<() => void> = new Set()
  /** Signals that are listened to. */
  readonly #signals: WeakSet<AbortSignal> = new WeakSet()
  #waiting: Item[] = []
  #next = 0
  /** On the connection that is open now, by packet identifier, in the order sent. */
  #sent: Map<number, Sent> = new Map()
  /** Of quality 0, until they are written. */
  #unanswered = 0
  /** Of those before. */
  #bytes = 0
  #limit = 0
  #scheduled = false
  #watch: Timer | undefined

  constructor(control: Control, options: ResolvedOptions, services: Services) {
    this.#control = control
    this.#options = options
    this.#services = services
    control.listen({
      onConnected: (connection) => this.#onConnected(connection),
      onLost: (error) => this.#onLost(error),
      onEnded: (error) => {
        this.#onLost(error)
        this.#tellWritable()
      },
    })
  }

  /** False while the link is down, and true once it is for good: sending then says why. */
  get writable(): boolean {
    return this.#control.connection !== undefined || this.#control.ended
  }

  /** Returns what ends it. */
  onWritable(listener: () => void): () => void {
    this.#writable.add(listener)
    return () => this.#writable.delete(listener)
  }

  /** Each is settled once: when the broker has answered, when the connection is lost, or, if its signal fires before it was handed over, at once. */
  add(items: readonly Item[]): void {
    if (this.#control.connection === undefined) return refuse(items, this.#control.reason)
    for (const item of items) this.#waiting.push(item)
    this.#schedule()
    const last = items.at(-1)
    if (last === undefined || this.#signals.has(last.signal)) return
    this.#signals.add(last.signal)
    last.signal.addEventListener('abort', () => this.#giveUp(last.signal), { once: true })
  }

  /** Answers that come in one read are all looked at before what they make room for is written. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(this.#pump)
  }

  readonly #pump = (): void => {
    this.#scheduled = false
    const { connection } = this.#control
    if (connection === undefined) return
    connection.own.publishWaiting()
    const packets: Buffer[] = []
    const before = this.#next
    for (
      let item = this.#waiting[this.#next];
      item !== undefined && this.#bytes < unconfirmedBytes && this.#hasRoom(connection);
      item = this.#waiting[this.#next]
    ) {
      this.#next++
      this.#encode(connection, item, packets)
    }
    if (this.#next === before) return
    this.#services.meter('publish', this.#next - before)
    if (packets.length > 0) connection.write(packets)
    this.#watch ??= this.#watching(connection)
    this.#shorten()
  }

  /** The driver's own messages count too: with one more than it takes the broker ends the connection. */
  #hasRoom({ own }: Connection): boolean {
    return this.#sent.size + this.#unanswered + own.unanswered < this.#limit
  }

  #goOn(connection: Connection): void {
    if (connection.own.waiting || this.#next < this.#waiting.length) this.#schedule()
  }

  #encode(connection: Connection, item: Item, packets: Buffer[]): void {
    const { maximumQoS, maximumPacketBytes } = connection.facts
    try {
      checkSize(item, maximumPacketBytes)
      const publication = item.write()
      const qos = publication.qos > maximumQoS ? maximumQoS : publication.qos
      const id = qos === 0 ? 0 : this.#nextId(connection)
      const encoded = encodePublish(qos === publication.qos ? publication : { ...publication, qos }, id, this.#options.protocolVersion)
      const bytes = encoded.reduce((sum, { length }) => sum + length, 0)
      this.#bytes += bytes
      if (qos === 0) return this.#writeOnly(connection, item, encoded, bytes)
      packets.push(...encoded)
      this.#sent.set(id, { item, bytes, sentAt: this.#services.clock.monotonic(), reasonCode: 0 })
    } catch (error) {
      item.settle({ ok: false, error: toBrokerError(error, `Sending to ${item.what}`), stored: 'no' })
    }
  }

  /** Without an answer there is none to wait for but the socket's. */
  #writeOnly(connection: Connection, item: Item, packets: readonly Buffer[], bytes: number): void {
    this.#unanswered++
    connection.write(packets, (error) => {
      this.#unanswered--
      this.#bytes -= bytes
      item.settle(error ? unconfirmed(item, error) : ok)
      this.#goOn(connection)
    })
  }

  #nextId(connection: Connection): number {
    let id = connection.nextPacketId()
    while (this.#sent.has(id)) id = connection.nextPacketId()
    return id
  }

  #onConnected(connection: Connection): void {
    this.#limit = Math.min(this.#options.maxUnconfirmed, connection.facts.receiveMaximum)
    this.#sent = new Map()
    connection.own.share(
      () => this.#hasRoom(connection),
      () => this.#goOn(connection),
    )
    connection.client.on('packetreceive', (packet) => this.#onPacket(connection, packet))
    this.#tellWritable()
  }

  #tellWritable(): void {
    for (const listener of [...this.#writable]) listener()
  }

  #onPacket(connection: Connection, packet: Packet): void {
    if (this.#control.connection !== connection) return
    const { cmd, messageId = 0 } = packet
    if (cmd !== 'puback' && cmd !== 'pubrec' && cmd !== 'pubcomp') return
    const sent = this.#sent.get(messageId)
    if (sent === undefined) return
    const { reasonCode = 0 } = packet
    // Of quality 2: the broker has it, and wants to know that we know.
    if (cmd === 'pubrec' && reasonCode < 0x80) {
      sent.reasonCode = reasonCode
      return this.#release(connection, messageId)
    }
    this.#sent.delete(messageId)
    this.#bytes -= sent.bytes
    sent.item.settle(resultOf(sent.item, reasonCode || sent.reasonCode))
    this.#goOn(connection)
  }

  #release(connection: Connection, packetId: number): void {
    const packet = Buffer.allocUnsafe(4)
    packet.writeUInt16BE(release, 0)
    packet.writeUInt16BE(packetId, 2)
    connection.write([packet])
  }

  #onLost(cause: BrokerError): void {
    this.#watch?.cancel()
    this.#watch = undefined
    const sent = [...this.#sent.values()]
    const waiting = this.#waiting.slice(this.#next)
    this.#sent = new Map()
    this.#waiting = []
    this.#next = 0
    for (const { item, bytes } of sent) {
      this.#bytes -= bytes
      item.settle(unconfirmed(item, cause))
    }
    refuse(waiting, cause)
  }

  /** Only the oldest is looked at: the others are answered after it. */
  #watching(connection: Connection): Timer {
    const { clock, log } = this.#services
    const stuckMs = stuckTimes * this.#options.timeoutMs
    return clock.timer(clock.monotonic() + stuckMs / 2, () => {
      this.#watch = undefined
      const [oldest] = this.#sent.values()
      if (oldest === undefined || this.#control.connection !== connection) return
      if (clock.monotonic() - oldest.sentAt < stuckMs) {
        this.#watch = this.#watching(connection)
        return
      }
      log('warn', 'connection:stuck', { address: connection.label, unconfirmed: this.#sent.size })
      connection.kill()
    })
  }

  #giveUp(signal: AbortSignal): void {
    const waiting = this.#waiting.slice(this.#next)
    this.#waiting = waiting.filter((item) => item.signal !== signal)
    this.#next = 0
    refuse(
      waiting.filter((item) => item.signal === signal),
      mqttError('ERR_TIMEOUT', 'The deadline passed before the message was handed over.'),
    )
  }

  #shorten(): void {
    if (this.#next === this.#waiting.length) {
      this.#waiting = []
      this.#next = 0
    } else if (this.#next > 1_024 && this.#next * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next)
      this.#next = 0
    }
  }
}
