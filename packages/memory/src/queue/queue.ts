import type { Outcome, SettleResult, Window } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import type { BrokerEventKind } from '../events.ts'
import type { World } from '../world.ts'
import type { Admit, Backlog } from './backlog.ts'
import type { QueueBehaviour } from './behaviour.ts'
import { DeduplicationMemory } from './deduplication.ts'
import { DelayLine } from './delay-line.ts'
import { QueueDelivery } from './delivery.ts'
import { FairBacklog } from './fair-backlog.ts'
import { GroupBacklog } from './group-backlog.ts'
import { browseQueue } from './inspect.ts'
import { LeaseTable } from './leases.ts'
import { OrderedBacklog } from './ordered-backlog.ts'
import { Port } from './port.ts'
import { Settling } from './settling.ts'
import { Stored } from './stored.ts'

/** Where the broker puts what was delivered too often. */
export interface DeadLetterRule {
  readonly queue: Queue
  /** Deliveries after which the next one moves the message instead. */
  readonly limit: number
  /** Address of what the messages come from. */
  readonly from: string
}

/** One queue: what waits is its backlog's, what is delayed or in flight is its own. */
export class Queue {
  readonly name: string
  readonly behaviour: QueueBehaviour
  readonly world: World
  readonly backlog: Backlog
  readonly delayed: DelayLine
  deadLetter: DeadLetterRule | undefined = undefined
  /** Delay of messages that ask for none, in milliseconds. */
  defaultDelayMs = 0
  /** How long a message is kept, in milliseconds; see {@link changeRetention}. */
  retentionMs: number
  /** Called, in the microtask that delivers, when messages are ready that no receiver has taken: for those who call {@link Queue.pull}. */
  onReady: (() => void) | undefined = undefined
  /** Messages that could be delivered, or are held back by others of their key. */
  ready = 0
  inFlight = 0
  /** Was there ever a message that can expire? */
  mortal = false
  readonly #settling: Settling
  readonly #deduplication: DeduplicationMemory | undefined
  readonly #ports: Port[] = []
  #turn = 0
  #now = 0
  #scheduled = false
  #purgedAt = -Infinity

