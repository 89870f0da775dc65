import type { Clock, Timer } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Outgoing, Sender, SendResult } from '../driver/sender.ts'
import { BrokerError, type ErrorCode } from '../errors.ts'
import { IndexedList } from '../indexed-list.ts'
import { jitteredBackoff } from '../jitter.ts'
import { Sweep } from '../sweep.ts'
import type { Telemetry } from '../telemetry.ts'
import { endedWithin } from '../waiting.ts'
import { PendingSend, type SendObserver } from './pending.ts'
import { SendBuffer } from './send-buffer.ts'

export interface ProducerEngineOptions {
  readonly destination: string
  readonly driver: string
  readonly clock: Clock
  readonly random: () => number
  readonly telemetry: Telemetry
  /** Messages of a key that one call may hold while no other does; 0: any number, and other calls too. */
  readonly mostOfKey: number
  readonly lingerMs: number
  readonly maxBuffered: number
  readonly maxBufferedBytes: number
}

const firstBackoffMs = 50
const lastBackoffMs = 5_000

/** How long a driver may take to end its requests when the producer closes. */
const lastAnswerMs = 1_000

const noAnswer: SendResult & { ok: false } = {
  ok: false,
  error: new BrokerError('ERR_UNAVAILABLE', 'The driver gave no answer.'),
  stored: 'unknown',
}

