import type { Clock, Timer } from '../clock.ts'
import { fingerprint } from '../consumer/fingerprint.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Link } from '../driver/driver.ts'
import type { Endpoint } from '../driver/endpoint.ts'
import type { Delivery, Intake, Receiver, Scope, SettleResult, Window } from '../driver/receiver.ts'
import { BrokerError } from '../errors.ts'
import { Fifo } from '../fifo.ts'
import { inCalls } from '../in-calls.ts'
import { sleep } from '../sleep.ts'

/** How long nothing must arrive, over a connection that holds, before the place counts as empty. */
const quietMs = 1_000
/** The same before anything has arrived, where a broker is asked: the first answer may take a connection, and what was just given back. */
const firstQuietMs = 2_000
/** How long a connection may be away before the operation fails. */
const outageMs = 30_000

const ackDeadlineMs = 30_000
const firstPauseMs = 100
const lastPauseMs = 5_000

/** Leases are looked at so often while they last, and renewed from half of that time on: one call may fail. */
const leaseLooks = 4

const windowMessages = 100
const windowBytes = 64 * 1024 * 1024
/** Of what is left alone and held: as much memory as an operation may take. */
const mostBytes = 512 * 1024 * 1024

/** Reads deliveries one by one from a place that operators look into; what is not settled when it closes goes back. */
export class DeadLetterReader implements AsyncDisposable, Intake {
  readonly #clock: Clock
  readonly #link: Link
  readonly #name: string
  #window: Window
  readonly #receiver: Receiver
  readonly #capabilities: Capabilities
  readonly #arrived: Fifo<Delivery> = new Fifo()
  readonly #taken: Set<Delivery> = new Set()
  /** Bytes of their bodies. */
  #takenBytes = 0
  /** Which were given out and lost, and have not come again. */
  readonly #lost: Set<string> = new Set()
  #keeping: Timer | undefined
  #started = false
  /** Something has arrived. */
  #found = false
  /** Those that were lost with leases of their own, and have not come again. */
  readonly #away: Set<string> = new Set()
  /** Monotonic milliseconds at which they all have: a renewal that came too late for us may have hidden them for a lease more. */
  #backBy = 0
  /** Deliveries were lost: a silence that has begun before says nothing. */
  #disturbed = false
  #failure: BrokerError | undefined
  #wake: (() => void) | undefined

  /** `holding`: deliveries that will stay unsettled until the end, which the window must have room for. */
  constructor(link: Link, endpoint: Endpoint, capabilities: Capabilities, clock: Clock, holding: number) {
    if (!link.receiver) throw new TypeError(`${endpoint.name}: nothing can be received from this driver`)
    this.#clock = clock
    this.#link = link
    this.#name = endpoint.name
    this.#capabilities = capabilities
    this.#window = { messages: windowMessages + Math.min(holding, 10_000), bytes: windowBytes }
    this.#receiver = link.receiver(endpoint, this, this.#window)
  }

  async start(): Promise<void> {
    await this.#receiver.start()
    this.#started = true
    this.#keepLeases()
  }

  /** Is it still ours? A lease may have ended before it could be looked at, on a machine that stood still. */
  holds(delivery: Delivery): boolean {
    return this.#taken.has(delivery) && !this.#hasEnded(delivery)
  }

