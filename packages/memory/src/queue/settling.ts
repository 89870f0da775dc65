import { BrokerError, type Outcome, type SettleResult } from '@busbar/core/driver'
import { QueueDelivery } from './delivery.ts'
import type { Port } from './port.ts'
import type { Queue } from './queue.ts'
import { Stored } from './stored.ts'

/** What becomes of deliveries: settled, given back, expired, lost. A receipt that is no longer live touches nothing. */
export class Settling {
  readonly #queue: Queue

  constructor(queue: Queue) {
    this.#queue = queue
  }

  settle(outcome: Outcome, port: Port, now: number): SettleResult {
    const delivery = outcome.delivery
    if (!(delivery instanceof QueueDelivery) || delivery.port !== port) return foreign()
    if (!delivery.live) return this.#late(delivery, outcome)
    switch (outcome.action) {
      case 'ack':
        this.#end(delivery)
        delivery.acked = true
        if (this.#queue.world.observer !== undefined) this.#queue.report('acked', delivery.message)
        return this.#queue.behaviour.answer
      case 'retry':
        return this.#retry(delivery, outcome.delayMs, outcome.attempt, now)
      case 'release':
        return this.#release(delivery)
      case 'discard':
        return this.#discard(delivery)
    }
  }

  extend(delivery: QueueDelivery, ms: number, now: number): SettleResult {
    const { lease } = this.#queue.behaviour
    if (!lease) return unsupported('extend')
    if (!delivery.live) return this.#tooLate(delivery)
    if (now + ms > delivery.receivedAt + lease.maxMs) return tooLong(ms, lease.maxMs)
    delivery.port.leases.extend(delivery, ms, now)
    this.#queue.report('extended', delivery.message, `${ms} ms`)
    return this.#queue.behaviour.answer
  }

  /** The receipt of a lease that has ended takes its message back into flight for `ms`, if that is still ready. */
  reclaim(delivery: QueueDelivery, ms: number, now: number): SettleResult {
    const { message, port } = delivery
    const { lease, lateSettle } = this.#queue.behaviour
    if (!lease || lateSettle !== 'works') return unsupported('reclaim')
    if (message.state !== 'ready' || isReceivedSince(delivery)) return this.#tooLate(delivery)
    if (now + ms > delivery.receivedAt + lease.maxMs) return tooLong(ms, lease.maxMs)
    message.state = 'flight'
    message.current = delivery
    this.#queue.ready--
    this.#queue.inFlight++
    this.#queue.backlog.reclaimed(message)
    port.heldBytes += message.incoming.bodyBytes
    port.leases.add(delivery, now, ms)
    this.#queue.report('extended', message, `${ms} ms, late`)
    return this.#queue.behaviour.answer
  }

  expire(deliveries: readonly QueueDelivery[]): void {
    for (const delivery of deliveries) this.#putBack(delivery, 0, 'expired')
    for (const { port } of deliveries) if (port.retired && port.leases.size === 0) this.#queue.detach(port)
    this.#queue.wake()
  }

  /** Everything that `port` holds, in order. */
  giveBack(port: Port, how: 'released' | 'lost'): void {
    for (const delivery of port.leases.all()) {
      if (how === 'released' && !this.#queue.behaviour.releaseCounts) delivery.message.receives--
      this.#putBack(delivery, 0, how)
    }
  }

  #retry(delivery: QueueDelivery, delayMs: number, attempt: number, now: number): SettleResult {
    const { behaviour } = this.#queue
    if (!behaviour.givesBack) return unsupported('retry')
    const from = behaviour.retryBy === 'place' ? delivery.receivedAt : now
    if (now + delayMs > from + behaviour.maxRetryMs) return tooLong(delayMs, behaviour.maxRetryMs)
    const { message } = delivery
    if (behaviour.retryBy === 'republish') {
      this.#end(delivery)
      this.#queue.report('retried', message, delayMs > 0 ? `in ${delayMs} ms` : undefined)
      this.#republish(message, attempt, delayMs, now)
      return behaviour.answer
    }
    if (behaviour.carriesAttempt && message.incoming.attempt !== attempt) message.incoming = { ...message.incoming, attempt }
    this.#putBack(delivery, delayMs, 'retried')
    return behaviour.answer
  }

  #release(delivery: QueueDelivery): SettleResult {
    if (!this.#queue.behaviour.givesBack) return unsupported('release')
    if (!this.#queue.behaviour.releaseCounts) delivery.message.receives--
    this.#putBack(delivery, 0, 'released')
    return this.#queue.behaviour.answer
  }

  #discard(delivery: QueueDelivery): SettleResult {
    const { behaviour, deadLetter } = this.#queue
    if (!behaviour.discards || deadLetter === undefined) return unsupported('discard')
    this.#end(delivery)
    this.#queue.moveToDeadLetter(delivery.message, deadLetter)
    return behaviour.answer
  }

  #republish(message: Stored, attempt: number, delayMs: number, now: number): void {
    const incoming = { ...message.incoming, attempt }
    const timeToLiveMs = message.expiresAt === Infinity ? undefined : message.expiresAt - now
    const copy = new Stored(this.#queue.world.nextId(), incoming, now, timeToLiveMs, message.priority)
    copy.earlier = message.earlier + message.receives
    this.#queue.accept(copy, delayMs)
  }

  /** An SQS standard queue lets an expired receipt delete a message that nobody has received since, in flight or not, and one that is deleted; a FIFO queue, only repeat its own delete. */
  #late(delivery: QueueDelivery, outcome: Outcome): SettleResult {
    const { message } = delivery
    const { lateSettle, answer } = this.#queue.behaviour
    if (lateSettle !== 'works') return lateSettle === 'repeated' && delivery.acked && outcome.action === 'ack' ? answer : this.#tooLate(delivery)
    if (outcome.action !== 'ack') return this.#tooLate(delivery)
    if (message.state === 'gone') return answer
    // AWS would answer success and do nothing. Saying so is the truth that an adapter owes its user.
    if (isReceivedSince(delivery)) return this.#tooLate(delivery)
    this.#queue.drop(message)
    this.#queue.report('acked', message, 'late')
    return answer
  }

