import type { Shard as NativeShard } from '@aws-sdk/client-kinesis'
import type { Api, CallContext } from '../api.ts'
import { kinesisError } from '../errors.ts'
import { limits } from '../limits.ts'
import { addressOf, type StreamName } from '../names.ts'
import type { ResolvedRouteOptions } from '../route-options.ts'
import { ShardMap, type Shard } from './shard-map.ts'

/** What a sender needs to know of a stream. */
export interface StreamShape {
  /** `undefined` where the service itself distributes records (`AUTO`), so that keys say nothing. */
  readonly shards: ShardMap | undefined
  /** Data and partition key of the largest record. */
  readonly maxRecordBytes: number
}

/** As it is now. Throws `BrokerError`. */
export async function loadShape(api: Api, stream: StreamName, context: CallContext): Promise<StreamShape> {
  const { RecordDistributionStrategy, MaxRecordSizeInKiB } = await api.describe(stream, context)
  const maxRecordBytes = MaxRecordSizeInKiB === undefined ? limits.recordBytes : MaxRecordSizeInKiB * 1_024
  const shards = RecordDistributionStrategy === 'AUTO' ? undefined : new ShardMap((await api.listShards(stream, context)).map(shardOf))
  return { shards, maxRecordBytes }
}

/** Of a stream that distributes records by itself: throws `ERR_UNSUPPORTED` for what it then cannot do. */
export function checkDistribution(stream: StreamName, keyed: boolean, { aggregateBytes, explicitHashKey }: ResolvedRouteOptions): void {
  const needs = keyed
    ? 'ordering keys need'
    : aggregateBytes !== undefined
      ? 'aggregate needs'
      : explicitHashKey === undefined
        ? undefined
        : 'explicitHashKey needs'
  if (needs === undefined) return
  throw kinesisError(
    'ERR_UNSUPPORTED',
    `${addressOf(stream)} distributes records by itself (AUTO) and ignores keys, which ${needs}; set its record distribution strategy to USER_PARTITION_KEY`,
  )
}

/** As `ListShards` tells of it. */
export function shardOf({ ShardId, HashKeyRange, ParentShardId, AdjacentParentShardId, SequenceNumberRange }: NativeShard): Shard {
  return {
    id: ShardId ?? '',
    start: BigInt(HashKeyRange?.StartingHashKey ?? 0),
    end: BigInt(HashKeyRange?.EndingHashKey ?? 0),
    parents: [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined),
    open: SequenceNumberRange?.EndingSequenceNumber === undefined,
  }
}
