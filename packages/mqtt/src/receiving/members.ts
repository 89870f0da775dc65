import { isBrokerError, jittered, type BrokerError, type Timer, pauseFor } from '@busbar/core/driver'
import { mqttError, toBrokerError } from '../errors.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import type { SessionName } from '../names.ts'
import type { NotesOf } from '../provisioning/notes.ts'
import type { Keeper, KeeperHost } from './keeper.ts'
import { knock, Presence } from './presence.ts'
import { Session } from './session.ts'
import type { SessionScope } from './session-scope.ts'
import { nextStep } from './shares.ts'

/** A session without holder for so many looks is taken by whoever sees it. */
const strandedLooks = 3
/** A session that was given away is left to whoever asked for so many looks. */
const yieldedLooks = 3
/** Two who see the same free session shall not both take it: the later one would displace the earlier. */
const hesitationMs = 100

/**
 * The sessions of a shared queue, which its processes share. Brokers deal messages to every session, connected or not, and never take them back: so the sessions are
 * fixed, and when a process leaves or dies, others connect to its sessions and go on with what waits in them. Notes tell who has which.
 */
export class Members implements Keeper {
  readonly #names: readonly SessionName[]
  readonly #host: KeeperHost
  readonly #held: Map<number, Session> = new Map()
  readonly #leaving: Map<number, Promise<void>> = new Map()
  /** Monotonic milliseconds since when, or until when. */
  readonly #freeSince: Map<number, number> = new Map()
  readonly #yieldedUntil: Map<number, number> = new Map()
  readonly #askedAt: Map<number, number> = new Map()
  readonly #presence: Presence
  readonly #stopping: AbortController = new AbortController()
  #notes: NotesOf = new Map()
  #endings: (() => unknown)[] = []
  #timer: Timer | undefined
  #balancing: Promise<void> | undefined
  #again = false

  constructor(names: readonly SessionName[], host: KeeperHost) {
    this.#names = names
    this.#host = host
    this.#presence = new Presence(host.services.clock, host.options.rebalanceMs)
  }

  get sessions(): Iterable<Session> {
    return this.#held.values()
  }

  async start(): Promise<void> {
    const { notes, control } = this.#host
    const [first] = this.#names
    if (first === undefined) return
    this.#notes = await notes.of(first.base, this.#names.length)
    try {
      this.#endings.push(notes.listen(first.base, (index) => this.#onNote(index)))
      // Who is not heard of is nobody who is gone.
      this.#endings.push(control.listen({ onConnected: () => this.#presence.forget() }))
      this.#endings.push(await control.subscribe(`${this.#asksTopic(first)}/+`, (packet) => this.#onAsk(packet)))
      await this.#alone(this.#balanceOnce(true))
      this.#schedule()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#timer?.cancel()
    for (const end of this.#endings.splice(0)) end()
    await this.#balancing?.catch(() => undefined)
    await Promise.all([...this.#leaving.values(), ...[...this.#held.values()].map((session) => session.stop())])
    this.#held.clear()
  }

  #onNote(index: number): void {
    const noted = this.#notes.get(index)
    this.#askedAt.delete(index)
    this.#presence.heard(index)
    const session = this.#held.get(index)
    // The will of the connection before ours, that came late.
    if (session?.connection !== undefined && noted?.holder === undefined && !this.#leaving.has(index)) void this.#note(session)
    void this.#balance()
  }

  async #note({ name, connection }: Session): Promise<void> {
    try {
      await this.#host.notes.write(name, this.#host.holder, connection)
    } catch (error) {
      // The next connection notes it anyway.
      this.#host.services.log('debug', 'session:not-noted', { session: name.clientId, error: String(error) })
    }
  }

  #onAsk({ topic, payload }: ReceivedPacket): void {
    const index = Number(topic.slice(topic.lastIndexOf('/') + 1))
    const session = this.#held.get(index)
    if (payload.toString() === knock) return void (session?.connection !== undefined && this.#note(session))
    if (session === undefined || this.#leaving.size > 0 || this.#held.size < 2) return
    this.#leaving.set(
      index,
      this.#yield(index, session).finally(() => this.#leaving.delete(index)),
    )
  }

  /** What runs ends first; what has not begun stays in the session. */
  async #yield(index: number, session: Session): Promise<void> {
    const { onDropped, options, services } = this.#host
    services.log('info', 'session:yield', { session: session.name.clientId })
    session.scope?.drop()
    onDropped()
    if (session.scope !== undefined) await this.#revoke(session.scope, session)
    this.#yieldedUntil.set(index, services.clock.monotonic() + yieldedLooks * options.rebalanceMs)
    this.#held.delete(index)
    await session.stop()
  }

  async #revoke(scope: SessionScope, session: Session): Promise<void> {
    const { revoke, onLost, options } = this.#host
    await revoke(scope, options.handOverMs)
    // Another one, if the connection was lost meanwhile and opened again.
    const current = session.scope
    if (current === undefined || this.#stopping.signal.aborted) return
    // From here to the end of the session nothing is handed on that nobody would be told of.
    current.drop()
    if (current.handed === 0) return
    // What has outlasted the deadline must not be begun again here, when another process has the session.
    onLost(current, mqttError('ERR_TOO_LATE', `Session ${current.id} goes to another process before its handlers have ended`))
  }

  #schedule(): void {
    const { services, options } = this.#host
    const { clock, random } = services
    this.#timer = clock.timer(clock.monotonic() + jittered(options.rebalanceMs, random), () => {
      if (this.#stopping.signal.aborted) return
      this.#knock()
      void this.#balance()
      this.#schedule()
    })
  }

