import { jitteredBackoff, sleep } from '@busbar/core/driver'
import { toBrokerError } from '../errors.ts'
import type { ShardReaderOptions } from './shard-reader.ts'

const firstBackoffMs = 200
const lastBackoffMs = 10_000

/** Failures of one reader, in a row: tells of them, and waits longer after each. */
export class Retries {
  readonly #options: Pick<ShardReaderOptions, 'services' | 'signal' | 'failed' | 'recovered'>
  readonly #doing: string
  #failures = 0

  constructor(options: Pick<ShardReaderOptions, 'services' | 'signal' | 'failed' | 'recovered'>, doing: string) {
    this.#options = options
    this.#doing = doing
  }

  /** Resolves when it is time to try again, or when the signal has fired. Throws what trying again does not mend. */
  async after(error: unknown): Promise<void> {
    const failure = toBrokerError(error, this.#doing)
    if (!failure.retryable) throw failure
    const { services, signal, failed } = this.#options
    failed(failure)
    const waitMs = jitteredBackoff(Math.min(this.#failures++, 16), firstBackoffMs, lastBackoffMs, services.random)
    await sleep(services.clock, waitMs, signal).catch(() => undefined)
  }

  succeeded(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#options.recovered()
  }
}
