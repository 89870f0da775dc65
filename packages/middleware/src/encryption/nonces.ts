import { unpredictable } from '../support/unpredictable.ts'
import { nonceBytes } from './envelope.ts'

const atOnce = 256

/** Random nonces, drawn many at once: a call to the system's source costs as much as encrypting a small body. They are no secret, so they may lie around. */
export class Nonces {
  #drawn: Buffer = Buffer.alloc(0)
  #at = 0

  next(): Buffer {
    if (this.#at === this.#drawn.byteLength) {
      this.#drawn = unpredictable(nonceBytes * atOnce)
      this.#at = 0
    }
    const from = this.#at
    this.#at += nonceBytes
    return this.#drawn.subarray(from, this.#at)
  }
}
