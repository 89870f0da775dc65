import type { StartFrom } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import type { Shard, StreamRecord } from './shard.ts'
import type { Stream } from './stream.ts'

/** How long an iterator can be used after it was returned. */
export const iteratorLifeMs = 300_000
const maxRecords = 10_000
const maxBytes = 10_485_760

/** A reader's place in one shard, as `GetShardIterator` returns it. */
export interface ShardIterator {
  readonly shardId: string
  readonly offset: number
  /** Monotonic. */
  readonly issuedAt: number
}

export interface RecordsPage {
  readonly records: readonly StreamRecord[]
  /** Absent when the shard is closed and read to its end. */
  readonly next?: ShardIterator
  /** Successors, once there is no `next`. */
  readonly childShards: readonly string[]
  /** Milliseconds between the last record read and now; 0 at the tip. */
  readonly millisBehindLatest: number
}

/** `after`: the record behind `position` instead of the one at it. */
export function shardIterator(stream: Stream, shardId: string, position: StartFrom, after: boolean = false): ShardIterator {
  const shard = find(stream, shardId)
  const at = stream.offset(shard, position)
  const exact = after && typeof position === 'object' && 'position' in position && at < shard.end && shard.at(at).sequence === BigInt(position.position)
  return { shardId, offset: exact ? at + 1 : at, issuedAt: stream.world.clock.monotonic() }
}

/** Reads on from an iterator. What has been trimmed is skipped. Throws `ERR_TOO_LATE` for an iterator older than five minutes. */
export function readRecords(stream: Stream, iterator: ShardIterator, limit: number = maxRecords): RecordsPage {
  const { clock } = stream.world
  if (clock.monotonic() - iterator.issuedAt > iteratorLifeMs)
    throw memoryError('ERR_TOO_LATE', `The iterator of ${iterator.shardId} has expired: they live for five minutes`)
  const shard = find(stream, iterator.shardId)
  stream.trim()
  const records: StreamRecord[] = []
  let bytes = 0
  let offset = Math.max(iterator.offset, shard.first)
  for (; offset < shard.end && records.length < Math.min(limit, maxRecords); offset++) {
    const record = shard.at(offset)
    bytes += record.bytes
    if (bytes > maxBytes && records.length > 0) break
    records.push(record)
  }
  const ended = shard.closed && offset >= shard.end
  const millisBehindLatest = offset < shard.end ? clock.now() - shard.at(offset).arrivedAt : 0
  const page = { records, childShards: ended ? shard.children.map((child) => child.id) : [], millisBehindLatest }
  return ended ? page : { ...page, next: { shardId: shard.id, offset, issuedAt: clock.monotonic() } }
}

function find(stream: Stream, shardId: string): Shard {
  const shard = stream.shards.find((candidate) => candidate.id === shardId)
  if (shard === undefined) throw memoryError('ERR_NOT_FOUND', `${stream.name} has no shard ${shardId}`)
  return shard
}
