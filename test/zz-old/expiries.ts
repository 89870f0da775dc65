/** Expiries closer together than this, in milliseconds, share a bucket. */
const bucketMs = 1_000

/** Which keys expire when, to the second: one array per second instead of an entry per key in a heap. */
export class Expiries {
  readonly #buckets = new Map<number, string[]>()
  /** No bucket lies before it. */
  #earliest = Infinity

  /** A key may be added again for a later time; it then comes due twice, and the caller looks which is true. */
  add(key: string, atMs: number): void {
    const second = Math.ceil(atMs / bucketMs)
    const bucket = this.#buckets.get(second)
    if (bucket !== undefined) {
      bucket.push(key)
      return
    }
    this.#buckets.set(second, [key])
    this.#earliest = Math.min(this.#earliest, second)
  }

  /** A key whose time had come at `now`, each time another; `undefined` if there is none. */
  due(now: number): string | undefined {
    if (this.#earliest * bucketMs > now) return undefined
    const key = this.#buckets.get(this.#earliest)?.pop()
    if (key !== undefined) return key
    this.#buckets.delete(this.#earliest)
    this.#earliest = Infinity
    for (const second of this.#buckets.keys()) this.#earliest = Math.min(this.#earliest, second)
    return this.due(now)
  }
}
