import {
  changeDelay,
  changeRetention,
  Queue,
  queueStats,
  sqsBehaviour,
  Stored,
  type Port,
  type QueueBehaviour,
  type QueueDelivery,
} from '@busbar/memory/engine'
import { arnOf, type Account } from '../account.ts'
import { incomingOf, messageIn, type WireMessage } from './message.ts'
import { Polls } from './polls.ts'
import { ReceiveAttempts } from './receive-attempts.ts'
import { Receipts, type Receipt } from './receipts.ts'

/** One queue of the service: a queue of the engine, and what a client of the service sees of it. */
export class WireQueue {
  readonly region: string
  readonly name: string
  readonly arn: string
  readonly fifo: boolean
  /** Settable attributes, with their defaults. */
  attributes: ReadonlyMap<string, string> = new Map()
  readonly tags: Map<string, string>
  /** Seconds since the epoch. */
  readonly createdAt: number
  modifiedAt: number
  readonly queue: Queue
  readonly port: Port
  readonly receipts: Receipts
  readonly polls: Polls
  readonly attempts: ReceiveAttempts
  deleted = false
  readonly #account: Account
  /** That of the creation: to change it later has no effect. */
  readonly #groupScope: boolean

  constructor(account: Account, region: string, name: string, number: number, attributes: ReadonlyMap<string, string>, tags: Map<string, string>) {
    this.#account = account
    this.region = region
    this.name = name
    this.arn = arnOf('sqs', region, name)
    this.fifo = attributes.get('FifoQueue') === 'true'
    this.#groupScope = attributes.get('DeduplicationScope') === 'messageGroup'
    this.tags = tags
    this.createdAt = this.modifiedAt = Math.floor(account.clock.now() / 1_000)
    this.queue = new Queue(name, behaviourOf(account, this.fifo), account.world)
    this.port = this.queue.attach('wire', { messages: Infinity, bytes: Infinity }, () => {})
    this.receipts = new Receipts(`${this.arn}#${number}`)
    this.polls = new Polls(account.clock)
    this.attempts = new ReceiveAttempts(account.clock, account.limits.receiveAttemptMs)
    this.queue.onReady = () => this.polls.serve()
    this.change(attributes)
  }

  get url(): string {
    return `${this.#account.endpoint}/${this.arn.split(':')[4]}/${this.name}`
  }

  /** The value of a numeric attribute; seconds or bytes. */
  number(attribute: string): number {
    return Number(this.attributes.get(attribute))
  }

  change(attributes: ReadonlyMap<string, string>): void {
    this.attributes = attributes
    this.modifiedAt = Math.floor(this.#account.clock.now() / 1_000)
    changeDelay(this.queue, this.number('DelaySeconds') * 1_000)
    changeRetention(this.queue, this.number('MessageRetentionPeriod') * 1_000)
  }

  /** Stores a message, unless it repeats a deduplication id: then this is what was answered for the first one. */
  store(message: WireMessage, delayMs?: number): { readonly messageId: string; readonly sequenceNumber: string | undefined } {
    const { world } = this.#account
    const stored = new Stored(world.nextId(), incomingOf(message), world.clock.monotonic(), undefined, 0, this.#deduplicationKey(message))
    const id = this.queue.accept(stored, this.queue.delayOf(delayMs))
    return { messageId: this.#account.messageId(id), sequenceNumber: this.fifo ? sequenceNumber(id) : undefined }
  }

  /** One receive call: what there is now. With no visibility timeout a message is shown and stays where it is. */
  receive(max: number, visibilityMs: number): Receipt[] {
    this.catchUp()
    const deliveries = this.queue.pull(this.port, max, visibilityMs)
    const now = this.#account.clock.monotonic()
    for (const { message } of deliveries) messageIn(message).firstReceivedAt ??= this.#account.epochMs(now)
    if (visibilityMs === 0) for (const delivery of deliveries) this.queue.settle({ delivery, action: 'release' }, this.port, now)
    return deliveries.map((delivery) => this.receipts.add(delivery))
  }

  /** Does what timers are about to do: leases and delays that have ended must not be seen. */
  catchUp(): void {
    this.queue.catchUp()
    this.port.leases.catchUp()
  }

  counts(): { readonly ready: number; readonly inFlight: number; readonly delayed: number } {
    this.catchUp()
    const { ready = 0, inFlight = 0, delayed = 0 } = queueStats(this.queue)
    return { ready, inFlight, delayed }
  }

  /** What a client reads as id and position of a delivery's message. */
  identity({ message }: QueueDelivery): { readonly messageId: string; readonly sequenceNumber: string; readonly deduplicationId: string | undefined } {
    const messageId = this.#account.messageId(message.id)
    const moved = message.incoming.deadLetteredFrom !== undefined
    return { messageId, sequenceNumber: sequenceNumber(message.sequence), deduplicationId: moved ? messageId : messageIn(message).deduplicationId }
  }

  /** The queue is gone, with all that waits for it. */
  end(): void {
    this.deleted = true
    this.queue.onReady = undefined
    this.queue.detach(this.port)
    this.polls.endAll()
  }

  #deduplicationKey({ groupId, deduplicationId }: WireMessage): string | undefined {
    if (!this.fifo || deduplicationId === undefined) return undefined
    // Neither has spaces.
    return this.#groupScope ? `${groupId} ${deduplicationId}` : deduplicationId
  }
}

function behaviourOf({ limits, disorder }: Account, fifo: boolean): QueueBehaviour {
  const leaseMs = 30_000
  return {
    ...sqsBehaviour(fifo, { leaseMs, disorder, throttle: false }),
    lease: { ms: leaseMs, maxMs: limits.invisibleMs },
    maxInFlight: limits.inFlight,
    purgeEveryMs: limits.purgeEveryMs,
    deduplication: fifo ? { windowMs: limits.deduplicationMs } : false,
  }
}

/** Twenty digits, rising with gaps. */
function sequenceNumber(sequence: number): string {
  return String(18_800_000_000_000_000_000n + BigInt(sequence) * 256n)
}
