import { Ring } from '../collections/ring.ts'
import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

/** An ordering key with messages in flight or kept back. A key without any has no state. */
export class KeyState {
  readonly key: string
  /** The receiver that holds messages of the key: only it may get the next. */
  owner: Port | undefined = undefined
  inFlight = 0
  /** Delivered before and given back, by their order. All are older than those in `waiting`. Some may be delayed. */
  readonly returned: Ring<Stored> = new Ring<Stored>()
  /** Passed over while an older one kept them back. */
  readonly waiting: Ring<Stored> = new Ring<Stored>()
  /** Is it in a list of keys to be served? */
  listed = false

  constructor(key: string) {
    this.key = key
  }

  /** The oldest message that is not in flight. */
  head(): Stored | undefined {
    while (this.returned.peek()?.state === 'gone') this.returned.shift()
    while (this.waiting.peek()?.state === 'gone') this.waiting.shift()
    return this.returned.peek() ?? this.waiting.peek()
  }

  shift(): void {
    if (this.returned.length > 0) this.returned.shift()
    else this.waiting.shift()
  }

  giveBack(message: Stored): void {
    this.returned.push(message)
    for (let index = this.returned.length - 1; index > 0 && this.returned.at(index - 1).order > message.order; index--) {
      this.returned.set(index, this.returned.at(index - 1))
      this.returned.set(index - 1, message)
    }
  }

  /** May `port` get the head now? */
  serves(port: Port): boolean {
    return this.head()?.state === 'ready' && (this.owner === undefined || this.owner === port)
  }
}