  constructor(name: string, behaviour: QueueBehaviour, world: World) {
    this.name = name
    this.behaviour = behaviour
    this.retentionMs = behaviour.retentionMs
    this.world = world
    this.backlog = backlogOf(behaviour, world, (message) => this.#admit(message))
    this.delayed = new DelayLine(world, (message) => this.#due(message))
    this.#deduplication = behaviour.deduplication ? new DeduplicationMemory(behaviour.deduplication.windowMs) : undefined
    this.#settling = new Settling(this)
  }

  get ports(): readonly Port[] {
    return this.#ports
  }

  /** Does anybody receive? */
  get attended(): boolean {
    return this.#ports.some((port) => !port.retired)
  }

  /** Does what was due while nobody received. */
  catchUp(): void {
    this.delayed.catchUp()
    for (const port of [...this.#ports]) if (port.retired) port.leases.catchUp()
  }

  /** The broker id of the message that is stored now or, for a repeated deduplication id, was. */
  accept(message: Stored, delayMs: number = this.defaultDelayMs): number {
    if (message.deduplicationId !== undefined && this.#deduplication !== undefined) {
      const original = this.#deduplication.original(message.deduplicationId, message.id, message.enqueuedAt)
      if (original !== undefined) {
        this.report('deduplicated', message)
        return original
      }
    }
    const { retentionMs } = this
    const { timeToLiveStepMs } = this.behaviour
    if (timeToLiveStepMs > 1 && message.expiresAt !== Infinity)
      message.expiresAt = message.enqueuedAt + Math.ceil((message.expiresAt - message.enqueuedAt) / timeToLiveStepMs) * timeToLiveStepMs
    if (retentionMs !== Infinity) message.expiresAt = Math.min(message.expiresAt, message.enqueuedAt + retentionMs)
    if (message.expiresAt !== Infinity) this.mortal = true
    if (delayMs > 0) {
      this.delayed.add(message, this.world.clock.monotonic() + this.step(delayMs))
      if (this.backlog.placesDelayed) this.backlog.add(message)
    } else {
      this.ready++
      this.backlog.add(message)
      if (!this.#scheduled) this.wake()
    }
    if (this.world.observer !== undefined) this.report('stored', message, delayMs > 0 ? `in ${delayMs} ms` : undefined)
    return message.id
  }

  /** The delay of a message that asks for `askedMs`. */
  delayOf(askedMs: number | undefined): number {
    return askedMs === undefined || !this.behaviour.delays ? this.defaultDelayMs : askedMs
  }

  /** A new receiver, closed at first. */
  attach(name: string, window: Window, deliver: (deliveries: QueueDelivery[]) => void): Port {
    const { lease, maxHoldMs } = this.behaviour
    const leases = lease
      ? new LeaseTable(this.world.clock, lease.ms, true, (deliveries) => this.#settling.expire(deliveries))
      : new LeaseTable(this.world.clock, maxHoldMs, false, () =>
          port.member?.lose(memoryError('ERR_TOO_LATE', `A delivery was not settled within ${maxHoldMs} ms`)),
        )
    const port: Port = new Port(name, window, leases, this.behaviour, deliver)
    this.#ports.push(port)
    this.#attend()
    return port
  }

  /** Gives back what the receiver holds, in order, and forgets it. */
  detach(port: Port): void {
    port.open = false
    this.#settling.giveBack(port, 'released')
    const index = this.#ports.indexOf(port)
    if (index >= 0) this.#ports.splice(index, 1)
    this.#attend()
    this.wake()
  }

  /** The receiver's link is closed without a word: what it holds comes again when its leases end. */
  retire(port: Port): void {
    port.open = false
    port.retired = true
    if (port.leases.size === 0) this.detach(port)
    else this.#attend()
  }

  /** One receive call of a client that asks: what it gets now, at most `max` and what such a call brings, leased for `leaseMs`. `port` is attached and stays closed. */
  pull(port: Port, max: number, leaseMs: number): QueueDelivery[] {
    this.#now = this.world.clock.monotonic()
    return this.#take(port, max, leaseMs)
  }

  /** What the receiver holds is lost to it: it comes again, in order. */
  lose(port: Port): void {
    this.#settling.giveBack(port, 'lost')
    this.wake()
  }

  settle(outcome: Outcome, port: Port, now: number): SettleResult {
    return this.#settling.settle(outcome, port, now)
  }

  extend(delivery: QueueDelivery, ms: number, now: number): SettleResult {
    return this.#settling.extend(delivery, ms, now)
  }

  /** SQS standard queues: the receipt of a lease that has ended hides its message again, if nobody has received it since. */
  reclaim(delivery: QueueDelivery, ms: number, now: number): SettleResult {
    return this.#settling.reclaim(delivery, ms, now)
  }

  /** The lease of a delivery ends at once, unknown to its receiver. */
  expire(delivery: QueueDelivery): void {
    if (delivery.live) this.#settling.expire([delivery])
  }

  /** Delivers, in the microtask to come, what can be delivered. */
  wake(): void {
    if (this.#scheduled || this.ready === 0 || this.#ports.length === 0) return
    this.#scheduled = true
    queueMicrotask(this.#flush)
  }

  /** Removes a message that is not in flight. */
  drop(message: Stored): void {
    if (message.state === 'delayed') this.delayed.remove(message)
    else this.ready--
    message.state = 'gone'
    this.backlog.gone(message)
  }

  /** Removes everything, or what is neither delayed nor in flight. Throws `ERR_UNSUPPORTED` where there is no purge, `ERR_CONFLICT` too soon after the last. */
  purge(): void {
    const { purges, purgeEveryMs } = this.behaviour
    if (purges === 'nothing') throw memoryError('ERR_UNSUPPORTED', `${this.name} cannot be purged`)
    const now = this.world.clock.monotonic()
    if (now < this.#purgedAt + purgeEveryMs) throw memoryError('ERR_CONFLICT', `${this.name} was purged less than ${purgeEveryMs} ms ago`)
    this.#purgedAt = now
    for (const message of browseQueue(this, -1, Infinity)) if (purges === 'everything' || message.state === 'ready') this.drop(message)
    if (purges === 'ready') return
    for (const port of this.#ports) for (const delivery of port.leases.all()) this.#settling.settle({ delivery, action: 'ack' }, port, now)
    this.#deduplication?.clear()
  }

  /** Has the time to live of a message that is not in flight ended? */
  isExpired(message: Stored, now: number): boolean {
    return message.expiresAt <= now && (message.receives === 0 || this.behaviour.expiresDelivered)
  }

  /** The time to live of a message that is not in flight has ended. */
  expireMessage(message: Stored): void {
    this.drop(message)
    if (this.behaviour.deadLettersExpired && this.deadLetter !== undefined) this.moveToDeadLetter(message, this.deadLetter)
    else this.report('dropped', message, 'expired')
  }

  /** A delay as the broker can keep it. */
  step(delayMs: number): number {
    const { stepMs } = this.behaviour
    return Math.ceil(delayMs / stepMs) * stepMs
  }

  report(kind: BrokerEventKind, message: Stored, detail?: string): void {
    this.world.observer?.({ kind, at: this.world.clock.monotonic(), place: this.name, id: message.sameAs, message: message.incoming, detail })
  }

  /** Timers run while somebody receives. */
  #attend(): void {
    const { attended } = this
    this.delayed.run(attended)
    for (const port of [...this.#ports]) if (port.retired) port.leases.run(attended)
    if (attended) this.catchUp()
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    this.#now = this.world.clock.monotonic()
    const ports = this.#ports
    let open = 0
    for (const port of ports) if (port.room > 0) open++
    for (let idle = 0; idle < ports.length && this.ready > 0;) {
      const port = ports[this.#turn++ % ports.length] as Port
      idle = this.#serve(port, open) ? 0 : idle + 1
    }
    if (this.ready > 0) this.onReady?.()
  }

  /** Gives `port` its share of what is ready, at most what one receive call brings; has it got anything? */
  #serve(port: Port, open: number): boolean {
    const room = port.room
    if (room <= 0) return false
    // A FIFO receive takes a group as far as it can: to share it out would block the rest of it.
    const share = open <= 1 || this.behaviour.order === 'groups' ? room : Math.min(room, Math.ceil(this.ready / open))
    const deliveries = this.#take(port, share)
    if (deliveries.length === 0) return false
    if (this.world.faults === undefined) port.deliver(deliveries)
    else this.world.faults.deliver(this, port, deliveries)
    return true
  }

  #take(port: Port, max: number, leaseMs?: number): QueueDelivery[] {
    const { maxReceive, maxInFlight } = this.behaviour
    const taken: Stored[] = []
    this.backlog.take(port, Math.min(max, maxReceive, maxInFlight - this.inFlight), taken)
    this.ready -= taken.length
    this.inFlight += taken.length
    return taken.map((message) => this.#deliver(message, port, leaseMs))
  }

  #deliver(message: Stored, port: Port, leaseMs: number | undefined): QueueDelivery {
    message.receives++
    const delivery = new QueueDelivery(message, port, this.#now, this.behaviour.tellsCount ? message.earlier + message.receives : undefined)
    message.current = delivery
    port.leases.add(delivery, this.#now, leaseMs)
    if (this.world.observer !== undefined) this.report('delivered', message, `${port.name} #${message.receives}`)
    return delivery
  }

  #due(message: Stored): void {
    message.state = 'ready'
    this.ready++
    this.backlog.due(message)
    this.wake()
  }

  #admit(message: Stored): boolean {
    if (message.state === 'gone') return false
    if (this.isExpired(message, this.#now)) {
      this.expireMessage(message)
      return false
    }
    if (this.deadLetter !== undefined && message.receives >= this.deadLetter.limit) {
      this.drop(message)
      this.moveToDeadLetter(message, this.deadLetter)
      return false
    }
    return true
  }

  /** The copy keeps id, body, headers and count, and says where it comes from. */
  moveToDeadLetter(message: Stored, { queue: to, from }: DeadLetterRule): void {
    this.report('dead-lettered', message, to.name)
    const incoming = { ...message.incoming, deadLetteredFrom: from }
    const moved = new Stored(message.id, incoming, this.behaviour.movedKeepsAge ? message.enqueuedAt : this.world.clock.monotonic())
    moved.receives = message.receives
    moved.sequence = this.world.nextId()
    to.accept(moved, 0)
  }
}

function backlogOf({ order, lookAhead, requeue, priorities, disorder }: QueueBehaviour, { random }: World, admit: Admit): Backlog {
  if (order === 'groups') return new GroupBacklog(admit, lookAhead)
  const options = { requeue, priorities, disorder, random }
  return order === 'fair' ? new FairBacklog(options, admit) : new OrderedBacklog({ ...options, keys: order }, admit)
}
