import { setTimeout as pause } from 'node:timers/promises'
import {
  Directive,
  exponential,
  isBrokerError,
  queue,
  systemClock,
  type AnyDefinition,
  type Broker,
  type LogLevel,
  type Message,
  type ProcessFunction,
  type Queue,
} from '@busbar/core'
import { memoryStore } from '@busbar/memory'
import { idempotency, retry } from '@busbar/middleware'
import { failsOnce, idOf, isPoisoned } from '../chaos/message-id.ts'
import { jobOf, workloadOf, type Job, type Workload, type WorkloadKind } from '../chaos/workload.ts'

const keys = 48
/** Sent and not done: more wait, as the machine cannot keep up. */
const mostOpen = 5_000
const turnMs = 10
/** So many messages for one request. */
const perRequest = 20
/** How long completed claims are remembered: short, so that their number is steady soon. */
const rememberMs = 10_000
/** What is not done after so long without any progress is lost or stuck. Longer than a claim lasts. */
const patienceMs = 60_000
const mostTroubles = 20

interface Question {
  readonly number: number
}

const quotes: Queue<Question, Question, number, number> = queue<Question, number>('quotes', {
  reply: { '~standard': { version: 1, vendor: 'soak', validate: (value) => ({ value: value as number }) } },
})

/** Sends at a steady rate and handles everything, with keys, retries, dead letters, claims and requests, and keeps books of what is not done. */
export class Load {
  readonly #workload: Workload
  readonly #open = new Set<string>()
  readonly #pending = new Set<Promise<unknown>>()
  readonly troubles: string[] = []
  /** Warnings that the broker has logged, such as of messages that were given up, by their events. */
  readonly notes: Map<string, number> = new Map()
  sent = 0
  handled = 0
  retried = 0
  deadLetters = 0
  replies = 0
  unexpected = 0

  constructor(kind: WorkloadKind) {
    this.#workload = workloadOf(kind)
  }

  get definitions(): readonly AnyDefinition[] {
    return [...this.#workload.definitions, quotes]
  }

  get lost(): number {
    return this.#open.size
  }

  trouble(text: string): void {
    if (this.troubles.length < mostTroubles) this.troubles.push(text)
  }

  /** What the broker logs. An error is nothing that may be in steady work. */
  note(level: LogLevel, event: string, data: Readonly<Record<string, unknown>>): void {
    if (level === 'warn') this.notes.set(event, (this.notes.get(event) ?? 0) + 1)
    if (level === 'error') this.trouble(`${event} ${JSON.stringify(data)}`)
  }

  async consume(broker: Broker): Promise<void> {
    const { source } = this.#workload
    const store = memoryStore({ clock: systemClock })
    const done: ProcessFunction = async ({ message }, next) => {
      const value = await next()
      if (!(value instanceof Directive)) this.#done(message.id)
      return value
    }
    await broker.consume(source, (message) => this.#handle(message), {
      use: [done, idempotency({ store, ttlMs: rememberMs }), retry({ maxAttempts: 3, backoff: exponential({ initialMs: 20, maxMs: 200 }) })],
    })
    await broker.consume(broker.deadLetters(source).queue, ({ id }) => this.#isDead(id), { concurrency: 4 })
    await broker.consume(quotes, ({ body }) => body.number * 2)
  }

  /** For so many seconds, and then until all is done. */
  async produce(broker: Broker, rate: number, seconds: number): Promise<void> {
    const producer = broker.producer(this.#workload.destination)
    const began = performance.now()
    for (let due = 0, elapsed = 0; elapsed < seconds; elapsed = (performance.now() - began) / 1_000) {
      due = Math.floor(elapsed * rate)
      for (; this.sent < due && this.#open.size < mostOpen; this.sent++) {
        const key = `k${this.sent % keys}`
        const id = idOf({ producer: 'soak', key, number: this.sent })
        this.#open.add(id)
        this.#watch('send', producer.send(jobOf(id, key)), id)
        if (this.sent % perRequest === 0) this.#request(broker, this.sent)
      }
      await pause(turnMs)
    }
    await this.#untilDone()
  }

  async #untilDone(): Promise<void> {
    let [left, since] = [Infinity, performance.now()]
    for (;;) {
      const open = this.#open.size + this.#pending.size
      if (open === 0 || performance.now() - since > patienceMs) return
      if (open < left) [left, since] = [open, performance.now()]
      await pause(turnMs)
    }
  }

  #request(broker: Broker, number: number): void {
    const asked = broker.request(quotes, { number }, { timeoutMs: 20_000 }).then((answer) => {
      if (answer !== number * 2) this.trouble(`the answer to ${number} was ${answer}`)
      this.replies++
    })
    this.#watch('request', asked)
  }

  #watch(what: string, work: Promise<unknown>, id?: string): void {
    this.#pending.add(work)
    const ended = (): boolean => this.#pending.delete(work)
    work.then(ended, (error: unknown) => {
      ended()
      if (id !== undefined) this.#open.delete(id)
      this.trouble(`${what}: ${isBrokerError(error) ? error.code : ''} ${String(error)}`)
    })
  }

  async #handle({ id, body, attempt }: Message<Job>): Promise<void> {
    if (body.id !== id || body.filler !== jobOf(id, body.key).filler) this.trouble(`${id} has arrived with another body`)
    if (attempt > 1) this.retried++
    await pause(1)
    if (isPoisoned(id) || (failsOnce(id) && attempt === 1)) throw new Error('the service behind does not answer')
  }

  #done(id: string): void {
    this.handled++
    if (!this.#open.delete(id)) this.unexpected++
  }

  #isDead(id: string): void {
    this.deadLetters++
    if (!this.#open.delete(id) || !isPoisoned(id)) this.unexpected++
  }
}
