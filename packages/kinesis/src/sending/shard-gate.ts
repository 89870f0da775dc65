import { jitteredBackoff, type Services } from '@busbar/core/driver'
import { limits } from '../limits.ts'

const firstBackoffMs = 100
const lastBackoffMs = 5_000

/** When the next record may go to a shard: by its limits, of which one second's worth is saved up, and after a throttle. Times are monotonic milliseconds. */
export class ShardGate {
  readonly #share: number
  readonly #random: Services['random']
  #bytes: number
  #records: number
  #at: number
  #failures = 0
  #closedUntil = 0

  /** `share`: part of the limits that may be used; `Infinity` for no limit. */
  constructor(share: number, now: number, random: Services['random']) {
    this.#share = share
    this.#random = random
    this.#bytes = limits.shardBytesPerSecond * share
    this.#records = limits.shardRecordsPerSecond * share
    this.#at = now
  }

  /** When it is open; `now` or earlier if it is. A record may be larger than what is left: the shard then rests for longer. */
  opensAt(now: number): number {
    if (this.#share === Infinity) return this.#closedUntil
    this.#refill(now)
    const byBytes = this.#bytes > 0 ? now : now + waitMs(this.#bytes, 0, limits.shardBytesPerSecond * this.#share)
    const byRecords = this.#records >= 1 ? now : now + waitMs(this.#records, 1, limits.shardRecordsPerSecond * this.#share)
    return Math.max(this.#closedUntil, byBytes, byRecords)
  }

  took(bytes: number): void {
    this.#bytes -= bytes
    this.#records -= 1
  }

  /** The shard refused records: it is left alone for a while, longer each time in a row. */
  throttled(now: number): void {
    // Refusals of what was sent before it closed are the same throttle.
    if (now < this.#closedUntil) return
    this.#closedUntil = now + jitteredBackoff(this.#failures++, firstBackoffMs, lastBackoffMs, this.#random)
  }

  /** Since the last success there was a refusal. */
  get refuses(): boolean {
    return this.#failures > 0
  }

  succeeded(): void {
    this.#failures = 0
  }

  #refill(now: number): void {
    const seconds = (now - this.#at) / 1_000
    this.#at = now
    this.#bytes = refilled(this.#bytes, limits.shardBytesPerSecond * this.#share, seconds)
    this.#records = refilled(this.#records, limits.shardRecordsPerSecond * this.#share, seconds)
  }
}

function refilled(level: number, perSecond: number, seconds: number): number {
  return Math.min(perSecond, level + seconds * perSecond)
}

/** Just above the level, so that rounding leaves no moment in which it is not quite reached. */
function waitMs(level: number, wanted: number, perSecond: number): number {
  return Math.max(1, Math.ceil(((wanted - level) * 1_000) / perSecond + 0.001))
}
