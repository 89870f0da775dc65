import { Ring } from '../collections/ring.ts'

/** Remembers ids for a time. O(1); old ids are forgotten by later ones, without a timer. */
export class DeduplicationMemory {
  readonly #windowMs: number
  readonly #known = new Map<string, { readonly id: number; readonly at: number }>()
  readonly #ages = new Ring<{ readonly deduplicationId: string; readonly at: number }>()

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** The broker id of the message that was accepted with `deduplicationId` inside the window; else `undefined`, and `id` is remembered from `now` on. */
  original(deduplicationId: string, id: number, now: number): number | undefined {
    for (let oldest = this.#ages.peek(); oldest !== undefined && oldest.at + this.#windowMs <= now; oldest = this.#ages.peek()) {
      this.#known.delete(oldest.deduplicationId)
      this.#ages.shift()
    }
    const known = this.#known.get(deduplicationId)
    if (known !== undefined) return known.id
    this.#known.set(deduplicationId, { id, at: now })
    this.#ages.push({ deduplicationId, at: now })
    return undefined
  }

  /** A purge of an SQS FIFO queue forgets the ids too. */
  clear(): void {
    this.#known.clear()
    this.#ages.clear()
  }
}
