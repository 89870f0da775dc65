import type { _Record as NativeRecord } from '@aws-sdk/client-kinesis'
import { isBrokerError } from '@busbar/core/driver'
import { isExpiredIterator, type CallContext, type RecordsPage } from '../api.ts'
import { kinesisError } from '../errors.ts'
import { Place } from './place.ts'
import { doingOf, isDue, readPages, sleepUntil, type PageRead, type PageSource } from './read-pages.ts'
import { ShardPace, type ReadPace } from './shard-pace.ts'
import type { ShardReader, ShardReaderOptions } from './shard-reader.ts'

/** Reads by `GetRecords`, within its part of what the shard gives to all that poll it. */
export function pollingReader(pace: ReadPace): ShardReader {
  return (options) => readPages(options, new PollingSource(options, pace))
}

class PollingSource implements PageSource {
  readonly #options: ShardReaderOptions
  readonly #context: CallContext
  readonly #place: Place
  readonly #pace: ShardPace
  /** Kept from one answer to the next: asked for anew it might stand elsewhere. Failed calls leave it as it is. */
  #iterator: string | undefined

  constructor(options: ShardReaderOptions, pace: ReadPace) {
    this.#options = options
    this.#context = { doing: doingOf(options), signal: options.signal }
    this.#place = new Place(options.from)
    this.#pace = new ShardPace(pace)
  }

  async next(): Promise<PageRead | undefined> {
    const { services, signal, stream, api } = this.#options
    const { clock } = services
    await sleepUntil(clock, this.#pace.nextAt, signal)
    this.#iterator ??= await this.#newIterator()
    if (this.#iterator === undefined) return undefined
    this.#pace.started(clock.monotonic())
    let answer: RecordsPage
    try {
      answer = await api.getRecords(stream, this.#iterator, this.#pace.limit, this.#context)
    } catch (error) {
      if (isExpiredIterator(error)) {
        this.#iterator = undefined
        return undefined
      }
      if (isBrokerError(error) && error.code === 'ERR_THROTTLED') this.#pace.throttled()
      throw error
    }
    const { Records, MillisBehindLatest, ChildShards } = answer
    // Some servers answer null.
    const next = answer.NextShardIterator ?? undefined
    if (Records === undefined && next === undefined) throw kinesisError('ERR_UNAVAILABLE', `${this.#context.doing}: the answer is empty`)
    const natives = Records ?? []
    const page = this.#place.take(natives, MillisBehindLatest)
    this.#pace.read(natives.length, bytesOf(natives), (MillisBehindLatest ?? 0) > 0)
    this.#iterator = next
    return { page, ended: next === undefined && ((ChildShards ?? []).length > 0 || 'unnamed') }
  }

  close(): void {
    this.#iterator = undefined
  }

  /** `undefined` when it was too early for one. */
  async #newIterator(): Promise<string | undefined> {
    const { services, signal, stream, shard, api } = this.#options
    const { clock } = services
    if (!(await isDue(this.#place, clock, signal))) return undefined
    try {
      return await api.shardIterator(stream, shard, this.#place.ask(clock.now()), this.#context)
    } catch (error) {
      throw this.#place.refusal(error, clock.now())
    }
  }
}

function bytesOf(records: readonly NativeRecord[]): number {
  let bytes = 0
  for (const { Data, PartitionKey } of records) bytes += (Data?.length ?? 0) + (PartitionKey?.length ?? 0)
  return bytes
}
