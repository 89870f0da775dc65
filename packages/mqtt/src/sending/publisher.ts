import type { BrokerError, SendResult, Services, Timer } from '@busbar/core/driver'
import type { Packet } from 'mqtt'
import type { Connection } from '../connection/connection.ts'
import type { Control } from '../connection/control.ts'
import { mqttError, reasons, refusedBy, toBrokerError } from '../errors.ts'
import { limits } from '../limits.ts'
import { encodePublish } from '../message/encode.ts'
import type { Publication } from '../message/packet.ts'
import type { ResolvedOptions } from '../options.ts'

/** `taken`: all is well. `refused`: not to be sent again. `retried`: whoever takes it is expected back. */
export type Unmatched = 'taken' | 'refused' | 'retried'

/** A message on its way. */
export interface Item {
  /** Written when its turn has come. Throws `BrokerError` for what MQTT does not carry. */
  readonly write: () => Publication
  /** Bytes of the packet without its fixed header, at least. */
  readonly size: () => number
  /** What is answered if the broker says that nobody takes it. */
  readonly unmatched: Unmatched
  /** For texts: `topic orders`. */
  readonly what: string
  readonly signal: AbortSignal
  readonly settle: (result: SendResult) => void
}

interface Sent {
  readonly item: Item
  readonly sentAt: number
  /** Of quality 2: what the broker said when it had the message. */
  reasonCode: number
}

const ok: SendResult = Object.freeze({ ok: true })
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
      onEnded: (error) => this.#onLost(error),
    })
  }

  /** False while the link is down. */
  get writable(): boolean {
    return this.#control.connection !== undefined
  }

  /** Returns what ends it. */
  onWritable(listener: () => void): () => void {
    this.#writable.add(listener)
    return () => this.#writable.delete(listener)
  }

  /** Each is settled once: when the broker has answered, when the connection is lost, or, if its signal fires before it was handed over, at once. */
  add(items: readonly Item[]): void {
    if (!this.writable) return refuse(items, this.#control.reason)
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
    const packets: Buffer[] = []
    const before = this.#next
    for (let item = this.#waiting[this.#next]; item !== undefined && this.#sent.size + this.#unanswered < this.#limit; item = this.#waiting[this.#next]) {
      this.#next++
      this.#encode(connection, item, packets)
    }
    if (this.#next === before) return
    this.#services.meter('publish', this.#next - before)
    if (packets.length > 0) connection.write(packets)
    this.#watch ??= this.#watching(connection)
    this.#shorten()
  }

  #encode(connection: Connection, item: Item, packets: Buffer[]): void {
    const { maximumQoS, maximumPacketBytes } = connection.facts
    try {
      checkSize(item, maximumPacketBytes)
      const publication = item.write()
      const qos = publication.qos > maximumQoS ? maximumQoS : publication.qos
      const id = qos === 0 ? 0 : this.#nextId(connection)
      const encoded = encodePublish(qos === publication.qos ? publication : { ...publication, qos }, id, this.#options.protocolVersion)
      if (qos === 0) return this.#writeOnly(connection, item, encoded)
      packets.push(...encoded)
      this.#sent.set(id, { item, sentAt: this.#services.clock.monotonic(), reasonCode: 0 })
    } catch (error) {
      item.settle({ ok: false, error: toBrokerError(error, `Sending to ${item.what}`), stored: 'no' })
    }
  }

  /** Without an answer there is none to wait for but the socket's. */
  #writeOnly(connection: Connection, item: Item, packets: readonly Buffer[]): void {
    this.#unanswered++
    connection.write(packets, (error) => {
      this.#unanswered--
      item.settle(error ? unconfirmed(item, error) : ok)
      if (this.#next < this.#waiting.length) this.#schedule()
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
    connection.client.on('packetreceive', (packet) => this.#onPacket(connection, packet))
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
    sent.item.settle(resultOf(sent.item, reasonCode || sent.reasonCode))
    if (this.#next < this.#waiting.length) this.#schedule()
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
    for (const { item } of sent) item.settle(unconfirmed(item, cause))
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

/** Too large a packet ends the connection, and all that is out with it. */
function checkSize({ size, what }: Item, maximumPacketBytes: number | undefined): void {
  if (maximumPacketBytes === undefined || size() + limits.fixedHeaderBytes <= maximumPacketBytes) return
  throw mqttError('ERR_TOO_LARGE', `Sending to ${what}: the message takes ${size()} bytes, and the broker takes packets of ${maximumPacketBytes}`)
}

function resultOf({ what, unmatched }: Item, reasonCode: number): SendResult {
  if (reasonCode === 0) return ok
  const doing = `Sending to ${what}`
  if (reasonCode >= 0x80) return { ok: false, error: refusedBy(reasonCode, doing), stored: 'no' }
  if (reasonCode !== reasons.noMatchingSubscribers || unmatched === 'taken') return ok
  const retryable = unmatched === 'retried'
  return { ok: false, error: mqttError('ERR_UNROUTABLE', `${doing}: the broker has no subscription that takes the message`, { retryable }), stored: 'no' }
}

function unconfirmed({ what }: Item, cause: Error): SendResult {
  return { ok: false, error: mqttError('ERR_UNCONFIRMED', `Sending to ${what}: ${cause.message}`, { cause }), stored: 'unknown' }
}

function refuse(items: readonly Item[], error: BrokerError): void {
  for (const item of items) item.settle({ ok: false, error, stored: 'no' })
}
