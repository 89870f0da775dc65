import type { BrokerError, Delivery, Intake, Outcome, Receiver, Scope, SettleResult, Window } from '@busbar/core/driver'
import { check } from './assert.ts'
import { textOf } from './messages.ts'
import type { Place } from './place.ts'
import type { Changes, Waiting } from './waiting.ts'

/** One delivery as it came. */
export interface Arrival {
  readonly delivery: Delivery
  readonly text: string
  /** Monotonic milliseconds. */
  readonly at: number
}

/** What to do with a delivery when it comes: settle it, or keep it unsettled. */
export type Reaction = 'keep' | 'ack' | 'release' | 'discard' | { readonly retryMs: number }

/** More deliveries than any case sends, even doubled: a driver that floods is stopped instead of hanging the run. */
const floodLimit = 20_000

/** Core's side of a receiver, played by the case: it keeps everything that happens and settles only as told. */
export class Inbox implements Intake {
  readonly place: Place
  readonly arrivals: Arrival[] = []
  readonly lostScopes: Map<Scope, BrokerError> = new Map()
  readonly failures: { readonly error: BrokerError; readonly fatal: boolean }[] = []
  /** Failed and not recovered since. */
  failing = false
  /** Most deliveries and body bytes that were unsettled at once. */
  readonly peak: { messages: number; bytes: number } = { messages: 0, bytes: 0 }
  /** Applied to deliveries as they come. */
  react: (arrival: Arrival) => Reaction = () => 'keep'
  /** Plays handlers that outlast the deadline of every hand-over: what was delivered stays held. Resolves at the deadline, as core does. */
  outlast: ((deadlineMs: number) => Promise<void>) | undefined
  readonly #waiting: Waiting
  readonly #changes: Changes
  readonly #monotonic: () => number
  readonly #unsettled: Set<Delivery> = new Set()
  #receiver: Receiver | undefined
  readonly #settling: Set<Promise<unknown>> = new Set()
  #unsettledBytes = 0

  constructor(place: Place, waiting: Waiting, changes: Changes, monotonic: () => number) {
    this.place = place
    this.#waiting = waiting
    this.#changes = changes
    this.#monotonic = monotonic
  }

  async open(make: (intake: Intake) => Receiver): Promise<void> {
    this.#receiver = make(this)
    await this.#waiting.answered(this.#receiver.start(), 'start of the receiver')
  }

  get receiver(): Receiver {
    check(this.#receiver !== undefined, 'the inbox is open')
    return this.#receiver
  }

  deliver(deliveries: readonly Delivery[]): void {
    if (this.arrivals.length > floodLimit) return
    const wanted: Outcome[] = []
    for (const delivery of deliveries) {
      const arrival = { delivery, text: textOf(delivery.incoming), at: this.#monotonic() }
      this.arrivals.push(arrival)
      this.#hold(delivery)
      const reaction = this.react(arrival)
      if (reaction !== 'keep') wanted.push(outcomeOf(delivery, reaction))
    }
    if (wanted.length > 0) this.settle(wanted).catch((error: unknown) => this.#changes.fail(error))
    this.#changes.notify()
  }

  lost(scope: Scope, reason: BrokerError): void {
    this.lostScopes.set(scope, reason)
    for (const delivery of this.#unsettled) if (delivery.scope === scope) this.#drop(delivery)
    this.#changes.notify()
  }

  /** Unless told otherwise nothing of it is started, so that nothing is left to wait for: from here on it is held no longer. */
  async revoke(scope: Scope, deadlineMs: number): Promise<void> {
    if (this.outlast !== undefined) return this.outlast(deadlineMs)
    for (const delivery of this.#unsettled) if (delivery.scope === scope) this.#drop(delivery)
    this.#changes.notify()
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.failures.push({ error, fatal })
    this.failing = true
    this.#changes.notify()
  }

  recovered(): void {
    this.failing = false
    this.#changes.notify()
  }

  /** Bodies in order of arrival, repeats included. */
  texts(): string[] {
    return this.arrivals.map((arrival) => arrival.text)
  }

  /** Bodies in order of their first arrival. */
  distinct(): string[] {
    return [...new Set(this.texts())]
  }

  has(texts: readonly string[]): boolean {
    const seen = new Set(this.texts())
    return texts.every((text) => seen.has(text))
  }

  /** The latest arrival with this body. */
  latest(text: string): Arrival {
    const arrival = this.arrivals.findLast((candidate) => candidate.text === text)
    check(arrival !== undefined, () => `a message with the body ${text} has arrived`)
    return arrival
  }

  /** Unsettled deliveries with one of these bodies (default: all), in order of arrival. */
  unsettled(texts?: readonly string[]): Delivery[] {
    return [...this.#unsettled].filter((delivery) => texts === undefined || texts.includes(textOf(delivery.incoming)))
  }

  /** Of the unsettled deliveries those that are still ours: their leases have not run out. */
  held(): Delivery[] {
    const now = this.#monotonic()
    return this.unsettled().filter(({ leaseUntil }) => leaseUntil === undefined || leaseUntil > now)
  }

  /** Settles every unsettled delivery with one of these bodies (default: all) in the same way. */
  settleAll(reaction: Exclude<Reaction, 'keep'>, texts?: readonly string[]): Promise<readonly SettleResult[]> {
    return this.settle(this.unsettled(texts).map((delivery) => outcomeOf(delivery, reaction)))
  }

  /** Settles in calls of at most `settlement.maxBatch`, as core does, and checks the shape of the answers. */
  async settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    const { settlement } = this.place.capabilities
    check(settlement !== false, 'the endpoint can be settled')
    const results: SettleResult[] = []
    for (const { delivery } of outcomes) this.#drop(delivery)
    for (let start = 0; start < outcomes.length; start += settlement.maxBatch) {
      const part = outcomes.slice(start, start + settlement.maxBatch)
      const settling = this.#waiting.answered(this.receiver.settle(part), `settle of ${part.length} outcomes`)
      this.#settling.add(settling)
      const answers = await settling.finally(() => this.#settling.delete(settling))
      check(answers.length === part.length, `settle answers once per outcome: ${part.length} outcomes, ${answers.length} answers`)
      results.push(...answers)
    }
    this.#changes.notify()
    return results
  }

  /** Resolves when every settle that was made has been answered. */
  async settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.allSettled(this.#settling)
  }

  resize(window: Window): void {
    this.receiver.resize(window)
  }

  #hold(delivery: Delivery): void {
    this.#unsettled.add(delivery)
    this.#unsettledBytes += delivery.incoming.bodyBytes
    this.peak.messages = Math.max(this.peak.messages, this.#unsettled.size)
    this.peak.bytes = Math.max(this.peak.bytes, this.#unsettledBytes)
  }

  #drop(delivery: Delivery): void {
    if (this.#unsettled.delete(delivery)) this.#unsettledBytes -= delivery.incoming.bodyBytes
  }
}

export function outcomeOf(delivery: Delivery, reaction: Exclude<Reaction, 'keep'>): Outcome {
  if (typeof reaction === 'object') return { delivery, action: 'retry', delayMs: reaction.retryMs, attempt: delivery.incoming.attempt + 1 }
  return { delivery, action: reaction }
}
