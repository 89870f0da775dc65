import { isBrokerError, sleep, type Services } from '@busbar/core/driver'
import type { Api, CallContext, RecordsPage } from '../api.ts'
import type { Checkpoint } from '../group/checkpoint.ts'
import type { StreamName } from '../names.ts'
import { Place } from '../reading/place.ts'

export interface OldestRecordOptions {
  readonly api: Api
  readonly services: Services
  readonly stream: StreamName
  readonly shard: string
  readonly from: Checkpoint
  readonly context: CallContext
}

/** The record at the checkpoint, which is done, and the one behind it. */
const askedRecords = 2
/** Pages without a record after which a shard counts as read, though it says that there is more. */
const mostPages = 20
/** Whoever reads the shard uses up its reads, so that one more may be refused for a moment. */
const throttleMs = 300
const mostThrottles = 10

/** When the first record behind a checkpoint was taken by Kinesis, in milliseconds since the epoch; `undefined` if there is none. Throws `BrokerError`. */
export async function oldestRecord({ api, services, stream, shard, from, context }: OldestRecordOptions): Promise<number | undefined> {
  const { clock } = services
  const place = new Place(from)
  if (place.earlyMs(clock.now()) > 0) return undefined
  const patient = <T>(call: () => Promise<T>): Promise<T> => patiently(call, services, context.signal)
  let iterator: string | undefined = await patient(() => api.shardIterator(stream, shard, place.ask(clock.now()), context))
  for (let pages = 0; pages < mostPages && iterator !== undefined; pages++) {
    const asked: string = iterator
    const answer: RecordsPage = await patient(() => api.getRecords(stream, asked, askedRecords, context))
    const [first] = place.take(answer.Records ?? [], answer.MillisBehindLatest).records
    if (first !== undefined) return first.arrivedAt
    // All that was asked for was done, or there is nothing.
    if ((answer.Records ?? []).length === 0 && answer.MillisBehindLatest === 0) return undefined
    iterator = answer.NextShardIterator ?? undefined
  }
  return undefined
}

async function patiently<T>(call: () => Promise<T>, { clock }: Services, signal: AbortSignal | undefined): Promise<T> {
  for (let throttles = 0; ; throttles++) {
    try {
      return await call()
    } catch (error) {
      if (!isBrokerError(error) || error.code !== 'ERR_THROTTLED' || throttles >= mostThrottles) throw error
      await sleep(clock, throttleMs, signal)
    }
  }
}
