import { Ring } from '../collections/ring.ts'
import type { Port } from './port.ts'
import type { Stored } from './stored.ts'

/** An ordering key with messages in flight, given back, or waiting behind those. A key without any has no state. */
export class KeyState {
  readonly key: string
  /** Messages that are not gone. */
  live = 0
  inFlight = 0
  /** Who was given the last one. */
  owner: Port | undefined = undefined
  /** The take in which messages were last handed out, and how many. */
  turn = 0
  taken = 0
  /** Is it in the list of keys to be served? */
  listed = false
  // Most keys have one message at a time, and need no ring.
  #only: Stored | undefined = undefined
  #several: Ring<Stored> | undefined = undefined

  constructor(key: string) {
    this.key = key
  }

  /** `message` is the youngest of the key. */
  push(message: Stored): void {
    this.live++
    message.keyState = this
    if (this.#several !== undefined) this.#several.push(message)
    else if (this.#only === undefined || this.#only.state === 'gone') this.#only = message
    else {
      this.#several = new Ring<Stored>()
      this.#several.push(this.#only)
      this.#several.push(message)
      this.#only = undefined
    }
  }

  /** The oldest message that is not gone, in flight or not. */
  first(): Stored | undefined {
    if (this.#several === undefined) return this.#only?.state === 'gone' ? undefined : this.#only
    while (this.#several.peek()?.state === 'gone') this.#several.shift()
    return this.#several.peek()
  }

  /** Length of what `at` reaches. */
  get length(): number {
    return this.#several?.length ?? (this.#only === undefined ? 0 : 1)
  }

  /** By age; some may be gone. */
  at(index: number): Stored {
    return this.#several === undefined ? (this.#only as Stored) : this.#several.at(index)
  }
}
