import { jitteredBackoff, type AddressTemplate, type BrokerError, type Services, pauseFor, within } from '@busbar/core/driver'
import type { Connection } from '../connection/connection.ts'
import type { Control } from '../connection/control.ts'
import type { Dialer } from '../connection/dialer.ts'
import { mqttError, toBrokerError } from '../errors.ts'
import type { SessionName } from '../names.ts'
import type { ResolvedOptions } from '../options.ts'
import { noteText, type Notes, type NotesOf } from '../provisioning/notes.ts'
import { Contention, settledMs } from './contention.ts'
import type { MqttDelivery } from './delivery.ts'
import { SessionScope } from './session-scope.ts'

/** What the sessions of one receiver have in common. */
export interface SessionHost {
  readonly options: ResolvedOptions
  readonly services: Services
  readonly dialer: Dialer
  readonly control: Control
  readonly notes: Notes
  /** Tells this receiver from all others, in notes. */
  readonly holder: string
  readonly qos: 0 | 1
  readonly envelope: boolean
  readonly template?: AddressTemplate | undefined
  /** For the next connection. */
  readonly receiveMaximum: () => number
  readonly onDelivery: (delivery: MqttDelivery) => void
  /** More has been received than is to be held here. */
  readonly isFull: () => boolean
  /** A connection is gone with everything received on it. */
  readonly onLost: (scope: SessionScope, error: BrokerError) => void
  /** An attempt to connect again failed; it goes on. */
  readonly onRetry: (error: BrokerError) => void
  /** Receives again; others of the receiver may not. */
  readonly onRestored: () => void
  /** Somebody else has the session now, and this one has ended. */
  readonly onDisplaced: (session: Session, error: BrokerError) => void
}

/** The one who displaced us notes it right after it has connected: time for that note to come, before we would displace it in turn. */
const firstBackoffMs = 400

/** Keeps one persistent session connected: opens a new connection whenever the old one is lost, unless somebody else has the session by then. */
export class Session {
  readonly name: SessionName
  readonly #host: SessionHost
  readonly #stopping: AbortController = new AbortController()
  #connection: Connection | undefined
  #scope: SessionScope | undefined
  readonly #contention: Contention = new Contention()
  #noted: NotesOf = new Map()
  #unlisten: () => void = () => undefined
  /** Whoever opens deals with a loss in the middle of it. */
  #opening = false
  /** By this receiver. */
  #subscribed = false
  /** The broker has refused the subscription when the session was open, and no later connection has it. */
  #refusal: BrokerError | undefined
  /** In a row: each is of a connection that was opened well, so that its rounds do not count them. */
  #refusals = 0

  constructor(name: SessionName, host: SessionHost) {
    this.name = name
    this.#host = host
  }

  /** The open connection, if there is one. Not while it is being opened: the broker's answers come behind what waits in the session, and must be read. */
  get connection(): Connection | undefined {
    return this.#opening ? undefined : this.#connection
  }

  /** It is connected, the broker has not refused its subscription, and nobody is about to take it away again. */
  get receives(): boolean {
    return this.connection !== undefined && this.#refusal === undefined && !this.#contention.suspected
  }

  /** What is received now belongs to it. */
  get scope(): SessionScope | undefined {
    return this.#scope
  }

