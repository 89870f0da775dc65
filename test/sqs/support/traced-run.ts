import { type BrokerError, type Delivery, type Driver, type Endpoint, type Intake, type Outcome, type Outgoing, type Receiver } from '@busbar/core/driver'
import { systemClock } from '@busbar/core'

/** What is done with a message that is not acked yet. `back`: never begun, given back. */
export type Fate = 'again' | 'later' | 'back'

export interface Planned {
  readonly key: string | undefined
  readonly body: string | Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly delayMs: number
  /** One after the other, and then an ack. */
  readonly fates: readonly Fate[]
}

/** What happened, in a form that can be compared. */
export interface Trace {
  /** Per ordering key, and per message where there is none or where keys have no order: what was handled, how often before, and with what outcome. */
  readonly lines: Readonly<Record<string, readonly string[]>>
  /** Per message, as it came. */
  readonly messages: Readonly<Record<string, object>>
  /** Codes of sends that failed, per message. */
  readonly refused: Readonly<Record<string, string>>
  /** Per message, the deliveries that the broker had counted at its ack. */
  readonly counted: Readonly<Record<string, number | undefined>>
  /** Messages that are there in the end. */
  readonly left: number
}

/** Wait of what is handled `later`. */
const laterMs = 1_000
/** Clocks of the two sides, and whole milliseconds. */
const toleranceMs = 20

const never = new AbortController().signal

/** Sends all of `plan` by a driver, then handles it message by message until all is acked. Without core: what a driver does is seen as it is. */
export async function tracedRun(driver: Driver, endpoint: Endpoint, plan: readonly Planned[]): Promise<Trace> {
  const services = { clock: systemClock, random: Math.random, log: () => undefined, meter: () => undefined }
  const link = await driver.connect(services, never)
  try {
    await link.topology?.apply([endpoint], await link.topology.plan([endpoint], never), never)
    if (!link.receiver) throw new TypeError('a queue can be received from')
    const run = new Run(endpoint, plan)
    const sender = link.sender(endpoint)
    for (let from = 0; from < plan.length; from += 10) {
      const batch = plan.slice(from, from + 10).map((message, index) => outgoing(message, from + index))
      const askedAt = systemClock.monotonic()
      for (const [index, result] of (await sender.send(batch, never)).entries())
        run.sent(batch[index] as Outgoing, askedAt, result.ok ? undefined : result.error)
    }
    await sender.close()
    const receiver = link.receiver(endpoint, run, { messages: 10, bytes: 10_000_000 })
    await run.handleAll(receiver)
    await receiver.pause()
    await receiver.handBack()
    const { ready = 0, inFlight = 0, delayed = 0 } = (await link.stats?.(endpoint, never)) ?? {}
    return { ...run.trace, left: ready + inFlight + delayed }
  } finally {
    await link.close()
  }
}

class Run implements Intake {
  readonly #keyed: boolean
  readonly #plan: readonly Planned[]
  readonly #lines: Record<string, string[]> = {}
  readonly #messages: Record<string, object> = {}
  readonly #refused: Record<string, string> = {}
  readonly #counted: Record<string, number | undefined> = {}
  /** Before which a message must not come, in monotonic milliseconds. */
  readonly #notBefore: Map<string, number> = new Map()
  readonly #handled: Map<string, number> = new Map()
  #inHand: Delivery[] = []
  #open = 0
  #wake: (() => void) | undefined

  constructor({ keyed }: Endpoint, plan: readonly Planned[]) {
    this.#keyed = keyed
    this.#plan = plan
  }

  get trace(): Omit<Trace, 'left'> {
    return { lines: this.#lines, messages: this.#messages, refused: this.#refused, counted: this.#counted }
  }

  sent({ id, delayMs = 0 }: Outgoing, askedAt: number, error: BrokerError | undefined): void {
    if (error) this.#refused[id] = error.code
    else this.#open++
    this.#notBefore.set(id, askedAt + delayMs)
  }

  async handleAll(receiver: Receiver): Promise<void> {
    await receiver.start()
    while (this.#open > 0) {
      const delivery = this.#inHand.shift()
      if (delivery) await this.#handle(delivery, receiver)
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async #handle(delivery: Delivery, receiver: Receiver): Promise<void> {
    const { id = '', key, ...incoming } = delivery.incoming
    const before = this.#handled.get(id) ?? 0
    this.#handled.set(id, before + 1)
    const fate = this.#plan[Number(id)]?.fates[before] ?? 'ack'
    const isEarly = systemClock.monotonic() + toleranceMs < (this.#notBefore.get(id) ?? 0)
    const line = this.#keyed && key !== undefined ? `key ${key}` : `message ${id}`
    ;(this.#lines[line] ??= []).push(`${id}, ${before} times before${isEarly ? ', too early' : ''}: ${fate}`)
    const { body, headers, type, contentType, timestamp, attempt, correlationId, replyTo } = incoming
    this.#messages[id] ??= {
      key,
      body: Buffer.from(body).toString('hex'),
      headers: { ...headers },
      type,
      contentType,
      timestamp,
      attempt,
      correlationId,
      replyTo,
    }
    if (fate === 'ack') this.#counted[id] = delivery.brokerAttempts
    if (fate === 'later') this.#notBefore.set(id, systemClock.monotonic() + laterMs)
    const results = await receiver.settle(this.#outcomes(delivery, fate, before + 1))
    for (const result of results) if (result !== 'durable' && result !== 'accepted') throw new Error(`settling ${id}: ${JSON.stringify(result)}`)
    if (fate === 'ack') this.#open--
  }

  /** What is behind a message that failed goes back with it, so that its key stays in order. */
  #outcomes(delivery: Delivery, fate: Fate | 'ack', attempt: number): Outcome[] {
    if (fate === 'ack') return [{ delivery, action: 'ack' }]
    const isBehind = ({ incoming }: Delivery): boolean => this.#keyed && incoming.key !== undefined && incoming.key === delivery.incoming.key
    const behind = this.#inHand.filter(isBehind)
    this.#inHand = this.#inHand.filter((other) => !isBehind(other))
    const own: Outcome = fate === 'back' ? { delivery, action: 'release' } : { delivery, action: 'retry', delayMs: fate === 'later' ? laterMs : 0, attempt }
    return [own, ...behind.map((other): Outcome => ({ delivery: other, action: 'release' }))]
  }

  deliver(deliveries: readonly Delivery[]): void {
    this.#inHand.push(...deliveries)
    this.#wake?.()
  }

  lost(): void {
    throw new Error('nothing is lost here')
  }

  revoke(): Promise<void> {
    return Promise.resolve()
  }

  failed(error: BrokerError): void {
    throw error
  }

  recovered(): void {
    // Nothing fails here.
  }
}

function outgoing({ key, body, headers, delayMs }: Planned, index: number): Outgoing {
  return {
    id: String(index),
    body,
    bodyBytes: Buffer.byteLength(body),
    headers: Object.assign(Object.create(null) as Record<string, string>, headers),
    type: index % 3 === 0 ? 'order' : undefined,
    contentType: index % 2 === 0 ? 'text/plain' : undefined,
    timestamp: 1_767_225_600_000 + index,
    key,
    attempt: index % 4,
    deduplicationId: undefined,
    delayMs: delayMs === 0 ? undefined : delayMs,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: index % 5 === 0 ? 'c-1' : undefined,
    replyTo: undefined,
  }
}
