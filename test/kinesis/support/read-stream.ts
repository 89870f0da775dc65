import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, ListShardsCommand, type Shard } from '@aws-sdk/client-kinesis'
import { deaggregate } from '@busbar/kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** One user record as a plain consumer sees it. */
export interface ReadRecord {
  readonly shard: string
  readonly key: string
  readonly text: string
  readonly data: Uint8Array
  /** `sequence`, or `sequence:subSequence`. */
  readonly position: string
}

export interface Account {
  readonly url: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export const region = 'us-east-1'

/** A plain client, as others would use it. */
export function plainClient({ url, credentials }: Account): KinesisClient {
  return new KinesisClient({ endpoint: url, region, credentials, maxAttempts: 1, requestHandler: new NodeHttpHandler() })
}

/** Everything that is in the stream, parents before their children. Shards that were not split are in the order of their hash ranges. */
export async function readStream(client: KinesisClient, StreamName: string): Promise<readonly ReadRecord[]> {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
  const records: ReadRecord[] = []
  for (const shard of parentsFirst(Shards)) records.push(...(await readShard(client, StreamName, shard.ShardId ?? '')))
  return records
}

/** How many Kinesis records there are in a stream, however many each of them holds. */
export async function countRecords(client: KinesisClient, StreamName: string): Promise<number> {
  const sequences = (await readStream(client, StreamName)).map(({ position }) => position.split(':')[0])
  return new Set(sequences).size
}

async function readShard(client: KinesisClient, StreamName: string, ShardId: string): Promise<readonly ReadRecord[]> {
  const records: ReadRecord[] = []
  const start = await client.send(new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }))
  for (let next = start.ShardIterator; next !== undefined;) {
    const page = await client.send(new GetRecordsCommand({ ShardIterator: next }))
    for (const { Data = new Uint8Array(0), PartitionKey: key = '', SequenceNumber: position = '' } of page.Records ?? []) {
      const read = deaggregate(Data)
      if (read.form === 'aggregated')
        for (const [index, each] of read.records.entries()) records.push(recordOf(ShardId, each.partitionKey, each.data, `${position}:${index}`))
      else records.push(recordOf(ShardId, key, Data, position))
    }
    if (page.Records?.length === 0 && page.MillisBehindLatest === 0) break
    next = page.NextShardIterator
  }
  return records
}

function recordOf(shard: string, key: string, data: Uint8Array, position: string): ReadRecord {
  return { shard, key, text: Buffer.from(data).toString(), data, position }
}

function parentsFirst(shards: readonly Shard[]): readonly Shard[] {
  const depth = (shard: Shard): number => {
    const parents = [shard.ParentShardId, shard.AdjacentParentShardId].flatMap((id) => shards.filter(({ ShardId }) => ShardId === id))
    return parents.length === 0 ? 0 : 1 + Math.max(...parents.map(depth))
  }
  return shards.toSorted((a, b) => depth(a) - depth(b))
}