  #end(delivery: QueueDelivery): void {
    const { message } = delivery
    this.#take(delivery)
    message.state = 'gone'
    this.#queue.backlog.gone(message)
  }

  #putBack(delivery: QueueDelivery, delayMs: number, how: 'retried' | 'released' | 'expired' | 'lost'): void {
    const { message } = delivery
    this.#take(delivery)
    if (delayMs > 0) this.#queue.delayed.add(message, this.#queue.world.clock.monotonic() + this.#queue.step(delayMs))
    else {
      message.state = 'ready'
      this.#queue.ready++
    }
    this.#queue.backlog.returned(message)
    if (this.#queue.world.observer !== undefined) this.#queue.report(how, message, delayMs > 0 ? `in ${delayMs} ms` : undefined)
  }

  /** The receipt is dead from here on. */
  #take(delivery: QueueDelivery): void {
    const { message, port } = delivery
    message.current = undefined
    port.leases.remove(delivery)
    port.heldBytes -= message.incoming.bodyBytes
    this.#queue.inFlight--
    this.#queue.backlog.left(message)
  }

  #tooLate(delivery: QueueDelivery): SettleResult {
    this.#queue.report('too-late', delivery.message, delivery.port.name)
    return 'too-late'
  }
}

/** Is it not the latest delivery of its message? */
function isReceivedSince({ message, brokerAttempts }: QueueDelivery): boolean {
  return brokerAttempts !== message.earlier + message.receives
}

function foreign(): SettleResult {
  return { error: new BrokerError('ERR_INVALID', 'The delivery belongs to another receiver', { driver: 'memory' }) }
}

function unsupported(action: string): SettleResult {
  return { error: new BrokerError('ERR_UNSUPPORTED', `${action} is not supported here`, { driver: 'memory' }) }
}

function tooLong(ms: number, maxMs: number): SettleResult {
  return { error: new BrokerError('ERR_INVALID', `${ms} ms from now is more than ${maxMs} ms after the receipt`, { driver: 'memory' }) }
}