  #hasEnded({ leaseUntil = Infinity }: Delivery): boolean {
    return leaseUntil <= this.#clock.monotonic()
  }

  /** Was it given out before, and lost? To be asked once of each. */
  isRepeat(delivery: Delivery): boolean {
    return this.#lost.size > 0 && this.#lost.delete(identityOf(delivery))
  }

  /** It holds as many as it may, or as much: what it looks for may be behind them. */
  get full(): boolean {
    return this.#taken.size >= this.#window.messages || this.#takenBytes >= mostBytes
  }

  /** How many it has given out and not let go. */
  get held(): number {
    return this.#taken.size
  }

  /** Nothing more has arrived yet. */
  get empty(): boolean {
    return this.#arrived.size === 0
  }

  /** The next delivery; `undefined` when nothing has come for a second, or two at first. Rejects when the connection is away for half a minute. */
  async next(signal: AbortSignal | undefined): Promise<Delivery | undefined> {
    const deadline = this.#clock.monotonic() + outageMs
    this.#makeRoom()
    do {
      signal?.throwIfAborted()
      this.#disturbed = false
      if (this.#arrived.size === 0 && !this.#failure) await this.#arrival()
      if (this.#failure) throw this.#failure
    } while (this.#arrived.size === 0 && this.#saysNothing(deadline))
    const delivery = this.#arrived.shift()
    if (delivery) {
      this.#taken.add(delivery)
      this.#takenBytes += delivery.incoming.bodyBytes
    }
    return delivery
  }

  /** For one more of any size: without room silence would look like the end of the place. */
  #makeRoom(): void {
    const needed = this.#takenBytes + this.#capabilities.maxMessageBytes
    if (this.full || needed <= this.#window.bytes) return
    this.#window = { ...this.#window, bytes: needed + windowBytes }
    this.#receiver.resize(this.#window)
  }

  /** Is the silence that of the connection, and not of the place? */
  #saysNothing(deadline: number): boolean {
    const connected = this.#isConnected()
    if (this.#away.size > 0 && this.#clock.monotonic() < this.#backBy) return true
    if (!this.#disturbed && connected) return false
    if (this.#clock.monotonic() < deadline) return true
    throw new BrokerError('ERR_UNAVAILABLE', `${this.#name} could not be reached for ${outageMs / 1_000} s: what it holds is not known.`)
  }

  /** Throws where the broker has closed, or the driver has given its connection up: nothing comes any more, and nothing can be settled. */
  #isConnected(): boolean {
    const health = this.#link.health()
    if (health.state === 'closed')
      throw new BrokerError('ERR_CLOSED', `${this.#name}: the connection has been closed while dead letters were read.`, { cause: health.error })
    return health.state === 'connected'
  }

  /** Repeats what fails with a retryable error, for half a minute. What comes too late is delivered and looked at again. */
  async ack(deliveries: readonly Delivery[], signal: AbortSignal | undefined): Promise<void> {
    for (const delivery of deliveries) this.#letGo(delivery)
    const deadline = this.#clock.monotonic() + ackDeadlineMs
    let open = deliveries
    for (let pauseMs = firstPauseMs; open.length > 0; pauseMs = Math.min(lastPauseMs, pauseMs * 2)) {
      const results = await this.#settle(open)
      const acked = open.filter((_, index) => results[index] === 'durable' || results[index] === 'accepted')
      // Of those that were lost, what is acked after all does not come again.
      if (this.#away.size > 0) for (const delivery of acked) this.#away.delete(identityOf(delivery))
      const late = this.#clock.monotonic() + pauseMs >= deadline
      const final = results.find((result) => typeof result === 'object' && (late || !result.error.retryable))
      if (typeof final === 'object') throw final.error
      open = open.filter((_, index) => typeof results[index] === 'object')
      if (open.length === 0) return
      this.#isConnected()
      await sleep(this.#clock, pauseMs, signal)
    }
  }

  #settle(deliveries: readonly Delivery[]): Promise<readonly SettleResult[]> {
    return this.#inCalls(deliveries, (some) => this.#receiver.settle(some.map((delivery) => ({ delivery, action: 'ack' as const }))))
  }

  #inCalls(deliveries: readonly Delivery[], call: (some: readonly Delivery[]) => Promise<readonly SettleResult[]>): Promise<readonly SettleResult[]> {
    const { settlement } = this.#capabilities
    return inCalls(deliveries, settlement ? settlement.maxBatch : deliveries.length, call)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#keeping?.cancel()
    // One that did not start holds nothing.
    if (!this.#started) return
    this.#started = false
    await this.#receiver.pause().catch(() => undefined)
    await this.#receiver.handBack()
  }

  deliver(deliveries: readonly Delivery[]): void {
    this.#found = true
    for (const delivery of deliveries) {
      this.#arrived.push(delivery)
      if (this.#away.size > 0) this.#away.delete(identityOf(delivery))
    }
    this.#wake?.()
  }

  lost(scope: Scope): void {
    this.#disturbed = true
    this.#drop((delivery) => delivery.scope === scope)
  }

  /** What was acked stays acked; the rest is delivered again and looked at again. */
  #drop(isLost: (delivery: Delivery) => boolean): void {
    const gone: Delivery[] = []
    for (const delivery of this.#taken) {
      if (!isLost(delivery)) continue
      gone.push(delivery)
      this.#letGo(delivery)
      this.#lost.add(identityOf(delivery))
    }
    for (const delivery of this.#arrived.takeAll()) {
      if (isLost(delivery)) gone.push(delivery)
      else this.#arrived.push(delivery)
    }
    if (gone.length > 0) this.#expectAgain(gone)
  }

  #expectAgain(gone: readonly Delivery[]): void {
    this.#disturbed = true
    const { lease } = this.#capabilities
    // Of a connection it gives back all at once.
    if (!lease || lease.kind !== 'message') return
    this.#backBy = this.#clock.monotonic() + lease.ms
    for (const delivery of gone) this.#away.add(identityOf(delivery))
    // They may have come before anybody saw that they were lost.
    for (const delivery of [...this.#taken, ...this.#arrived]) this.#away.delete(identityOf(delivery))
  }

  #letGo(delivery: Delivery): void {
    if (this.#taken.delete(delivery)) this.#takenBytes -= delivery.incoming.bodyBytes
  }

  revoke(): Promise<void> {
    return Promise.resolve()
  }

  failed(error: BrokerError, fatal: boolean): void {
    if (!fatal) return
    this.#failure = error
    this.#wake?.()
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const polled = this.#receiver.extend !== undefined
      const timer = this.#clock.timer(this.#clock.monotonic() + (polled && !this.#found ? firstQuietMs : quietMs), () => {
        this.#wake = undefined
        resolve()
      })
      this.#wake = () => {
        this.#wake = undefined
        timer.cancel()
        resolve()
      }
    })
  }

  recovered(): void {
    // What does not come is waited for no longer than what is not there.
  }

  /** By a timer: whoever deals with what was taken may take longer than a lease before the next is asked for. */
  #keepLeases(): void {
    const { lease } = this.#capabilities
    if (!this.#started || !lease || lease.kind !== 'message' || !this.#receiver.extend) return
    this.#keeping = this.#clock.timer(this.#clock.monotonic() + lease.ms / leaseLooks, () => {
      void this.#renew(lease.ms).finally(() => this.#keepLeases())
    })
  }

  async #renew(leaseMs: number): Promise<void> {
    this.#drop((delivery) => this.#hasEnded(delivery))
    const soon = this.#clock.monotonic() + (2 * leaseMs) / leaseLooks
    const due = [...this.#taken, ...this.#arrived].filter(({ leaseUntil = Infinity }) => leaseUntil <= soon)
    // What fails is tried again at the next look, or has ended by then.
    const results = await this.#inCalls(due, async (some) => (await this.#receiver.extend?.(some, leaseMs)) ?? []).catch(() => [])
    const late = new Set(due.filter((_, index) => results[index] === 'too-late'))
    this.#drop((delivery) => late.has(delivery))
  }
}

function identityOf({ sameAs, incoming }: Delivery): string {
  return `${sameAs ?? incoming.id}/${fingerprint(incoming)}`
}
