import type { Scope, Window } from '@busbar/core/driver'
import type { LinkMember } from '../link/member.ts'
import type { QueueBehaviour } from './behaviour.ts'
import type { QueueDelivery } from './delivery.ts'
import type { LeaseTable } from './leases.ts'

/** A queue's view of one receiver: what it may still be given, and what it holds. */
export class Port {
  /** For traces. */
  readonly name: string
  readonly leases: LeaseTable
  /** Does the broker give messages ids of its own? */
  readonly ownIds: boolean
  readonly deliver: (deliveries: QueueDelivery[]) => void
  /** The scope that its deliveries belong to; `undefined` where each is a scope of its own. */
  session: Scope | undefined = undefined
  /** Who holds the port; for faults. */
  member: LinkMember | undefined = undefined
  /** May be delivered to: started, not paused, connected. */
  open = false
  /** Its link is closed: it is forgotten when its last lease has ended. */
  retired = false
  heldBytes = 0
  readonly #maxUnsettled: number
  #window: Window

  constructor(
    name: string,
    window: Window,
    leases: LeaseTable,
    { ownIds, maxUnsettled }: Pick<QueueBehaviour, 'ownIds' | 'maxUnsettled'>,
    deliver: (deliveries: QueueDelivery[]) => void,
  ) {
    this.name = name
    this.#window = window
    this.leases = leases
    this.ownIds = ownIds
    this.#maxUnsettled = maxUnsettled
    this.deliver = deliver
  }

  resize(window: Window): void {
    this.#window = window
  }

  /** Messages that it could still take. */
  get room(): number {
    return this.open ? Math.min(this.#window.messages, this.#maxUnsettled) - this.leases.size : 0
  }

  /** Would a message of `bytes` fit, `taken` others being on their way? One larger than the whole window is let through alone: it would wait for ever. */
  fits(bytes: number, taken: number): boolean {
    return this.heldBytes + bytes <= this.#window.bytes || this.leases.size + taken === 0
  }
}
