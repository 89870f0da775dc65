import type { Delivery } from '../driver/receiver.ts'
import { fingerprint } from './fingerprint.ts'
import type { Past, Task } from './task.ts'

/** So many messages are remembered, the latest ones. */
const limit = 10_000

/** What is remembered of messages that are ours no longer, for their redeliveries. */
export class Remembered {
  /** A fingerprint: handled, with an ack that came too late. */
  readonly #entries: Map<string, Past | string> = new Map()

  /** It may be redelivered, and then its attempts go on. */
  attempts({ attempt, notBefore, previousWaitMs, delivery }: Task): void {
    if (attempt || notBefore) this.#set(delivery, { attempt, notBefore, previousWaitMs })
  }

  /** A redelivery is acked again instead of handled again. */
  handled(delivery: Delivery): void {
    this.#set(delivery, fingerprint(delivery.incoming))
  }

  /** Each entry once. */
  take({ sameAs, incoming }: Delivery): Past | 'handled' | undefined {
    const entry = this.#entries.get(sameAs as string)
    const isText = typeof entry === 'string'
    if (isText && entry !== fingerprint(incoming)) return undefined
    this.#entries.delete(sameAs as string)
    return isText ? 'handled' : entry
  }

  #set({ sameAs }: Delivery, entry: Past | string): void {
    if (sameAs === undefined) return
    const entries = this.#entries
    entries.delete(sameAs)
    entries.set(sameAs, entry)
    if (entries.size > limit) entries.delete(entries.keys().next().value as string)
  }
}
