import type { Delivery, Driver, Endpoint, Intake, Link, Outcome, Outgoing, Receiver, Services } from '@busbar/core/driver'
import { memory, virtualClock, type MemoryDriver } from '@busbar/memory'
import { Reference } from './reference.ts'

export type Command =
  | { readonly do: 'send'; readonly key: string | undefined }
  /** On the n-th of the deliveries held, modulo their number. */
  | { readonly do: 'ack' | 'release' | 'dead-letter'; readonly nth: number }
  /** An ack with a receipt that is dead, since its lease has ended or its consumer was taken for dead. */
  | { readonly do: 'late-ack'; readonly nth: number }
  | { readonly do: 'retry'; readonly nth: number; readonly delayMs: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'drain' | 'crash' | 'redrive' }

const leaseMs = 30_000
const signal = new AbortController().signal

/** One memory broker in virtual time beside the reference: every delivery and every answer is checked as it comes. */
export class System {
  readonly reference: Reference = new Reference()
  readonly #clock = virtualClock({ auto: false })
  readonly #broker: MemoryDriver
  readonly #driver: Driver
  readonly #main: Endpoint
  readonly #dead: Endpoint
  #link!: Link
  #receiver!: Receiver
  #held: Delivery[] = []
  #stale: Delivery[] = []
  #failure: Error | undefined
  #sent = 0

  constructor(profile: 'full' | 'sqs-fifo', wrap: (driver: Driver) => Driver = (driver) => driver) {
    this.#broker = memory({ profile, clock: this.#clock, leaseMs, seed: 7 })
    this.#driver = wrap(this.#broker)
    this.#main = this.#endpoint('main.fifo')
    this.#dead = this.#endpoint('dead.fifo')
  }

  async open(): Promise<void> {
    this.#link = await this.#driver.connect(this.#services(), signal)
    await this.#receive()
  }

  async run(command: Command): Promise<void> {
    await this.#apply(command)
    await this.#clock.advance(0)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Everything that is left must come and go. */
  async finish(): Promise<void> {
    for (let round = 0; round < 200 && this.reference.left().length > 0; round++) {
      await this.run({ do: 'advance', ms: round === 0 ? 0 : 10_000 })
      while (this.#held.length > 0) await this.run({ do: 'ack', nth: 0 })
    }
    const left = this.reference.left()
    if (left.length > 0) throw new Error(`never came: ${left.join(', ')}`)
  }

  async #apply(command: Command): Promise<void> {
    switch (command.do) {
      case 'send':
        return this.#send(this.#main, `m-${++this.#sent}`, command.key, true)
      case 'advance':
        return this.#clock.advance(command.ms)
      case 'late-ack':
        return this.#ackLate(command.nth)
      case 'crash':
        this.#stale.push(...this.#held)
        this.#held = []
        this.reference.freed()
        return this.#broker.crashConsumers()
      case 'drain':
        await this.#receiver.pause()
        this.#held = []
        // Receipts are their receiver's own.
        this.#stale = []
        this.reference.freed()
        await this.#receiver.handBack()
        return this.#receive()
      case 'redrive':
        return this.#redrive()
      default:
        return this.#settle(command)
    }
  }

  async #settle(command: Exclude<Extract<Command, { readonly nth: number }>, { readonly do: 'late-ack' }>): Promise<void> {
    const [delivery] = this.#held.splice(command.nth % Math.max(1, this.#held.length), 1)
    if (delivery === undefined) return
    const text = String(delivery.incoming.body)
    const now = this.#clock.monotonic()
    if (command.do === 'dead-letter') await this.#send(this.#dead, text, delivery.incoming.key, false)
    const outcome: Outcome =
      command.do === 'retry'
        ? { delivery, action: 'retry', delayMs: command.delayMs, attempt: 1 }
        : { delivery, action: command.do === 'release' ? 'release' : 'ack' }
    // Told before the broker is: it may deliver again before it answers.
    const live = now < (delivery.leaseUntil ?? 0)
    this.reference.settled(
      text,
      live,
      now,
      command.do === 'ack' ? 'gone' : command.do === 'dead-letter' ? 'dead' : 'ready',
      command.do === 'retry' ? now + command.delayMs : 0,
    )
    const [answer] = await this.#receiver.settle([outcome])
    if ((answer === 'durable') !== live)
      throw new Error(`${command.do} of ${text} was answered ${JSON.stringify(answer)}, its lease was ${live ? 'live' : 'dead'}`)
  }

