import { allBelongTo, deaggregate } from '../aggregation/deaggregate.ts'
import type { ReadRecord } from '../reading/shard-reader.ts'
import type { Position } from '../shards/position.ts'
import type { Shard } from '../shards/shard-map.ts'

/** One record of a producer: a whole record of Kinesis, or a part of an aggregated one. What a message has for its `native`. */
export interface ShardRecord extends Position {
  readonly shard: string
  /** Absent on streams that distribute records by themselves. */
  readonly partitionKey: string | undefined
  readonly data: Uint8Array
  /** When Kinesis took it, in milliseconds since the epoch. */
  readonly arrivedAt: number | undefined
}

/** What was found in an aggregated record besides records to be handled. */
export type Oddity =
  /** All of it is left out, since a key in it belongs to another shard: the producer sends all of that again. */
  | { readonly event: 'record:misplaced'; readonly records: number }
  /** It is taken for one record, whole. */
  | { readonly event: 'record:corrupt'; readonly reason: string }

export interface Splitting {
  /** Whose hash keys user records must have; `undefined` takes all, for aggregators that mix keys. */
  readonly within: Pick<Shard, 'start' | 'end'> | undefined
  readonly onOddity: (record: ReadRecord, oddity: Oddity) => void
}

/** The records of producers in a record of Kinesis: itself, or what it is an aggregate of. Data are views. */
export function shardRecordsOf(record: ReadRecord, shard: string, { within, onOddity }: Splitting): readonly ShardRecord[] {
  const { sequence, partitionKey, data, arrivedAt } = record
  const read = deaggregate(data)
  const whole: ShardRecord = { shard, sequence, subSequence: undefined, partitionKey, data, arrivedAt }
  if (read.form === 'plain') {
    if (read.suspicion !== undefined) onOddity(record, { event: 'record:corrupt', reason: read.suspicion })
    return [whole]
  }
  if (read.form === 'corrupt') {
    onOddity(record, { event: 'record:corrupt', reason: read.reason })
    return [whole]
  }
  const { records } = read
  if (within !== undefined && !allBelongTo(records, within)) {
    onOddity(record, { event: 'record:misplaced', records: records.length })
    return []
  }
  return records.map((each, subSequence) => ({ shard, sequence, subSequence, partitionKey: each.partitionKey, data: each.data, arrivedAt }))
}
