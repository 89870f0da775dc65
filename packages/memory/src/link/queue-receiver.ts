import {
  PrefixTracker,
  type BrokerError,
  type Delivery,
  type Intake,
  type Outcome,
  type Receiver,
  type Scope,
  type SettleResult,
  type Tracked,
  type Window,
} from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import { settleUnder } from '../faults/settle-faults.ts'
import { QueueDelivery } from '../queue/delivery.ts'
import type { Port } from '../queue/port.ts'
import type { Queue } from '../queue/queue.ts'
import type { MemoryLink } from './link.ts'
import type { LinkMember } from './member.ts'

/** Receives from a queue or from the queue of a subscription. */
export class QueueReceiver implements Receiver, LinkMember {
  declare readonly extend?: (deliveries: readonly Delivery[], ms: number) => Promise<readonly SettleResult[]>
  readonly #link: MemoryLink
  readonly #queue: Queue
  readonly #intake: Intake
  readonly #port: Port
  /** Where acks count in the order of delivery only; a new one for each session. */
  #prefix: PrefixTracker<QueueDelivery> | undefined
  readonly #tracked = new WeakMap<QueueDelivery, Tracked<QueueDelivery>>()
  #state: 'new' | 'open' | 'paused' | 'ended' = 'new'
  #sessions = 0

  constructor(link: MemoryLink, queue: Queue, intake: Intake, window: Window) {
    this.#link = link
    this.#queue = queue
    this.#intake = intake
    this.#port = queue.attach(link.nextReceiverName(), window, (deliveries) => this.#deliver(deliveries))
    this.#port.member = this
    if (queue.behaviour.lease) this.extend = (deliveries, ms) => this.#extend(deliveries, ms)
  }