  /** Of whom nothing was heard for long is asked whether he is there. */
  #knock(): void {
    const { control } = this.#host
    for (const name of this.#names) {
      if (this.#held.has(name.index) || !this.#presence.isSilent(name.index)) continue
      // Who does not hear it is asked again at the next look: no answer of the broker is needed, which would count for its Receive Maximum.
      control.connection?.publish({ topic: `${this.#asksTopic(name)}/${name.index}`, payload: knock, qos: 0, retain: false }, () => undefined)
    }
  }

  /** One at a time; what changes meanwhile is looked at afterwards. */
  async #balance(): Promise<void> {
    if (this.#balancing !== undefined) {
      this.#again = true
      return
    }
    do {
      this.#again = false
      await this.#alone(this.#balanceOnce(false))
    } while (this.#again && !this.#stopping.signal.aborted)
  }

  /** What comes meanwhile starts no other. */
  async #alone(balancing: Promise<void>): Promise<void> {
    this.#balancing = balancing
    try {
      await balancing
    } finally {
      this.#balancing = undefined
    }
  }

  async #balanceOnce(first: boolean): Promise<void> {
    const { signal } = this.#stopping
    for (let step = this.#next(); step !== undefined && !signal.aborted; step = this.#next()) {
      if ('ask' in step) {
        if (!(await this.#ask(step.ask))) return
        break
      }
      if (!(await this.#take(step.take, first))) return
    }
    // What could not be taken is not wanted any more, if somebody else has it now.
    if (!signal.aborted) this.#host.onRestored()
  }

  #next(): ReturnType<typeof nextStep> {
    const { services, options, holder } = this.#host
    const now = services.clock.monotonic()
    for (const { index } of this.#names) {
      if (this.#held.has(index) || this.#notes.get(index)?.holder !== undefined) this.#freeSince.delete(index)
      else if (!this.#freeSince.has(index)) this.#freeSince.set(index, now)
    }
    return nextStep({
      notes: this.#notes,
      members: this.#names.length,
      holder,
      held: new Set(this.#held.keys()),
      stranded: (index) => now - (this.#freeSince.get(index) ?? now) > strandedLooks * options.rebalanceMs,
      gone: (index) => this.#isGone(index),
      yielded: (index) => now < (this.#yieldedUntil.get(index) ?? now),
    })
  }

  #isFree(index: number): boolean {
    const holder = this.#notes.get(index)?.holder
    return holder === undefined || holder === this.#host.holder || this.#isGone(index)
  }

  #isGone(index: number): boolean {
    return this.#host.control.connection !== undefined && this.#presence.isGone(index)
  }

  /** True if it is ours now. Throws only at the start. */
  async #take(index: number, first: boolean): Promise<boolean> {
    const { services, onRetry } = this.#host
    const name = this.#names[index]
    const { signal } = this.#stopping
    if (name === undefined) return false
    if (!first) await pauseFor(hesitationMs * services.random(), services.clock, signal)
    if (signal.aborted || this.#held.has(index) || (!first && !this.#isFree(index))) return false
    const gone = this.#isGone(index)
    const session = new Session(name, { ...this.#host, onDisplaced: this.#onDisplaced })
    this.#held.set(index, session)
    try {
      await session.start()
      if (first) return true
      const why = gone ? 'nothing was heard of its holder for long' : 'it had no holder: he has left, or died'
      services.log(gone ? 'warn' : 'info', 'session:taken', { session: name.clientId, why })
      return true
    } catch (error) {
      this.#held.delete(index)
      if (first) throw error
      if (isBrokerError(error) && error.code !== 'ERR_CLOSED') onRetry(toBrokerError(error, `Opening session ${name.clientId}`))
      return false
    }
  }

  /** A holder that does not answer in time is gone, and its session taken. False if that could not be. */
  async #ask(index: number): Promise<boolean> {
    const { services, options, control } = this.#host
    const name = this.#names[index]
    const now = services.clock.monotonic()
    const askedAt = this.#askedAt.get(index)
    if (name === undefined || control.connection === undefined) return true
    if (askedAt === undefined) this.#askedAt.set(index, now)
    else if (now - askedAt > options.handOverMs + strandedLooks * options.rebalanceMs) {
      this.#askedAt.delete(index)
      services.log('warn', 'session:seized', { session: name.clientId, why: 'its holder does not answer' })
      try {
        return await this.#take(index, true)
      } catch (error) {
        this.#host.onRetry(toBrokerError(error, `Opening session ${name.clientId}`))
        return false
      }
    }
    const publication = { topic: `${this.#asksTopic(name)}/${index}`, payload: this.#host.holder, qos: 0, retain: false } as const
    control.connection.publish(publication, () => undefined)
    return true
  }

  readonly #onDisplaced = (session: Session, error: BrokerError): void => {
    this.#host.services.log('info', 'session:displaced', { session: session.name.clientId, error: error.message })
    if (this.#held.get(session.name.index) === session) this.#held.delete(session.name.index)
    void this.#balance()
  }

  #asksTopic({ base }: SessionName): string {
    return `${this.#host.options.notesTopic}/asks/${base}`
  }
}
