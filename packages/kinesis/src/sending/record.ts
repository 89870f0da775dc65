import { envelopeHead, type Outgoing } from '@busbar/core/driver'
import type { UserRecord } from '../aggregation/user-record.ts'
import { limits } from '../limits.ts'
import type { ResolvedRouteOptions } from '../route-options.ts'
import { hashKeyOf, maxHashKey, type HashKeys } from '../shards/hash-key.ts'

/** A message as a record, but for its data, which {@link dataOf} makes when it goes. */
export interface PreparedRecord {
  readonly partitionKey: string
  readonly explicitHashKey: string | undefined
  /** Where it belongs; `undefined` where that is all the same. */
  readonly hashKey: bigint | undefined
  /** As the service counts: data and partition key. */
  readonly bytes: number
  /** What stands before the body. */
  readonly head: Uint8Array | undefined
  readonly body: Outgoing['body']
}

/** Throws a `RangeError` for a key that Kinesis does not take, and what `explicitHashKey` throws. */
export function prepareRecord(message: Outgoing, { envelope, explicitHashKey, aggregateBytes }: ResolvedRouteOptions, hashKeys: HashKeys): PreparedRecord {
  const { body, bodyBytes, key } = message
  const partitionKey = partitionKeyOf(message)
  checkKey(partitionKey)
  const explicit = key === undefined ? undefined : explicitHashKey?.(key)
  if (explicit !== undefined && (typeof explicit !== 'bigint' || explicit < 0n || explicit > maxHashKey))
    throw new RangeError('explicitHashKey must give a bigint from 0 to 2^128 - 1')
  // An aggregated record is made for a shard; an id does not come again.
  const ofId = key === undefined && aggregateBytes !== undefined ? hashKeyOf(partitionKey) : undefined
  const hashKey = key === undefined ? ofId : (explicit ?? hashKeys.of(key))
  const head = envelope ? envelopeHead(message) : undefined
  const bytes = (head?.length ?? 0) + bodyBytes + Buffer.byteLength(partitionKey)
  return { partitionKey, explicitHashKey: explicit?.toString(), hashKey, bytes, head, body }
}

export function dataOf({ head, body }: PreparedRecord): Uint8Array {
  const content = typeof body === 'string' ? Buffer.from(body) : body
  return head === undefined ? content : Buffer.concat([head, content])
}

/** Without a key, messages are spread over the shards. */
export function partitionKeyOf({ key, id }: Outgoing): string {
  return key ?? id.slice(0, limits.partitionKeyLength).toWellFormed()
}

export function userRecordOf(record: PreparedRecord): UserRecord {
  const { partitionKey, explicitHashKey } = record
  return { partitionKey, ...(explicitHashKey !== undefined && { explicitHashKey }), data: dataOf(record) }
}

/** Characters outside the basic plane are two units each and count as one. */
function checkKey(key: string): void {
  const most = limits.partitionKeyLength
  const fits = key.length <= most || (key.length <= 2 * most && Array.from(key).length <= most)
  if (key === '' || !fits || !key.isWellFormed()) throw new RangeError(`a partition key has 1 to ${most} characters`)
}