  get place(): string {
    return this.#queue.name
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#link.join(this)
    if (this.#queue.behaviour.exclusive) for (const port of [...this.#queue.ports]) if (port !== this.#port) port.member?.displaced(takenOver())
    this.#state = 'open'
    this.#openSession()
  }

  settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    const refused = this.#refuse(outcomes.length)
    if (refused !== undefined) return Promise.resolve(outcomes.map(() => refused))
    if (!this.#link.up) return Promise.resolve(outcomes.map(() => ({ error: this.#link.unavailable() })))
    const { faults } = this.#queue.world
    if (faults === undefined) return Promise.resolve(this.#settleAll(outcomes))
    return settleUnder(faults, outcomes, (all) => this.#settleAll(all), this, this.#queue.behaviour.answer)
  }

  resize(window: Window): void {
    this.#port.resize(window)
    this.#queue.wake()
  }

  async pause(): Promise<void> {
    if (this.#state === 'open') this.#state = 'paused'
    this.#port.open = false
  }

  async resume(): Promise<void> {
    if (this.#state !== 'paused') return
    this.#state = 'open'
    this.connectionRestored()
  }

  async handBack(): Promise<void> {
    this.#end()
  }

  connectionLost(reason: BrokerError): void {
    this.#port.open = false
    if (this.#queue.behaviour.lease) this.#forgetStalled()
    else this.lose(reason)
  }

  connectionRestored(): void {
    if (this.#state === 'open') this.#openSession()
  }

  linkClosed(reason: BrokerError): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#link.leave(this)
    this.#forgetStalled()
    if (this.#queue.behaviour.lease) this.#queue.retire(this.#port)
    else {
      this.lose(reason)
      this.#queue.detach(this.#port)
    }
  }

  lose(reason: BrokerError): void {
    const seen = this.#seen()
    const session = this.#port.session
    this.#port.session = undefined
    this.#forgetStalled()
    this.#queue.lose(this.#port)
    if (session !== undefined) this.#intake.lost(session, reason)
    else for (const delivery of seen) this.#intake.lost(delivery.scope, reason)
    if (this.#state === 'open') this.#openSession()
  }

  displaced(reason: BrokerError): void {
    if (this.#state === 'ended') return
    const session = this.#port.session
    this.#end()
    if (session !== undefined) this.#intake.lost(session, reason)
    this.#intake.failed(reason, true)
  }

  drop(downMs: number): void {
    this.#link.drop(downMs)
  }

  crash(): void {
    this.#link.crash()
  }

  steal(): void {
    const [first] = this.#seen()
    if (first === undefined) return
    const reason = memoryError('ERR_TOO_LATE', 'The lease was taken away')
    if (this.#port.session !== undefined) this.lose(reason)
    else {
      this.#queue.expire(first)
      this.#intake.lost(first.scope, reason)
    }
  }

  /** What the intake was given and has not settled. */
  #seen(): QueueDelivery[] {
    const stalled = this.#queue.world.faults?.stalled.get(this.#port)
    const held = this.#port.leases.all()
    return stalled === undefined ? held : held.filter((delivery) => !stalled.deliveries.includes(delivery))
  }

  /** What was on its way does not arrive any more. */
  #forgetStalled(): void {
    this.#queue.world.faults?.stalled.delete(this.#port)
  }

  #end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#forgetStalled()
    this.#queue.detach(this.#port)
    this.#link.leave(this)
  }

  #openSession(): void {
    if (!this.#link.up) return
    const { lease, settlement } = this.#queue.behaviour
    if (!lease && this.#port.session === undefined) {
      this.#port.session = Object.freeze<Scope>({ id: `${this.#port.name}.${++this.#sessions}` })
      this.#prefix = settlement === 'prefix' ? new PrefixTracker() : undefined
    }
    this.#port.open = true
    this.#queue.wake()
  }

  #deliver(deliveries: QueueDelivery[]): void {
    this.#link.services.meter('receive', 1)
    if (this.#prefix !== undefined) for (const delivery of deliveries) this.#tracked.set(delivery, this.#prefix.add(delivery))
    this.#intake.deliver(deliveries)
  }

  #settleAll(outcomes: readonly Outcome[]): SettleResult[] {
    this.#link.services.meter('settle', 1)
    const now = this.#queue.world.clock.monotonic()
    const results = new Array<SettleResult>(outcomes.length)
    for (let index = 0; index < outcomes.length; index++) {
      const outcome = outcomes[index] as Outcome
      results[index] = this.#prefix === undefined ? this.#queue.settle(outcome, this.#port, now) : this.#settleInOrder(this.#prefix, outcome, now)
    }
    this.#queue.wake()
    return results
  }

  /** The broker hears of an ack when all earlier ones are there. */
  #settleInOrder(prefix: PrefixTracker<QueueDelivery>, outcome: Outcome, now: number): SettleResult {
    const { delivery } = outcome
    const tracked = delivery instanceof QueueDelivery && delivery.live && outcome.action === 'ack' ? this.#tracked.get(delivery) : undefined
    if (tracked === undefined) return this.#queue.settle(outcome, this.#port, now)
    for (const done of prefix.complete(tracked)) this.#queue.settle({ delivery: done, action: 'ack' }, this.#port, now)
    return 'accepted'
  }

  /** A request with too many entries fails as a whole. */
  #refuse(entries: number): SettleResult | undefined {
    const { maxSettle } = this.#queue.behaviour
    return entries <= maxSettle ? undefined : { error: memoryError('ERR_INVALID', `A request takes up to ${maxSettle} entries, not ${entries}`) }
  }

  async #extend(deliveries: readonly Delivery[], ms: number): Promise<readonly SettleResult[]> {
    const refused = this.#refuse(deliveries.length)
    if (refused !== undefined) return deliveries.map(() => refused)
    if (!this.#link.up) return deliveries.map(() => ({ error: this.#link.unavailable() }))
    this.#link.services.meter('extend', 1)
    const now = this.#queue.world.clock.monotonic()
    return deliveries.map((delivery) =>
      delivery instanceof QueueDelivery && delivery.port === this.#port
        ? this.#queue.extend(delivery, ms, now)
        : { error: memoryError('ERR_INVALID', 'The delivery belongs to another receiver') },
    )
  }
}

function takenOver(): BrokerError {
  return memoryError('ERR_CONFLICT', 'Another consumer has taken over the session')
}
