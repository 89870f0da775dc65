import { isBrokerError, jitteredBackoff, sleep, unlessAborted, type BrokerError, type Services } from '@busbar/core/driver'
import type { Api } from '../api.ts'
import { kinesisError } from '../errors.ts'
import { isFurther, type Checkpoint } from '../group/checkpoint.ts'
import type { StreamName } from '../names.ts'
import type { Page, ShardReader } from '../reading/shard-reader.ts'
import type { Gate } from './gate.ts'
import type { ShardScope } from './shard-scope.ts'

/** What a failure to read comes to: it is tried again; the shard is gone with all that was in it; or the receiver cannot go on. */
export type Verdict = 'again' | 'expired' | { readonly fatal: BrokerError }

export interface ShardReadingOptions {
  readonly scope: ShardScope
  readonly reader: ShardReader
  readonly api: Api
  readonly services: Services
  readonly stream: StreamName
  /** Closed while nothing shall be read. */
  readonly gate: Gate
  /** The receiver has started already: `latest` is when the lease began, and not the first look. */
  readonly late: boolean
  /** There is a new page. */
  readonly onPage: () => void
  /** The record with this number, to go on behind, is not kept any more: what was behind it may be lost. */
  readonly onTrimmed: (sequence: bigint) => void
  /** Reading has failed, and is tried again. */
  readonly onFailed: (error: BrokerError) => void
  readonly onRecovered: () => void
  /** What to do about a failure that the reader does not mend by itself. `sinceMs`: how long the shard has not been read. */
  readonly judge: (error: BrokerError, sinceMs: number) => Promise<Verdict>
  readonly onFatal: (error: BrokerError) => void
}

const firstBackoffMs = 500
const lastBackoffMs = 5_000

/** Reads one shard page by page, each when half of the last one has been handed out, so that it comes while handlers work on the rest, until it ends or is taken away. */
export class ShardReading {
  readonly #options: ShardReadingOptions
  readonly #stopping = new AbortController()
  readonly #begun = Promise.withResolvers<void>()
  /** Monotonic milliseconds since which nothing could be read. */
  #failingSince: number | undefined
  #failures = 0
  /** Has it been asked for before, or kept from asking? */
  #asked: boolean

  constructor(options: ShardReadingOptions) {
    this.#options = options
    this.#asked = options.late
  }

  /** Resolves when the first page has come, or none will. */
  get begun(): Promise<void> {
    return this.#begun.promise
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { scope, services, gate } = this.#options
    while (!this.#stopping.signal.aborted) {
      // What is written while it is paused must not be left out for being older than the first look.
      if (!gate.isOpen) this.#asked = true
      await this.#passed()
      const end = await this.#read().catch((error: unknown) => this.#judged(error))
      if (end === 'ended' || end === 'expired') {
        await scope.leftAtMost(0)
        if (!this.#stopping.signal.aborted) scope.lease.end()
        break
      }
      if (end !== 'again') break
      await sleep(services.clock, jitteredBackoff(this.#failures++, firstBackoffMs, lastBackoffMs, services.random), this.#stopping.signal).catch(
        () => undefined,
      )
    }
    this.#begun.resolve()
  }

  /** Nothing more is read; what was read stays where it is. */
  stop(): void {
    this.#stopping.abort()
    this.#begun.resolve()
  }

  async #read(): Promise<'ended' | 'aborted'> {
    const { api, services, stream, scope, reader, onFailed } = this.#options
    const { signal } = this.#stopping
    const failed = (error: BrokerError): void => {
      this.#failingSince ??= services.clock.monotonic()
      onFailed(error)
    }
    const pages = reader({ api, services, stream, shard: scope.partition, from: this.#from(), signal, failed, recovered: () => this.#succeeded() })
    try {
      for (;;) {
        const next = await pages.next()
        if (next.done === true) return next.value
        if (signal.aborted) return 'aborted'
        this.#succeeded()
        await this.#handOut(next.value)
        await this.#passed()
      }
    } finally {
      await pages.return('aborted').catch(() => undefined)
    }
  }

  /** At the gate, or stopped: what is lost while it is paused must not keep its connection open. */
  async #passed(): Promise<void> {
    await unlessAborted(this.#options.gate.passed(), this.#stopping.signal).catch(() => undefined)
  }

  async #handOut(page: Page): Promise<void> {
    const { scope, onPage, onTrimmed } = this.#options
    if (page.trimmedAfter !== undefined) onTrimmed(page.trimmedAfter)
    scope.add(page)
    this.#begun.resolve()
    if (page.records.length === 0) return
    onPage()
    await scope.leftAtMost(Math.floor(page.records.length / 2))
  }

  /** Behind the last record that was handed out, if there was one. */
  #from(): Checkpoint {
    const { lease, last } = this.#options.scope
    const again = this.#asked
    this.#asked = true
    // Asked for once more, the latest record would be another one.
    if (last === undefined) return again && lease.from.kind === 'latest' ? lease.checkpoint : lease.from
    const from: Checkpoint = { kind: 'after', position: last }
    return isFurther(from, lease.from) ? from : lease.from
  }

  #succeeded(): void {
    this.#failures = 0
    if (this.#failingSince === undefined) return
    this.#failingSince = undefined
    this.#options.onRecovered()
  }

  async #judged(thrown: unknown): Promise<'again' | 'aborted' | 'expired'> {
    const { services, scope, judge, onFailed, onFatal } = this.#options
    if (this.#stopping.signal.aborted) return 'aborted'
    const error = isBrokerError(thrown) ? thrown : kinesisError('ERR_UNAVAILABLE', `Reading shard ${scope.partition}: ${String(thrown)}`, { cause: thrown })
    this.#failingSince ??= services.clock.monotonic()
    onFailed(error)
    const verdict = await judge(error, services.clock.monotonic() - this.#failingSince)
    if (typeof verdict !== 'object') return verdict
    onFatal(verdict.fatal)
    return 'aborted'
  }
}
