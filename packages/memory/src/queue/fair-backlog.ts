import type { Admit, Backlog } from './backlog.ts'
import { OrderedBacklog, type OrderedBacklogOptions } from './ordered-backlog.ts'
import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

/** A tenant is noisy with at least so many messages in flight, if these are more than this share of all. */
const noisyFrom = 30
const noisyShare = 0.1

/** Who has messages in flight or put aside; named by the key. */
interface Tenant {
  readonly key: string
  inFlight: number
  /** Passed over because others came first, oldest first. */
  readonly aside: Set<Stored>
}

/**
 * Amazon SQS standard queues: the key is a tenant, which gives neither order nor exclusivity. A tenant that holds much of what is in flight waits until no other tenant has a
 * message. Messages without a key are tenants of their own.
 */
export class FairBacklog implements Backlog {
  readonly placesDelayed = false
  readonly #admit: Admit
  readonly #backlog: OrderedBacklog
  readonly #tenants = new Map<string, Tenant>()
  #inFlight = 0

  constructor(options: Omit<OrderedBacklogOptions, 'keys'>, admit: Admit) {
    this.#admit = admit
    this.#backlog = new OrderedBacklog({ ...options, keys: 'none' }, (message) => this.#admitQuiet(message))
  }

  add(message: Stored): void {
    this.#backlog.add(message)
  }

  take(port: Port, max: number, taken: Stored[]): void {
    // What was put aside is older than what still waits in the backlog.
    for (const tenant of this.#putAside()) this.#takeAside(tenant, port, max, taken, false)
    this.#backlog.take(port, max, taken)
    for (const tenant of this.#putAside()) this.#takeAside(tenant, port, max, taken, true)
  }

  gone(message: Stored): void {
    if (!this.#leaveAside(message)) this.#backlog.gone(message)
  }

  left(message: Stored): void {
    this.#inFlight--
    const tenant = this.#find(message)
    if (tenant === undefined) return
    tenant.inFlight--
    this.#forget(tenant)
  }

  returned(message: Stored): void {
    this.#backlog.returned(message)
  }

  reclaimed(message: Stored): void {
    if (!this.#leaveAside(message)) this.#backlog.reclaimed(message)
    this.#count(message)
  }

  due(message: Stored): void {
    this.#backlog.due(message)
  }

  browse(after: number, limit: number): Stored[] {
    const found = this.#backlog.browse(after, limit)
    for (const { aside } of this.#putAside()) for (const message of aside) if (message.order > after) found.push(message)
    return found
  }

  oldest(): number {
    let oldest = this.#backlog.oldest()
    for (const { aside } of this.#putAside()) for (const message of aside) oldest = Math.min(oldest, message.enqueuedAt)
    return oldest
  }

  /** Asked by the backlog: a message of a noisy tenant leaves it, and is not handed out now. */
  #admitQuiet(message: Stored): boolean {
    if (!this.#admit(message)) return false
    const tenant = this.#find(message)
    if (tenant !== undefined && this.#isNoisy(tenant)) {
      tenant.aside.add(message)
      return false
    }
    this.#count(message)
    return true
  }

  #takeAside(tenant: Tenant, port: Port, max: number, taken: Stored[], noisyToo: boolean): void {
    for (const message of tenant.aside) {
      if (taken.length >= max || !port.fits(message.incoming.bodyBytes, taken.length)) return
      if (!noisyToo && this.#isNoisy(tenant)) return
      tenant.aside.delete(message)
      if (!this.#admit(message)) continue
      message.state = 'flight'
      port.heldBytes += message.incoming.bodyBytes
      taken.push(message)
      this.#count(message)
    }
  }

  #putAside(): Tenant[] {
    return [...this.#tenants.values()].filter(({ aside }) => aside.size > 0)
  }

  #isNoisy({ inFlight }: Tenant): boolean {
    return inFlight >= noisyFrom && inFlight > this.#inFlight * noisyShare
  }

  #count({ incoming: { key } }: Stored): void {
    this.#inFlight++
    if (key === undefined) return
    const tenant = this.#tenants.get(key)
    if (tenant === undefined) this.#tenants.set(key, { key, inFlight: 1, aside: new Set() })
    else tenant.inFlight++
  }

  #find({ incoming: { key } }: Stored): Tenant | undefined {
    return key === undefined ? undefined : this.#tenants.get(key)
  }

  #leaveAside(message: Stored): boolean {
    const tenant = this.#find(message)
    if (tenant === undefined || !tenant.aside.delete(message)) return false
    this.#forget(tenant)
    return true
  }

  #forget(tenant: Tenant): void {
    if (tenant.inFlight === 0 && tenant.aside.size === 0) this.#tenants.delete(tenant.key)
  }
}
