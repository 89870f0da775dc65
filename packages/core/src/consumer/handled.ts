import { BoundedMemory } from '../bounded-memory.ts'
import type { Delivery } from '../driver/receiver.ts'
import { fingerprint } from './fingerprint.ts'

/** So many messages are remembered, the latest ones. */
const remembered = 10_000

/** Messages that were handled and whose ack came too late: a redelivery of one is acked again instead of handled again. */
export class Handled {
  readonly #fingerprints: BoundedMemory<string> = new BoundedMemory(remembered)

  remember({ sameAs, incoming }: Delivery): void {
    if (sameAs !== undefined) this.#fingerprints.set(sameAs, fingerprint(incoming))
  }

  /** True once for each message remembered. */
  take(sameAs: string, { incoming }: Delivery): boolean {
    const known = this.#fingerprints.take(sameAs)
    if (known === undefined) return false
    if (known === fingerprint(incoming)) return true
    this.#fingerprints.set(sameAs, known)
    return false
  }
}
