import type { Clock, Timer } from '@busbar/core/driver'
import { LeaseList, type QueueDelivery } from './delivery.ts'

/**
 * The unsettled deliveries of one receiver. Leases of one length are one list, so that adding, ending and expiring cost O(1) and one timer serves all.
 * With `leaseMs` infinite nothing expires. `visible`: receivers are told when a lease ends.
 */
export class LeaseTable {
  size = 0
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #visible: boolean
  readonly #expired: (deliveries: readonly QueueDelivery[]) => void
  readonly #usual = new LeaseList()
  readonly #extended = new Map<number, LeaseList>()
  #timer: Timer | undefined
  #wakesAt = Infinity
  #running = true

  constructor(clock: Clock, leaseMs: number, visible: boolean, expired: (deliveries: readonly QueueDelivery[]) => void) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#visible = visible
    this.#expired = expired
  }

  /** The lease ends `leaseMs` from `now`; by default the length of the table. */
  add(delivery: QueueDelivery, now: number, leaseMs: number = this.#leaseMs): void {
    this.size++
    if (leaseMs !== this.#leaseMs) return this.extend(delivery, leaseMs, now)
    this.#usual.append(delivery)
    if (leaseMs === Infinity) return
    const until = now + leaseMs
    delivery.until = until
    if (this.#visible) delivery.leaseUntil = until
    if (until < this.#wakesAt) this.#arm(until)
  }

  remove(delivery: QueueDelivery): void {
    if (delivery.list === undefined) return
    delivery.list.remove(delivery)
    if (--this.size === 0) this.#disarm()
  }

  /** The lease now ends `ms` from `now`, whatever it was. */
  extend(delivery: QueueDelivery, ms: number, now: number): void {
    delivery.list?.remove(delivery)
    let list = this.#extended.get(ms)
    if (list === undefined) this.#extended.set(ms, (list = new LeaseList()))
    list.append(delivery)
    const until = now + ms
    delivery.until = delivery.leaseUntil = until
    if (until < this.#wakesAt) this.#arm(until)
  }

  /** Without its timer, leases end when `catchUp` is called. */
  run(running: boolean): void {
    this.#running = running
    if (running) this.catchUp()
    else this.#disarm()
  }

  /** Ends what has expired by now. */
  catchUp(): void {
    this.#disarm()
    const now = this.#clock.monotonic()
    const expired: QueueDelivery[] = []
    let earliest = Infinity
    for (const list of this.#lists()) {
      let delivery = list.first
      for (; delivery !== undefined && delivery.until <= now; delivery = delivery.next) expired.push(delivery)
      if (delivery !== undefined) earliest = Math.min(earliest, delivery.until)
    }
    if (earliest !== Infinity) this.#arm(earliest)
    if (expired.length > 0) this.#expired(expired.sort(byOrder))
  }

  /** All deliveries, in the order of their messages. */
  all(): QueueDelivery[] {
    const all: QueueDelivery[] = []
    for (const list of this.#lists()) for (let delivery = list.first; delivery !== undefined; delivery = delivery.next) all.push(delivery)
    return all.sort(byOrder)
  }

  *#lists(): Generator<LeaseList, void, undefined> {
    yield this.#usual
    for (const [ms, list] of this.#extended) {
      if (list.first === undefined) this.#extended.delete(ms)
      else yield list
    }
  }

  #arm(atMs: number): void {
    if (!this.#running) return
    this.#timer?.cancel()
    this.#wakesAt = atMs
    this.#timer = this.#clock.timer(atMs, this.#wake)
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#wakesAt = Infinity
  }

  readonly #wake = (): void => {
    this.catchUp()
  }
}

function byOrder(a: QueueDelivery, b: QueueDelivery): number {
  return a.message.order - b.message.order
}
