import {
  Denials,
  type AddressTemplate,
  type BrokerError,
  type Intake,
  type Outcome,
  type Receiver,
  type Services,
  type SettleResult,
  type Timer,
  type Window,
} from '@busbar/core/driver'
import type { Control } from '../connection/control.ts'
import type { Dialer } from '../connection/dialer.ts'
import { configuration, mqttError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { SessionName } from '../names.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Notes } from '../provisioning/notes.ts'
import type { Copies } from './copies.ts'
import type { MqttDelivery } from './delivery.ts'
import { Inbox } from './inbox.ts'
import { SoleKeeper, type Keeper, type KeeperHost } from './keeper.ts'
import { Members } from './members.ts'
import type { Session } from './session.ts'
import type { SessionScope } from './session-scope.ts'

export interface ReceiverParts {
  /** The sessions of the source. Throws `ERR_NOT_FOUND` if they have not been made. */
  readonly names: () => Promise<readonly SessionName[]>
  readonly qos: 0 | 1
  readonly envelope: boolean
  /** Of the topics that it receives from, if they have one. */
  readonly template?: AddressTemplate | undefined
  /** Where messages to be delivered again are published again. */
  readonly copies?: Copies | undefined
  readonly options: ResolvedOptions
  readonly services: Services
  readonly dialer: Dialer
  readonly control: Control
  readonly notes: Notes
  /** Tells this receiver from all others. */
  readonly holder: string
}

/** Acks wait for others until they are this share of the window, or for so long: each costs a write, and the rest of the window keeps the broker busy meanwhile. */
const flushShare = 0.25
const flushMs = 5
/** A window has room to grow to this before the next connection. */
const leastReceiveMaximum = 64
/** Brokers that send more than they should, or know no limit, are no longer read from when so much waits here. */
const leastHeld = 256
/** A broker that denies it for so long means it. */
const giveUpAfterMs = 60_000

/** Receives from one session, or from a share of a queue's, and settles. */
export class MqttReceiver implements Receiver {
  readonly #parts: ReceiverParts
  readonly #intake: Intake
  readonly #host: KeeperHost
  /** Once it has started. */
  #keeper: Keeper | undefined
  readonly #unlisten: () => void
  readonly #inbox: Inbox = new Inbox()
  #window: Window
  #scheduled = false
  #paused = false
  /** Nothing is handed over before all is subscribed: if something cannot be, nothing was received. */
  #started = false
  #failing = false
  readonly #denials: Denials
  #reading = true
  #flushTimer: Timer | undefined

  constructor(parts: ReceiverParts, intake: Intake, window: Window) {
    this.#parts = parts
    this.#intake = intake
    this.#window = window
    this.#denials = new Denials(parts.services.clock, giveUpAfterMs)
    this.#host = {
      ...parts,
      receiveMaximum: () => this.#receiveMaximum,
      onDelivery: this.#onDelivery,
      isFull: () => this.#isFull(1),
      onLost: this.#onLost,
      onRetry: this.#onRetry,
      onRestored: this.#onRestored,
      revoke: (scope, deadlineMs) => intake.revoke(scope, deadlineMs),
      onDropped: this.#onDropped,
      onFatal: (error) => this.#fail(error, true),
    }
    this.#unlisten = parts.control.listen({
      // The next one may be to a broker that has been started again.
      onLost: () => this.#denials.end(),
      onEnded: (error) => error.code !== 'ERR_CLOSED' && this.#fail(error, true),
    })
  }

  async start(): Promise<void> {
    try {
      const names = await this.#parts.names()
      const [first] = names
      if (first === undefined) throw configuration('mqtt: a topic has no messages of its own, its subscriptions have')
      this.#keeper = names.length > 1 ? new Members(names, this.#host) : new SoleKeeper(first, this.#host)
      await this.#keeper.start()
    } catch (error) {
      this.#unlisten()
      throw error
    }
    this.#started = true
    if (this.#isFull(1)) this.#read(false)
    this.#schedule()
  }

  async settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    const scopes = new Set<SessionScope>()
    const copying: Promise<unknown>[] = []
    const results = outcomes.map((outcome, index): SettleResult => {
      const { scope } = outcome.delivery as MqttDelivery
      if (outcome.action === 'ack') {
        scopes.add(scope)
        return scope.ack(outcome.delivery as MqttDelivery) ? 'accepted' : 'too-late'
      }
      const { copies } = this.#parts
      if (outcome.action !== 'retry' || outcome.delayMs > 0 || copies === undefined) return unsupported(outcome.action)
      copying.push(this.#republish(copies, outcome.delivery as MqttDelivery, outcome.attempt).then((result) => (results[index] = result)))
      return 'too-late'
    })
    for (const scope of scopes) this.#flush(scope)
    if (this.#inbox.size > 0) this.#schedule()
    if (copying.length > 0) await Promise.all(copying)
    return results
  }

  resize(window: Window): void {
    this.#window = window
    this.#schedule()
  }

  async pause(): Promise<void> {
    this.#paused = true
  }

  async resume(): Promise<void> {
    this.#paused = false
    this.#schedule()
  }

  async handBack(): Promise<void> {
    this.#paused = true
    this.#unlisten()
    this.#flushTimer?.cancel()
    await this.#keeper?.stop()
    this.#inbox.dropDead()
  }

  /** The message is acked only when its copy is confirmed: a crash in between repeats, but never loses. */
  async #republish(copies: Copies, delivery: MqttDelivery, attempt: number): Promise<SettleResult> {
    const { scope } = delivery
    if (!scope.startCopy(delivery)) return 'too-late'
    const sent = await copies.send(delivery, attempt)
    delivery.copying = false
    if (!sent.ok && !scope.closed) return { error: sent.error }
    if (!scope.ack(delivery)) return 'too-late'
    this.#flush(scope)
    if (this.#inbox.size > 0) this.#schedule()
    return 'accepted'
  }

  #flush(scope: SessionScope): void {
    if (scope.unsent === 0) return
    if (scope.unsent >= this.#window.messages * flushShare) return scope.flush()
    const { clock } = this.#parts.services
    this.#flushTimer ??= clock.timer(clock.monotonic() + flushMs, this.#flushAll)
  }

  readonly #flushAll = (): void => {
    this.#flushTimer = undefined
    for (const { scope } of this.#sessions) scope?.flush()
  }

  get #sessions(): Iterable<Session> {
    return this.#keeper?.sessions ?? []
  }

  get #receiveMaximum(): number {
    const { receiveMaximum } = this.#parts.options
    return receiveMaximum ?? Math.min(limits.inFlight, Math.max(leastReceiveMaximum, this.#window.messages))
  }

  readonly #onDelivery = (delivery: MqttDelivery): void => {
    const { copies, services } = this.#parts
    if (copies !== undefined) delivery.receivedAt = services.clock.monotonic()
    this.#inbox.add(delivery)
    // Also while it does not read: this may come from a connection that was opened since.
    if (this.#started && this.#isFull(1)) this.#read(false)
    this.#schedule()
  }

  readonly #onLost = (scope: SessionScope, error: BrokerError): void => {
    this.#onDropped()
    this.#intake.lost(scope, error)
  }

  readonly #onDropped = (): void => {
    this.#inbox.dropDead()
    this.#readOn()
  }

  readonly #onRestored = (): void => {
    // Connections that are new read, whatever was so before.
    if (!this.#reading) this.#read(false)
    if (!this.#failing || ![...this.#sessions].every(({ receives }) => receives)) return
    this.#failing = false
    this.#denials.end()
    this.#intake.recovered()
  }

  readonly #onRetry = (error: BrokerError): void => {
    this.#fail(error, this.#denials.areMeant(error.code === 'ERR_ACCESS_DENIED'))
  }

  #fail(error: BrokerError, fatal: boolean): void {
    this.#failing = true
    this.#intake.failed(error, fatal)
  }

  // Deliveries of one socket read arrive in one turn or few: one microtask hands all of them over.
  #schedule(): void {
    if (this.#scheduled || this.#paused || !this.#started) return
    this.#scheduled = true
    queueMicrotask(this.#handOver)
  }

  readonly #handOver = (): void => {
    this.#scheduled = false
    if (this.#paused) return
    let [handed, bytes] = [0, 0]
    for (const { scope } of this.#sessions) {
      handed += scope?.handed ?? 0
      bytes += scope?.handedBytes ?? 0
    }
    const deliveries = this.#inbox.take(this.#window, handed, bytes)
    for (const delivery of deliveries) delivery.scope.hand(delivery)
    this.#readOn()
    if (deliveries.length > 0) this.#intake.deliver(deliveries)
  }

  #readOn(): void {
    if (!this.#reading && !this.#isFull(0.5)) this.#read(true)
  }

  /** A `share` of what may wait here. */
  #isFull(share: number): boolean {
    return this.#inbox.size > share * Math.max(leastHeld, 2 * this.#window.messages) || this.#inbox.bytes > share * this.#window.bytes
  }

  #read(reading: boolean): void {
    this.#reading = reading
    for (const { connection } of this.#sessions) {
      if (reading) connection?.release()
      else connection?.hold()
    }
  }
}

/** There is no nack in MQTT, and no delay. What is not acked comes again when the session is connected again. */
function unsupported(action: string): SettleResult {
  return { error: mqttError('ERR_UNSUPPORTED', `MQTT has no ${action}: a message is acked, or stays in its session`) }
}
