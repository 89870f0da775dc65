import type { BrokerError, SendResult, Services, Timer } from '@busbar/core/driver'
import type { Connection } from '../connection/connection.ts'
import type { Control } from '../connection/control.ts'
import { mqttError, reasonCodeOf, reasons, toBrokerError } from '../errors.ts'
import { limits } from '../limits.ts'
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
  /** Packet identifier; 0 where none is needed. */
  id: number
  readonly sentAt: number
}

const ok: SendResult = Object.freeze({ ok: true })
/** A broker that answers pings and not messages, or a client library that is stuck, is given up after so many times the driver's time limit. */
const stuckTimes = 3

/** Publishes for all senders of a link, in the order in which they ask, with no more unconfirmed than the broker's Receive Maximum. */
export class Publisher {
  readonly #control: Control
  readonly #services: Services
  readonly #options: ResolvedOptions
  readonly #writable: Set<() => void> = new Set()
  #waiting: Item[] = []
  #next = 0
  /** On the connection that is open now, in the order sent. */
  #sent: Map<Item, Sent> = new Map()
  /** Signals that are listened to. */
  readonly #signals: WeakSet<AbortSignal> = new WeakSet()
  #unmatched: Set<number> = new Set()
  #limit = 0
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
    this.#waiting.push(...items)
    this.#pump()
    const last = this.#waiting.at(-1)
    if (last === undefined || this.#signals.has(last.signal)) return
    this.#signals.add(last.signal)
    last.signal.addEventListener('abort', () => this.#giveUp(last.signal), { once: true })
  }

  #pump(): void {
    const { connection } = this.#control
    if (connection === undefined) return
    for (let item = this.#waiting[this.#next]; item !== undefined && this.#sent.size < this.#limit; item = this.#waiting[this.#next]) {
      this.#next++
      this.#publish(connection, item)
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting = []
      this.#next = 0
    } else if (this.#next > 1_024 && this.#next * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next)
      this.#next = 0
    }
  }

  #publish(connection: Connection, item: Item): void {
    const sent: Sent = { id: 0, sentAt: this.#services.clock.monotonic() }
    try {
      this.#checkSize(connection, item)
      const publication = item.write()
      const qos = Math.min(publication.qos, connection.facts.maximumQoS) as 0 | 1 | 2
      this.#sent.set(item, sent)
      sent.id = connection.publish(qos === publication.qos ? publication : { ...publication, qos }, (error) => this.#answered(connection, item, error))
      this.#watch ??= this.#watching(connection)
    } catch (error) {
      this.#sent.delete(item)
      item.settle({ ok: false, error: toBrokerError(error, `Sending to ${item.what}`), stored: 'no' })
    }
  }

  /** Too large a packet ends the connection, and all that is out with it. */
  #checkSize({ facts }: Connection, { size, what }: Item): void {
    const { maximumPacketBytes } = facts
    if (maximumPacketBytes === undefined || size() + limits.fixedHeaderBytes <= maximumPacketBytes) return
    throw mqttError('ERR_TOO_LARGE', `Sending to ${what}: the message takes ${size()} bytes, and the broker takes packets of ${maximumPacketBytes}`)
  }

  #answered(connection: Connection, item: Item, error: unknown): void {
    const sent = this.#sent.get(item)
    if (sent === undefined) return
    // Of the library's own errors, such as the end of the connection, `#onLost` tells all at once.
    if (error && reasonCodeOf(error) === undefined) return connection.kill()
    this.#sent.delete(item)
    item.settle(this.#resultOf(sent.id, item, error))
    if (this.#next < this.#waiting.length) this.#pump()
  }

  #resultOf(id: number, { what, unmatched }: Item, error: unknown): SendResult {
    const doing = `Sending to ${what}`
    if (error) return { ok: false, error: toBrokerError(error, doing), stored: 'no' }
    if (!this.#unmatched.delete(id) || unmatched === 'taken') return ok
    const retryable = unmatched === 'retried'
    return { ok: false, error: mqttError('ERR_UNROUTABLE', `${doing}: the broker has no subscription that takes the message`, { retryable }), stored: 'no' }
  }

  #onConnected(connection: Connection): void {
    this.#limit = Math.min(this.#options.maxUnconfirmed, connection.facts.receiveMaximum)
    this.#sent = new Map()
    this.#unmatched = new Set()
    if (this.#options.protocolVersion === 5) {
      // The library does not pass on the reasons of success.
      connection.client.on('packetreceive', (packet) => {
        if ((packet.cmd === 'puback' || packet.cmd === 'pubrec') && packet.reasonCode === reasons.noMatchingSubscribers && packet.messageId !== undefined)
          this.#unmatched.add(packet.messageId)
      })
    }
    for (const listener of [...this.#writable]) listener()
  }

  #onLost(error: BrokerError): void {
    this.#watch?.cancel()
    this.#watch = undefined
    const sent = [...this.#sent.keys()]
    const waiting = this.#waiting.slice(this.#next)
    this.#sent = new Map()
    this.#waiting = []
    this.#next = 0
    for (const item of sent)
      item.settle({ ok: false, error: mqttError('ERR_UNCONFIRMED', `Sending to ${item.what}: ${error.message}`, { cause: error }), stored: 'unknown' })
    refuse(waiting, error)
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
}

function refuse(items: readonly Item[], error: BrokerError): void {
  for (const item of items) item.settle({ ok: false, error, stored: 'no' })
}
