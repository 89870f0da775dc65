import { randomUUID } from 'node:crypto'
import { GetRecordsCommand, GetShardIteratorCommand, ListShardsCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { texts } from '../bodies.ts'
import type { Meter } from '../engine/meter.ts'
import { client, perRequest, requests, type KinesisJob, type KinesisSubject } from './kinesis-subject.ts'

/** The SDK used well: full requests, several out at once; one loop for each shard, which asks for as many records as an answer can hold. */
export const rawKinesis: KinesisSubject = { send, consume }

const StreamName = 'bench'
const mostRecords = 10_000

async function send(job: KinesisJob, meter: Meter): Promise<void> {
  const kinesis = client(job)
  const all = texts()
  let begun = 0
  const sendAll = async (): Promise<void> => {
    while (begun < meter.total) {
      const from = begun
      begun += perRequest
      // Keys of their own spread messages over the shards.
      const Records = Array.from({ length: Math.min(perRequest, meter.total - from) }, (_, index) => ({
        Data: Buffer.from(all[(from + index) % all.length] as string),
        PartitionKey: randomUUID(),
      }))
      const { FailedRecordCount } = await kinesis.send(new PutRecordsCommand({ StreamName, Records }))
      if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records failed`)
      for (const _ of Records) meter.tick()
    }
  }
  await Promise.all(Array.from({ length: requests }, sendAll))
}

async function consume(job: KinesisJob, meter: Meter): Promise<void> {
  const kinesis = client(job)
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName }))
  const read = async (ShardId: string): Promise<void> => {
    const start = await kinesis.send(new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }))
    for (let next = start.ShardIterator; next !== undefined && meter.count < meter.total;) {
      const { Records = [], NextShardIterator } = await kinesis.send(new GetRecordsCommand({ ShardIterator: next, Limit: mostRecords }))
      for (const { Data = new Uint8Array(0), SequenceNumber = '' } of Records) {
        // What a consumer works with: a text, and a number to go on from.
        if (Buffer.from(Data.buffer, Data.byteOffset, Data.length).toString() === '' || BigInt(SequenceNumber) < 0n) throw new Error('an empty record')
        meter.tick()
      }
      next = NextShardIterator
    }
  }
  await Promise.all(Shards.map(({ ShardId = '' }) => read(ShardId)))
}
