import type { Delivery } from '../driver/receiver.ts'
import { fingerprint } from './fingerprint.ts'
import type { Past, Task } from './task.ts'

/** So many messages are remembered, the latest ones. */
const limit = 10_000

/** What is remembered of messages that are ours no longer, for their redeliveries: another message may have the same id, and is told by its fingerprint. */
export class Remembered {
  readonly #entries: Map<string, readonly [print: string, past: Past | 'handled']> = new Map()

  /** It may be redelivered, and then its attempts go on. */
  attempts({ attempt, notBefore, previousWaitMs, givenUp, delivery }: Task): void {
    if (attempt || notBefore) this.#set(delivery, { attempt, notBefore, previousWaitMs, givenUp })
  }

  /** A redelivery is acked again instead of handled again. */
  handled(delivery: Delivery): void {
    this.#set(delivery, 'handled')
  }

  /** Each entry once. */
  take({ sameAs, incoming }: Delivery): Past | 'handled' | undefined {
    const entries = this.#entries
    // Looking for it is what makes one text of an identity that is put together: not for nothing.
    const entry = entries.size > 0 ? entries.get(sameAs as string) : undefined
    if (!entry || entry[0] !== fingerprint(incoming)) return undefined
    entries.delete(sameAs as string)
    return entry[1]
  }

  #set({ sameAs, incoming }: Delivery, past: Past | 'handled'): void {
    if (sameAs === undefined) return
    const entries = this.#entries
    entries.delete(sameAs)
    entries.set(sameAs, [fingerprint(incoming), past])
    if (entries.size > limit) entries.delete(entries.keys().next().value as string)
  }
}
