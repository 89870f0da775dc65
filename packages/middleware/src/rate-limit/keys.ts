import { ChurningMap } from '@busbar/core/driver'
import { Bucket } from './bucket.ts'

/** Buckets by key. Two are looked at for every one that is added, and forgotten if they are idle: so there are never many idle ones, without a timer. */
export class Keys {
  readonly #buckets: ChurningMap<Bucket> = new ChurningMap()
  readonly #most: number
  #sweep: Iterator<Bucket> = this.#buckets.values()

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#buckets.size
  }

  /** `undefined`: there is no room for one more. */
  get(key: string, now: number): Bucket | undefined {
    const known = this.#buckets.get(key)
    if (known !== undefined) return known
    this.#look(now)
    this.#look(now)
    if (this.#buckets.size >= this.#most) return undefined
    const bucket = new Bucket(key, now)
    this.#buckets.set(key, bucket)
    return bucket
  }

  #look(now: number): void {
    const { value: bucket, done } = this.#sweep.next()
    if (done === true) this.#sweep = this.#buckets.values()
    else if (bucket.idle(now) && this.#buckets.get(bucket.key) === bucket) this.#buckets.delete(bucket.key)
  }
}