  /** Connects and subscribes, whoever had the session before. Throws `BrokerError`; then nothing is held. */
  async start(): Promise<void> {
    const { notes } = this.#host
    // Before it connects: if they cannot be had, there is no connection to be forgotten.
    this.#noted = await notes.of(this.name.base, this.name.index + 1)
    await this.#open()
    this.#unlisten = notes.listen(this.name.base, (index) => {
      // While it is connected this is news of before, or of what is about to happen.
      if (index === this.name.index && this.#connection === undefined && !this.#opening) this.#yieldIfTaken()
    })
  }

  /** For good: the broker keeps the session and what is not acked. Bounded; never throws. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    this.#unlisten()
    const [connection, scope] = [this.#connection, this.#scope]
    this.#connection = undefined
    this.#scope = undefined
    if (connection === undefined) return
    scope?.flush()
    scope?.close()
    this.#note(connection, undefined)
    await connection.close()
  }

  async #open(): Promise<void> {
    const { dialer, control, services, qos, receiveMaximum, notes, envelope, template, onDelivery, isFull, holder } = this.#host
    // Of several addresses that are tried each has a scope of its own.
    let scope: SessionScope | undefined
    let of: Connection | undefined
    const scopeOf = (connection: Connection): SessionScope => {
      if (scope !== undefined && of === connection) return scope
      if (scope !== undefined) this.#lose(scope, new Error('the connection was not completed'))
      of = connection
      scope = new SessionScope(this.name.clientId, connection)
      return scope
    }
    this.#opening = true
    const full = Promise.withResolvers<void>()
    try {
      const request = {
        clientId: this.name.clientId,
        persistent: true,
        receiveMaximum: receiveMaximum(),
        will: { topic: notes.topicOf(this.name), payload: noteText(this.name) },
        onMessage: (connection: Connection, packet: Parameters<SessionScope['receive']>[0]): boolean => {
          const current = scopeOf(connection)
          const delivery = current.live ? current.receive(packet, envelope, template) : undefined
          if (delivery !== undefined) onDelivery(delivery)
          if (this.#opening && isFull()) full.resolve()
          return true
        },
      }
      const connection = await dialer.dial(request, this.#stopping.signal)
      this.#adopt(connection, scopeOf(connection))
      // At once, for the one whom it has displaced; and afterwards, since the will of his connection may come late.
      this.#note(connection, holder)
      await this.#subscribe(connection, qos, full.promise)
      if (this.#connection !== connection) throw mqttError('ERR_UNAVAILABLE', `Session ${this.name.clientId}: the connection was lost again`)
      this.#note(connection, holder)
      this.#contention.opened(services.clock.monotonic(), control.connection)
      scope?.flush()
      this.#checkExpiry(connection)
      services.log('debug', 'session:open', { session: this.name.clientId, present: connection.sessionPresent })
    } catch (error) {
      this.#connection?.kill()
      this.#connection = undefined
      this.#scope = undefined
      if (scope !== undefined) this.#lose(scope, error)
      throw toBrokerError(error, `Opening session ${this.name.clientId}`)
    } finally {
      this.#opening = false
    }
  }

  /**
   * Always, since a session can be there without its subscription, and since mosquitto forgets shared ones when it is restarted and keeps the session. But with 3.1.1, where
   * the broker sends kept messages again, one that is not shared is subscribed once, unless the broker has no such session, or never says that it has.
   * `full`: so much has come of a session that there is no need to wait for the answer. Some brokers send all that is not acked at once, however much it is, and the answer after that; one that never comes is then noticed only with the loss of the connection.
   */
  async #subscribe(connection: Connection, qos: 0 | 1, full: Promise<void>): Promise<void> {
    const { services, options } = this.#host
    const { clientId, filter, shared } = this.name
    // Of MQTT 3.1.1 brokers some keep the session and say that they don't.
    if (!connection.sessionPresent && options.protocolVersion === 5)
      services.log('error', 'session:lost', { session: clientId, why: 'the broker did not keep it: what was waiting in it is lost; it is made anew' })
    if (connection.sessionPresent && !shared && options.protocolVersion === 4 && this.#subscribed) return
    const answer = connection.subscribed(filter, qos)
    const late = (): BrokerError => mqttError('ERR_UNAVAILABLE', `Subscribing to ${filter}: no answer within ${options.timeoutMs} ms`)
    await Promise.race([within(answer, options.timeoutMs, services.clock, late), full])
    answer.then(
      () => this.#onSubscribed(connection),
      (error: unknown) => this.#onRefused(connection, error),
    )
  }

  #onSubscribed(connection: Connection): void {
    this.#subscribed = true
    if (this.#connection !== connection || this.#refusal === undefined) return
    this.#refusal = undefined
    this.#refusals = 0
    if (!this.#opening) this.#restored()
  }

  /** Long after it was opened. */
  #onRefused(connection: Connection, error: unknown): void {
    if (this.#connection !== connection) return
    this.#subscribed = false
    this.#refusals++
    this.#refusal = toBrokerError(error, `Opening session ${this.name.clientId}`)
    this.#host.onRetry(this.#refusal)
    connection.kill()
  }

  #checkExpiry({ facts }: Connection): void {
    const { services, options } = this.#host
    const granted = facts.sessionExpirySeconds
    if (granted === undefined || granted >= options.sessionExpirySeconds) return
    services.log('warn', 'session:expiry', { session: this.name.clientId, grantedMs: granted * 1_000, why: 'the broker keeps sessions no longer than this' })
  }

  #adopt(connection: Connection, scope: SessionScope): void {
    if (this.#stopping.signal.aborted) {
      void connection.close()
      throw mqttError('ERR_CLOSED', `Session ${this.name.clientId} has been closed`)
    }
    this.#connection = connection
    this.#scope = scope
    connection.listen({ onLost: (error) => this.#onLost(connection, scope, error) })
  }

  #onLost(connection: Connection, scope: SessionScope, error: Error): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    this.#scope = undefined
    this.#lose(scope, error)
    if (this.#opening) return
    // Also where the broker says that somebody has taken it over: who keeps no notes may be gone at once.
    this.#host.services.log('warn', 'session:disconnected', { session: this.name.clientId, error: error.message })
    if (!this.#yieldIfTaken()) void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    const { services, options, control, notes, onRetry } = this.#host
    const { signal } = this.#stopping
    const lostAt = services.clock.monotonic()
    for (let round = 0; !signal.aborted; round++) {
      const failures = round + this.#contention.times + this.#refusals
      await pauseFor(jitteredBackoff(failures, firstBackoffMs, options.reconnectMaxMs, services.random), services.clock, signal)
      // Without it nobody can tell whose the session is.
      const beside = await control.whenConnected(signal)
      if (beside === undefined) return
      // Nobody has taken away what was given up here.
      if (round === 0 && this.#refusal === undefined) this.#contention.lost(lostAt, beside)
      try {
        // What is known may be of before the control connection was lost too.
        await control.roundTrip()
        this.#noted = await notes.of(this.name.base, this.name.index + 1)
        if (this.#yieldIfTaken() || signal.aborted) return
        if (this.#contention.suspected) onRetry(this.#contended())
        await this.#open()
        return this.#restored()
      } catch (error) {
        if (signal.aborted) return
        const mapped = toBrokerError(error, `Opening session ${this.name.clientId}`)
        services.log('warn', 'session:retry', { session: this.name.clientId, round: round + 1, error: mapped.message })
        onRetry(mapped)
      }
    }
  }

  /** All is well at once, or, if somebody may take it away again, when that has not happened for a while. */
  #restored(): void {
    const { onRestored, services } = this.#host
    if (this.#refusal !== undefined) return
    if (!this.#contention.suspected) return onRestored()
    const connection = this.#connection
    void pauseFor(settledMs, services.clock, this.#stopping.signal).then(() => {
      if (connection === undefined || this.#connection !== connection) return
      this.#contention.settled()
      onRestored()
    })
  }

  #contended(): BrokerError {
    const { times } = this.#contention
    return mqttError(
      'ERR_CONFLICT',
      `Session ${this.name.clientId} was lost ${times} times in a row right after it was opened: another client seems to connect with the same client id`,
      { retryable: true },
    )
  }

  /** Whether the note says that somebody else has it by now. */
  #yieldIfTaken(): boolean {
    const found = this.#noted.get(this.name.index)?.holder
    if (found === undefined || found === this.#host.holder) return false
    this.#displaced(mqttError('ERR_CONFLICT', `Session ${this.name.clientId}: another connection with the same client id has taken it over`))
    return true
  }

  #displaced(error: BrokerError): void {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    this.#unlisten()
    this.#host.onDisplaced(this, error)
  }

  #lose(scope: SessionScope, cause: unknown): void {
    if (scope.closed) return
    scope.close()
    const text = cause instanceof Error ? cause.message : String(cause)
    this.#host.onLost(scope, mqttError('ERR_TOO_LATE', `Session ${this.name.clientId} was lost with its connection: ${text}`, { cause }))
  }

  /** By the session's own connection, without waiting: the answer may come behind many messages. */
  #note(connection: Connection, holder: string | undefined): void {
    this.#host.notes.write(this.name, holder, connection).catch((error: unknown) => {
      if (this.#connection === connection) this.#host.services.log('warn', 'session:not-noted', { session: this.name.clientId, error: String(error) })
    })
  }
}
