import { DescribeStreamSummaryCommand, ListShardsCommand, MergeShardsCommand, SplitShardCommand, type KinesisClient, type Shard } from '@aws-sdk/client-kinesis'
import { until } from '../../brokers/core/until.ts'

/** Splits the open shard of the lowest hash keys in two, and merges the upper half with its neighbour. */
export async function reshard(by: KinesisClient, StreamName: string): Promise<void> {
  const [first, next] = await openShards(by, StreamName)
  const range = first?.HashKeyRange
  const middle = (BigInt(range?.StartingHashKey ?? 0) + BigInt(range?.EndingHashKey ?? 0)) / 2n
  await by.send(new SplitShardCommand({ StreamName, ShardToSplit: first?.ShardId ?? '', NewStartingHashKey: String(middle) }))
  await untilActive(by, StreamName)
  const [, upper] = await openShards(by, StreamName)
  await by.send(new MergeShardsCommand({ StreamName, ShardToMerge: upper?.ShardId ?? '', AdjacentShardToMerge: next?.ShardId ?? '' }))
  await untilActive(by, StreamName)
}

/** By their hash keys. */
export async function openShards(by: KinesisClient, StreamName: string): Promise<readonly Shard[]> {
  const { Shards = [] } = await by.send(new ListShardsCommand({ StreamName }))
  const from = (shard: Shard): bigint => BigInt(shard.HashKeyRange?.StartingHashKey ?? 0)
  return Shards.filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined).toSorted((a, b) => (from(a) < from(b) ? -1 : 1))
}

/** A stream that was made or changed can be used. */
export async function untilActive(by: KinesisClient, StreamName: string): Promise<void> {
  await until(
    StreamName,
    async () => {
      const { StreamDescriptionSummary } = await by.send(new DescribeStreamSummaryCommand({ StreamName }))
      if (StreamDescriptionSummary?.StreamStatus !== 'ACTIVE') throw new Error(String(StreamDescriptionSummary?.StreamStatus))
    },
    { timeoutMs: 10_000 },
  )
}
