import { Ring } from '../collections/ring.ts'
import type { Admit, Backlog } from './backlog.ts'
import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

/** All messages of one FIFO group that are not deleted, in the order sent, in flight or not. */
class Group {
  readonly id: string
  readonly messages: Ring<Stored> = new Ring<Stored>()
  listed = false

  constructor(id: string) {
    this.id = id
  }

  /** Its first message, if it has one. */
  first(): Stored | undefined {
    while (this.messages.peek()?.state === 'gone') this.messages.shift()
    return this.messages.peek()
  }
}

/**
 * Amazon SQS FIFO. A group can deliver exactly the longest prefix of its undeleted messages that is visible now, nothing if its first is in flight or delayed.
 * One take fills up with one group before the next; a group that was served or given back goes to the end of the rotation. Messages without a key are groups of one.
 * Only so many messages from the front on are looked at: a larger backlog of one group that is held starves all groups behind it.
 */
export class GroupBacklog implements Backlog {
  readonly placesDelayed = true
  readonly #admit: Admit
  readonly #lookAhead: number
  readonly #groups = new Map<string, Group>()
  readonly #rotation = new Ring<Group>()
  /** What is too far back to be looked at, in the order sent. */
  readonly #beyond = new Ring<Stored>()
  /** Undeleted messages that are looked at, and the order of the last of them. */
  #near = 0
  #horizon = 0
  #orders = 0

  constructor(admit: Admit, lookAhead: number = Infinity) {
    this.#admit = admit
    this.#lookAhead = lookAhead
  }

  add(message: Stored): void {
    message.order = ++this.#orders
    if (this.#near < this.#lookAhead) this.#reach(message)
    else this.#beyond.push(message)
    const group = this.#groupOf(message)
    group.messages.push(message)
    this.#list(group)
  }

  take(port: Port, max: number, taken: Stored[]): void {
    for (let group = this.#rotation.peek(); group !== undefined && taken.length < max; group = this.#rotation.peek()) {
      if (!this.#takePrefix(group, port, max, taken)) return
      this.#rotation.shift()
      group.listed = false
      this.#list(group)
    }
  }

  gone(message: Stored): void {
    this.#list(this.#groupOf(message))
    if (message.order > this.#horizon) return
    this.#near--
    while (this.#near < this.#lookAhead) {
      const next = this.#beyond.shift()
      if (next === undefined) return
      if (next.state === 'gone') continue
      this.#reach(next)
      this.#list(this.#groupOf(next))
    }
  }

  left(): void {
    // A group looks at the states of its messages.
  }

  returned(message: Stored): void {
    this.#list(this.#groupOf(message))
  }

  reclaimed(): void {
    // A group looks at the states of its messages.
  }

  due(message: Stored): void {
    this.#list(this.#groupOf(message))
  }

  browse(after: number): Stored[] {
    const found: Stored[] = []
    for (const message of this.#waiting()) if (message.order > after) found.push(message)
    return found
  }

  oldest(): number {
    let oldest = Infinity
    for (const message of this.#waiting()) oldest = Math.min(oldest, message.enqueuedAt)
    return oldest
  }

  /** `false` if the port is full. */
  #takePrefix(group: Group, port: Port, max: number, taken: Stored[]): boolean {
    group.first()
    for (let index = 0; index < group.messages.length && taken.length < max; index++) {
      const message = group.messages.at(index)
      if (message.state === 'gone') continue
      if (message.state !== 'ready' || message.order > this.#horizon) break
      if (!port.fits(message.incoming.bodyBytes, taken.length)) return false
      if (!this.#admit(message)) continue
      message.state = 'flight'
      port.heldBytes += message.incoming.bodyBytes
      taken.push(message)
    }
    return true
  }

  #reach(message: Stored): void {
    this.#near++
    this.#horizon = message.order
  }

  #groupOf(message: Stored): Group {
    // A space cannot occur in a key.
    const id = message.incoming.key ?? ` ${message.id}`
    let group = this.#groups.get(id)
    if (group === undefined) this.#groups.set(id, (group = new Group(id)))
    return group
  }

  #list(group: Group): void {
    if (group.listed) return
    const first = group.first()
    if (first === undefined) this.#groups.delete(group.id)
    if (first?.state !== 'ready' || first.order > this.#horizon) return
    group.listed = true
    this.#rotation.push(group)
  }

  *#waiting(): Generator<Stored, void, undefined> {
    for (const group of this.#groups.values()) for (const message of group.messages) if (message.state === 'ready' || message.state === 'delayed') yield message
  }
}
