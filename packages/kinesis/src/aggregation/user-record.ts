import { hashKeyOf, parseHashKey } from '../shards/hash-key.ts'

/** One record of a producer, which may travel in an aggregated record with others. */
export interface UserRecord {
  readonly partitionKey: string
  /** Decimal digits of a number from 0 to 2¹²⁸ − 1; overrides the hash of the partition key. */
  readonly explicitHashKey?: string
  readonly data: Uint8Array
}

/** Where the record belongs by its own keys. Throws a `RangeError` for an explicit hash key that is none. */
export function effectiveHashKey({ partitionKey, explicitHashKey }: UserRecord): bigint {
  if (explicitHashKey === undefined) return hashKeyOf(partitionKey)
  const hashKey = parseHashKey(explicitHashKey)
  if (hashKey === undefined) throw new RangeError('an explicit hash key is a decimal number from 0 to 2^128 - 1')
  return hashKey
}
