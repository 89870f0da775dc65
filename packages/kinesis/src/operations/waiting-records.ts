import { isBrokerError, sleep, type Services } from '@busbar/core/driver'
import type { Api, CallContext, RecordsPage } from '../api.ts'
import type { Checkpoint } from '../group/checkpoint.ts'
import { limits } from '../limits.ts'
import type { StreamName } from '../names.ts'
import { Place } from '../reading/place.ts'
import type { ReadRecord } from '../reading/shard-reader.ts'
import { shardRecordsOf } from '../receiving/shard-record.ts'
import type { Shard } from '../shards/shard-map.ts'

export interface WaitingRecordsOptions {
  readonly api: Api
  readonly services: Services
  readonly stream: StreamName
  readonly shard: Shard
  /** As of `Splitting`. */
  readonly within: Shard | undefined
  readonly from: Checkpoint
  /** Stops counting there; 0 looks at the first record alone. */
  readonly countUpTo: number
  readonly context: CallContext
}

/** What waits in a shard behind a checkpoint. */
export interface WaitingRecords {
  /** When the first was taken by Kinesis, in milliseconds since the epoch; `undefined` if there is none. */
  readonly since: number | undefined
  /** Those of producers: an aggregated record counts as many as it holds. At most `countUpTo`. */
  readonly records: number
}

/** The record at the checkpoint, which is done, and the one behind it. */
const fewestAsked = 2
/** Pages in a row without a record after which a shard counts as read, though it says that there is more. */
const mostEmptyPages = 20
/** Whoever reads the shard uses up its reads, so that one more may be refused for a moment. */
const throttleMs = 300
const mostThrottles = 10

/** Reads the shard from the checkpoint on, as far as it has to. Throws `BrokerError`. */
export async function waitingRecords(options: WaitingRecordsOptions): Promise<WaitingRecords> {
  const { api, services, stream, shard, within, from, countUpTo, context } = options
  const { clock } = services
  const place = new Place(from)
  const counted = { since: undefined as number | undefined, records: 0 }
  if (place.earlyMs(clock.now()) > 0) return counted
  const patient = <T>(call: () => Promise<T>): Promise<T> => patiently(call, services, context.signal)
  const asked = Math.min(limits.readRecords, Math.max(fewestAsked, countUpTo + 1))
  let iterator: string | undefined = await patient(() => api.shardIterator(stream, shard.id, place.ask(clock.now()), context))
  for (let emptyPages = 0; emptyPages < mostEmptyPages && iterator !== undefined; emptyPages++) {
    const current: string = iterator
    const answer: RecordsPage = await patient(() => api.getRecords(stream, current, asked, context))
    const natives = answer.Records ?? []
    for (const record of place.take(natives, answer.MillisBehindLatest).records) {
      const waiting = notDoneOf(record, shard, within, from)
      if (waiting > 0) counted.since ??= record.arrivedAt
      counted.records = Math.min(countUpTo, counted.records + waiting)
    }
    if (natives.length > 0) emptyPages = -1
    const enough = counted.since !== undefined && counted.records >= countUpTo
    // All that was asked for was done, or there is nothing.
    if (enough || (natives.length === 0 && answer.MillisBehindLatest === 0)) return counted
    iterator = answer.NextShardIterator ?? undefined
  }
  return counted
}

/** Of an aggregated record a part may be done. */
function notDoneOf(record: ReadRecord, shard: Shard, within: Shard | undefined, from: Checkpoint): number {
  const held = shardRecordsOf(record, shard.id, { within, onOddity: () => undefined })
  if (from.kind !== 'after' || from.position.sequence !== record.sequence) return held.length
  const { subSequence: done = -1 } = from.position
  return held.filter(({ subSequence = 0 }) => subSequence > done).length
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
