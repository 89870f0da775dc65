import type { Clock, Timer } from '@busbar/core/driver'
import type { ShardScope } from './shard-scope.ts'

/** How often it looks, in parts of the retention. */
const looksPerRetention = 200
const longestLookMs = 60_000
const shortestLookMs = 1_000

export interface BlockedWatchOptions {
  readonly clock: Clock
  /** How long the stream keeps records now, in milliseconds. */
  readonly retentionMs: () => number
  readonly scopes: () => Iterable<ShardScope>
  /** The oldest record of the shard that is not done is so old. Told once, until the shard has gone on. */
  readonly onBlocked: (scope: ShardScope, ageMs: number) => void
}

/** Looks now and then for records that wait to be done for half of the time that the stream keeps them: what is behind them is lost after the other half. */
export class BlockedWatch {
  readonly #options: BlockedWatchOptions
  readonly #told = new WeakSet<ShardScope>()
  #timer: Timer | undefined

  constructor(options: BlockedWatchOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, retentionMs } = this.#options
    const everyMs = Math.min(longestLookMs, Math.max(shortestLookMs, retentionMs() / looksPerRetention))
    this.#timer = clock.timer(clock.monotonic() + everyMs, () => {
      this.look()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  look(): void {
    const { clock, retentionMs, scopes, onBlocked } = this.#options
    for (const scope of scopes()) {
      const ageMs = clock.now() - (scope.oldestArrivedAt ?? Infinity)
      if (ageMs < retentionMs() / 2) this.#told.delete(scope)
      else if (!this.#told.has(scope)) {
        this.#told.add(scope)
        onBlocked(scope, ageMs)
      }
    }
  }
}
