import { Ring } from '../collections/ring.ts'
import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

const nothing: readonly never[] = Object.freeze([])

/** An ordering key with messages in flight or kept back. A key without any has no state. */
export class KeyState {
  readonly key: string
  /** The receiver that holds messages of the key: only it may get the next. */
  owner: Port | undefined = undefined
  inFlight = 0
  /** The list of keys to be served that it is in. Entries in other lists are left over. */
  list: Ring<KeyState> | undefined = undefined
  // Most keys never need either, so they are made when they do.
  /** Delivered before and given back, by their order. All are older than those in `waiting`. Some may be delayed. */
  #returned: Ring<Stored> | undefined = undefined
  /** Passed over while an older one kept them back. */
  #waiting: Ring<Stored> | undefined = undefined

  constructor(key: string) {
    this.key = key
  }

  /** The oldest message that is not in flight. */
  head(): Stored | undefined {
    return first(this.#returned) ?? first(this.#waiting)
  }

  shift(): void {
    if (this.#returned !== undefined && this.#returned.length > 0) this.#returned.shift()
    else this.#waiting?.shift()
  }

  wait(message: Stored): void {
    ;(this.#waiting ??= new Ring<Stored>()).push(message)
  }

  giveBack(message: Stored): void {
    const returned = (this.#returned ??= new Ring<Stored>())
    returned.push(message)
    for (let index = returned.length - 1; index > 0 && returned.at(index - 1).order > message.order; index--) {
      returned.set(index, returned.at(index - 1))
      returned.set(index - 1, message)
    }
  }

  /** May `port` get the head now? */
  serves(port: Port): boolean {
    return this.head()?.state === 'ready' && (this.owner === undefined || this.owner === port)
  }

  /** All messages that are not in flight, in order. */
  *[Symbol.iterator](): Generator<Stored, void, undefined> {
    yield* this.#returned ?? nothing
    yield* this.#waiting ?? nothing
  }
}

function first(messages: Ring<Stored> | undefined): Stored | undefined {
  if (messages === undefined) return undefined
  while (messages.peek()?.state === 'gone') messages.shift()
  return messages.peek()
}