/** Sends of one destination: buffer, requests, retries and deadlines. Every accepted message gets exactly one answer. */
export class ProducerEngine {
  readonly #options: ProducerEngineOptions
  readonly #buffer: SendBuffer
  readonly #open: IndexedList<PendingSend> = new IndexedList()
  readonly #abort: AbortController = new AbortController()
  #sender: Sender | undefined
  #capabilities: Capabilities | undefined
  #bytes = 0
  #requests = 0
  #scheduled = false
  #linger: Timer | undefined
  readonly #deadlines: Sweep
  #backoff: Timer | undefined
  #failures = 0
  #closed: BrokerError | undefined
  #onAnswered: (() => void) | undefined
  #onIdle: (() => void)[] = []
  #onRoom: (() => void)[] = []
  readonly #run: () => void = () => {
    this.#scheduled = false
    this.#linger = undefined
    this.#pump()
  }

  constructor(options: ProducerEngineOptions) {
    this.#options = options
    this.#buffer = new SendBuffer(options.mostOfKey)
    this.#deadlines = new Sweep(options.clock, (now) => this.#expire(now))
  }

  get pending(): number {
    return this.#open.size
  }

  get full(): boolean {
    return this.#open.size >= this.#options.maxBuffered || this.#bytes >= this.#options.maxBufferedBytes
  }

  /** Resolves when there is room again, or the engine has closed. */
  async room(): Promise<void> {
    while (this.full && !this.#closed) await new Promise<void>((resolve) => this.#onRoom.push(resolve))
  }

  /** Once the broker has started. */
  attach(sender: Sender, capabilities: Capabilities): void {
    this.#sender = sender
    this.#capabilities = capabilities
    for (const pending of this.#open.all()) if (pending.state === 'buffered') this.#measure(pending)
    sender.onWritable = () => this.#schedule()
    this.#schedule()
  }

  /** Takes the message's place in the order. `prepared: false`: {@link prepared} or {@link fail} must follow. */
  add(outgoing: Outgoing, observer: SendObserver, index: number, timeoutMs: number, prepared: boolean): PendingSend {
    const deadline = this.#options.clock.monotonic() + timeoutMs
    const pending = new PendingSend(outgoing, observer, index, deadline, prepared)
    if (this.#closed) {
      pending.state = 'settled'
      observer.failed(pending, this.#closed, 'no')
      return pending
    }
    this.#open.add(pending)
    if (prepared) this.#measure(pending)
    else this.#weigh(pending, outgoing.bodyBytes)
    this.#buffer.add(pending)
    this.#deadlines.by(deadline)
    if (prepared) this.#schedule()
    return pending
  }

  /** The message is ready to go, possibly changed by middleware. */
  prepared(pending: PendingSend, outgoing: Outgoing): void {
    if (pending.state !== 'preparing') return
    pending.outgoing = outgoing
    pending.state = 'buffered'
    this.#measure(pending)
    this.#buffer.prepared(pending)
    this.#schedule()
  }

  /** Ends a message that was not handed over, if that is still so. */
  fail(pending: PendingSend, error: Error): void {
    if (pending.state === 'settled' || pending.state === 'out' || pending.handedOver) return
    this.#drop(pending, error, 'no')
    this.#schedule()
  }

  /** Forgets a message that its middleware answered instead of sending it. */
  cancel(pending: PendingSend): void {
    if (pending.state !== 'preparing') return
    this.#settled(pending)
    this.#buffer.finish(pending)
    this.#schedule()
  }

  /** Resolves when everything accepted so far has its answer. */
  async flushed(): Promise<void> {
    this.#pump()
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  /** Answers everything that has none and refuses what comes. */
  close(error: BrokerError): void {
    if (this.#closed) return
    this.#closed = error
    this.#linger?.cancel()
    this.#deadlines.cancel()
    this.#backoff?.cancel()
    this.#abort.abort(error)
    for (const pending of this.#open.all()) this.#settleFailed(pending, error, pending.state === 'out' || pending.handedOver ? 'unknown' : 'no')
  }

  /** Answers everything that was not handed over with `error`; later sends are accepted again. */
  failAll(error: BrokerError): void {
    for (const pending of this.#open.all()) {
      if (pending.state !== 'out') this.#drop(pending, error, pending.handedOver ? 'unknown' : 'no')
    }
  }

  /** After `close`: waits for the requests that are out, which its signal ends. */
  async closeSender(): Promise<void> {
    if (!this.#sender) return
    if (this.#requests > 0) await endedWithin(this.#options.clock, new Promise<void>((resolve) => (this.#onAnswered = resolve)), lastAnswerMs)
    await this.#sender.close()
  }

  #measure(pending: PendingSend): void {
    this.#weigh(pending, this.#sender ? this.#sender.sizeOf(pending.outgoing) : pending.outgoing.bodyBytes)
  }

  #weigh(pending: PendingSend, bytes: number): void {
    this.#bytes += bytes - pending.bytes
    pending.bytes = bytes
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed || !this.#sender) return
    const { clock, lingerMs } = this.#options
    const batchFull = this.#capabilities !== undefined && this.#buffer.ready >= this.#capabilities.maxBatch.messages
    if (lingerMs > 0 && !batchFull) {
      this.#linger ??= clock.timer(clock.monotonic() + lingerMs, this.#run)
      return
    }
    this.#linger?.cancel()
    this.#scheduled = true
    queueMicrotask(this.#run)
  }

  #pump(): void {
    const sender = this.#sender
    const limits = this.#capabilities?.maxBatch
    if (!sender || !limits || this.#closed) return
    const limit = this.#capabilities?.maxMessageBytes ?? Number.POSITIVE_INFINITY
    while (this.#buffer.ready > 0 && sender.writable && !this.#backoff && this.#requests < limits.inFlight) {
      // While a request is out, what is not enough to fill another waits for it and goes together.
      if (!limits.eager && this.#requests > 0 && this.#buffer.ready < limits.messages) return
      const taken = this.#buffer.take(limits.messages, limits.bytes)
      if (taken.length === 0) return
      const batch = taken.every((pending) => pending.bytes <= limit) ? taken : taken.filter((pending) => this.#fits(pending, limit))
      if (batch.length > 0) void this.#send(sender, batch)
    }
  }

  #fits(pending: PendingSend, limit: number): boolean {
    if (pending.bytes <= limit) return true
    const text = `The message takes ${pending.bytes} bytes with its headers, and ${this.#options.destination} takes at most ${limit}: send less, or use a claim check.`
    this.#giveUp(pending, this.#errorOf(pending, 'ERR_TOO_LARGE', text), 'no')
    return false
  }

  async #send(sender: Sender, batch: readonly PendingSend[]): Promise<void> {
    const { clock, destination, driver, telemetry } = this.#options
    const started = clock.monotonic()
    const outgoing: Outgoing[] = []
    for (const pending of batch) {
      pending.state = 'out'
      outgoing.push(pending.outgoing)
    }
    this.#requests++
    let results: readonly (SendResult | undefined)[] = []
    let missing = noAnswer
    try {
      results = await sender.send(outgoing, this.#abort.signal, (index, position) => {
        this.#settleSent(batch[index] as PendingSend, position)
        this.#schedule()
      })
    } catch (error) {
      // Against the contract; but the producer must not be stuck with the driver's mistake.
      missing = { ...noAnswer, error: new BrokerError('ERR_UNAVAILABLE', `send failed: ${String(error)}`, { destination, driver, cause: error }) }
    }
    this.#requests--
    if (this.#closed) {
      if (this.#requests === 0) this.#onAnswered?.()
      return
    }
    const again: PendingSend[] = []
    let failed = 0
    for (let i = 0; i < batch.length; i++) {
      const pending = batch[i] as PendingSend
      const result = results[i] ?? missing
      if (result.ok) {
        this.#settleSent(pending, result.position)
      } else {
        failed++
        if (this.#failedOnce(pending, result)) again.push(pending)
      }
    }
    telemetry.send?.({ destination, driver, messages: outgoing, failed, durationMs: clock.monotonic() - started })
    if (again.length > 0) this.#sendAgain(again)
    else this.#failures = 0
    this.#pump()
  }

  /** Is it to be sent again? */
  #failedOnce(pending: PendingSend, result: SendResult & { ok: false }): boolean {
    if (result.stored === 'unknown') pending.handedOver = true
    // Its deadline passed while it was out.
    if (pending.state === 'settled') {
      this.#failFollowing(pending)
      this.#buffer.finish(pending)
      return false
    }
    pending.state = 'buffered'
    if (result.error.retryable) return true
    this.#giveUp(pending, result.error, pending.handedOver ? 'unknown' : result.stored)
    return false
  }

  #sendAgain(pendings: readonly PendingSend[]): void {
    this.#buffer.putBack(pendings)
    if (this.#backoff || !this.#sender?.writable) return
    const { clock, random } = this.#options
    this.#backoff = clock.timer(clock.monotonic() + jitteredBackoff(this.#failures++, firstBackoffMs, lastBackoffMs, random), () => {
      this.#backoff = undefined
      this.#pump()
    })
  }

  /** For good; later messages of its key that wait here must not overtake it. */
  #giveUp(pending: PendingSend, error: Error, stored: 'no' | 'unknown'): void {
    this.#settleFailed(pending, error, stored)
    this.#failFollowing(pending)
    this.#buffer.finish(pending)
  }

  #failFollowing(pending: PendingSend): void {
    for (const next of this.#buffer.following(pending)) {
      const text = `An earlier message with the key '${next.key}' could not be sent to ${this.#options.destination}: send this one again after it.`
      this.#drop(next, this.#errorOf(next, 'ERR_ORDER', text), 'no')
    }
  }

  #drop(pending: PendingSend, error: Error, stored: 'no' | 'unknown'): void {
    this.#settleFailed(pending, error, stored)
    this.#buffer.finish(pending)
  }

  #errorOf({ outgoing }: PendingSend, code: ErrorCode, text: string): BrokerError {
    const { destination, driver } = this.#options
    return new BrokerError(code, text, { destination, driver, messageId: outgoing.id })
  }

  #settleSent(pending: PendingSend, position: string | undefined): void {
    const late = pending.state === 'settled'
    this.#settled(pending)
    this.#buffer.finish(pending)
    if (!late) pending.observer.sent(pending, position)
  }

  #settleFailed(pending: PendingSend, error: Error, stored: 'no' | 'unknown'): void {
    if (pending.state === 'settled') return
    this.#settled(pending)
    pending.observer.failed(pending, error, stored)
  }

  #settled(pending: PendingSend): void {
    if (pending.state === 'settled') return
    pending.state = 'settled'
    pending.onSettled?.()
    this.#open.remove(pending)
    this.#bytes -= pending.bytes
    if (this.#onRoom.length > 0 && !this.full) for (const resolve of this.#onRoom.splice(0)) resolve()
    if (this.#open.size === 0 && this.#onIdle.length > 0) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  #expire(now: number): number {
    let next = Infinity
    for (const pending of this.#open.all()) {
      if (pending.deadline <= now) this.#expired(pending)
      else next = Math.min(next, pending.deadline)
    }
    // What was not ready may have held up others.
    this.#schedule()
    return next
  }

  #expired(pending: PendingSend): void {
    const unsure = pending.state === 'out' || pending.handedOver
    const text = unsure
      ? `did not confirm the message in time: it may be stored, and sending it again may duplicate it.`
      : `could not take the message in time; it was not handed over, and sending it again is safe.`
    const error = this.#errorOf(pending, unsure ? 'ERR_UNCONFIRMED' : 'ERR_TIMEOUT', `${this.#options.destination} ${text}`)
    // While it is out, its lane stays closed until its request is answered.
    if (pending.state === 'out') this.#settleFailed(pending, error, 'unknown')
    else this.#giveUp(pending, error, unsure ? 'unknown' : 'no')
  }
}
