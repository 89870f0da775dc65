import { Aggregator } from './aggregator.ts'
import { effectiveHashKey, type UserRecord } from './user-record.ts'

/**
 * Puts user records into one aggregated record of the Kinesis Producer Library, in order. All of them must belong into one shard, since readers drop what lies in another.
 * Throws a `RangeError` for an explicit hash key that is none.
 */
export function aggregate(records: readonly UserRecord[]): Uint8Array {
  const aggregator = new Aggregator(Infinity)
  for (const record of records) {
    effectiveHashKey(record)
    aggregator.add(record)
  }
  return aggregator.build()
}
