import { DescribeStreamSummaryCommand, ListShardsCommand, MergeShardsCommand, SplitShardCommand, type KinesisClient } from '@aws-sdk/client-kinesis'
import { until } from '../../brokers/core/until.ts'

/** Splits the first shard in two and merges the other two. */
export async function reshard(by: KinesisClient, StreamName: string): Promise<void> {
  const { Shards = [] } = await by.send(new ListShardsCommand({ StreamName }))
  const [first, second, third] = Shards.map(({ ShardId = '' }) => ShardId)
  const range = Shards[0]?.HashKeyRange
  const middle = (BigInt(range?.StartingHashKey ?? 0) + BigInt(range?.EndingHashKey ?? 0)) / 2n
  await by.send(new SplitShardCommand({ StreamName, ShardToSplit: first ?? '', NewStartingHashKey: String(middle) }))
  await untilActive(by, StreamName)
  await by.send(new MergeShardsCommand({ StreamName, ShardToMerge: second ?? '', AdjacentShardToMerge: third ?? '' }))
  await untilActive(by, StreamName)
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
