/** How fast a shard is polled. */
export interface ReadPace {
  /** The part that this reader may use of what a shard gives to all that poll it together: 5 calls and 2 MiB a second. 0.02 to 1; `Infinity` for no limit of its own. */
  readonly share: number
  /** Longest pause between two reads of a shard into which nothing is written, in milliseconds. 200 to 60,000. */
  readonly idleMs: number
  /** How much a page should hold at most, in bytes of data and partition keys. As records are counted before their sizes are known, a page may hold more, up to 10 MiB. 65,536 to 10,485,760. */
  readonly pageBytes: number
}

/** Two applications that read the same stream at this pace do not get in each other's way. */
export const defaultReadPace: ReadPace = { share: 0.5, idleMs: 1_000, pageBytes: 1_048_576 }

/** What a shard gives to all that poll it, from the API reference of the service as of 2026. */
const shard = {
  callMs: 200,
  bytesPerMs: 2_097.152,
  mostRecords: 10_000,
  /** After an answer of 10 MiB the service refuses the calls of the next five seconds. How it counts the bytes is not said, so a tenth less is taken for it too. */
  hugeBytes: 9_437_184,
  hugeRestMs: 5_000,
}
/** What a record is taken for before one has been seen, in bytes. */
const guessedBytes = 8_192
/** How many times slower it becomes at most when others leave too little, and how fast it comes back with each read. */
const slowest = 8
const regained = 0.9
const idleGrowth = 1.5
/** Between two reads in vain, however large the share. */
const leastIdleMs = 50
/** A timer is late by no more than this on a machine that is not busy. */
const timerMs = 5

/** When the next read of one shard may begin, and how many records to ask for. Times are monotonic milliseconds. */
export class ShardPace {
  readonly #pace: ReadPace
  readonly #leastMs: number
  /** So much earlier than after the least time another read harms nobody. */
  readonly #slackMs: number
  #intervalMs: number
  #slowness = 1
  #startedAt = 0
  #averageBytes = guessedBytes
  /** Not before. */
  nextAt = 0

  constructor(pace: ReadPace) {
    this.#pace = pace
    this.#leastMs = shard.callMs / pace.share
    this.#slackMs = Math.max(0, Math.min(timerMs, this.#leastMs - shard.callMs))
    this.#intervalMs = this.#leastMs
  }

  get limit(): number {
    return Math.min(shard.mostRecords, Math.max(1, Math.floor(this.#pace.pageBytes / this.#averageBytes)))
  }

  /** A read begins. Where it was meant to begin just before, the next one goes by that: timers are late a little, and records would wait for it again and again. */
  started(now: number): void {
    this.#startedAt = now - this.nextAt <= this.#slackMs ? this.nextAt : now
    this.nextAt = this.#startedAt + this.#leastMs
  }

  /** It had so many records and bytes. `behind`: there are more. */
  read(records: number, bytes: number, behind: boolean): void {
    const { share, idleMs } = this.#pace
    if (records > 0) {
      const average = Math.max(1, bytes / records)
      // Larger records count at once, smaller ones when they last.
      this.#averageBytes = Math.max(average, (average + this.#averageBytes) / 2)
    }
    const idle = records === 0 && !behind
    this.#intervalMs = idle ? Math.min(Math.max(this.#intervalMs, leastIdleMs) * idleGrowth, Math.max(idleMs, this.#leastMs)) : this.#leastMs
    this.#slowness = Math.max(1, this.#slowness * regained)
    const restMs = bytes >= shard.hugeBytes ? shard.hugeRestMs : 0
    this.nextAt = this.#startedAt + Math.max(this.#intervalMs * this.#slowness, bytes / (shard.bytesPerMs * share), restMs)
  }

  /** The service refused the read, since all readers together ask for too much. */
  throttled(): void {
    this.#slowness = Math.min(slowest, this.#slowness * 2)
    this.nextAt = this.#startedAt + Math.max(shard.callMs, this.#leastMs) * this.#slowness
  }
}