  async #ackLate(nth: number): Promise<void> {
    const delivery = this.#stale[nth % Math.max(1, this.#stale.length)]
    if (delivery === undefined) return
    const [answer] = await this.#receiver.settle([{ delivery, action: 'ack' }])
    if (answer !== 'too-late') throw new Error(`a late ack of ${String(delivery.incoming.body)} was answered ${JSON.stringify(answer)}`)
  }

  async #send(endpoint: Endpoint, text: string, key: string | undefined, isNew: boolean): Promise<void> {
    if (isNew) this.reference.sent(text, key)
    const [result] = await this.#link.sender(endpoint).send([outgoing(text, key, this.#clock.now())], signal)
    if (result?.ok !== true) throw new Error(`${text} is not taken: ${result?.error.message}`)
  }

  /** Takes all dead letters and sends back those that the reference knows as dead; a copy of a settle that came too late is no dead letter. */
  async #redrive(): Promise<void> {
    const found: Delivery[] = []
    if (this.#link.receiver === false) return
    const receiver = this.#link.receiver(this.#dead, { ...silent, deliver: (deliveries) => void found.push(...deliveries) }, { messages: 1_000, bytes: 1e9 })
    await receiver.start()
    await this.#clock.advance(0)
    const dead = new Set(this.reference.dead())
    for (const delivery of found) {
      const text = String(delivery.incoming.body)
      if (dead.delete(text)) {
        this.reference.redriven(text)
        await this.#send(this.#main, text, delivery.incoming.key, false)
      }
      await receiver.settle([{ delivery, action: 'ack' }])
    }
    await receiver.pause()
    await receiver.handBack()
    if (dead.size > 0) throw new Error(`dead letters that are not there: ${[...dead].join(', ')}`)
  }

  async #receive(): Promise<void> {
    if (this.#link.receiver === false) throw new Error('the link has no receivers')
    const deliver = (deliveries: readonly Delivery[]): void => {
      for (const delivery of deliveries) this.#arrived(delivery)
    }
    this.#receiver = this.#link.receiver(this.#main, { ...silent, deliver }, { messages: 4, bytes: 1e9 })
    await this.#receiver.start()
  }

  #arrived(delivery: Delivery): void {
    this.#stale.push(...this.#held.filter(({ sameAs }) => sameAs === delivery.sameAs))
    this.#held = [...this.#held.filter(({ sameAs }) => sameAs !== delivery.sameAs), delivery]
    try {
      this.reference.delivered(String(delivery.incoming.body), this.#clock.monotonic(), delivery.leaseUntil ?? 0)
    } catch (error) {
      this.#failure ??= error as Error
    }
  }

  #endpoint(name: string): Endpoint {
    return { destination: name, kind: 'queue', name, keyed: true, maxAttempts: 0, options: {} }
  }

  #services(): Services {
    return { clock: this.#clock, random: () => 0.5, log: () => {}, meter: () => {} }
  }
}

const silent: Intake = { deliver: () => {}, lost: () => {}, revoke: async () => {}, failed: () => {}, recovered: () => {} }

function outgoing(text: string, key: string | undefined, timestamp: number): Outgoing {
  return {
    id: text,
    body: text,
    bodyBytes: text.length,
    headers: {},
    type: undefined,
    contentType: undefined,
    timestamp,
    key,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
  }
}
