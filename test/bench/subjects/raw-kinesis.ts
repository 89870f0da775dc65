import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordsCommand,
  type KinesisClient,
  type PutRecordsRequestEntry,
  type _Record,
} from '@aws-sdk/client-kinesis'
import { texts } from '../bodies.ts'
import { client, perRequest, requests, type KinesisSubject, type KinesisWork } from './kinesis-subject.ts'
import { Limited } from './limited.ts'
import { variantsOf, type Handle, type Receiver, type Sender } from './subject.ts'

/** The SDK used well: full requests, several out at once; one loop for each shard, which asks for as many records as an answer can hold. */
export const rawKinesis: KinesisSubject = { sender, receive }

const mostRecords = 10_000
/** How often it looks whether there is room for more. */
const roomMs = 1

async function sender(work: KinesisWork): Promise<Sender> {
  const kinesis = client(work)
  const all = texts(variantsOf(work))
  const recordAt = (index: number): PutRecordsRequestEntry => ({
    Data: Buffer.from(all[index % all.length] as string),
    // Keys of their own spread messages over the shards.
    PartitionKey: work.hotKey === undefined ? randomUUID() : 'hot',
  })
  const put = async (from: number, count: number): Promise<void> => {
    const Records = Array.from({ length: count }, (_, index) => recordAt(from + index))
    const { FailedRecordCount } = await kinesis.send(new PutRecordsCommand({ StreamName: work.place, Records }))
    if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records failed`)
  }
  return {
    send: (index) => put(index, 1),
    // Of a key in order, one message or one request is out.
    ...(work.hotKey === 'strict' ? {} : { batches: { size: perRequest, atOnce: work.hotKey === undefined ? requests : 1, send: put } }),
    close: async () => kinesis.destroy(),
  }
}

async function receive(work: KinesisWork, handle: Handle): Promise<Receiver> {
  const kinesis = client(work)
  const ending = new AbortController()
  const limited = new Limited(handle, work.concurrency)
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: work.place }))
  const reads = Shards.map(({ ShardId = '' }) => read(kinesis, work, ShardId, limited, ending.signal))
  const ended = Promise.all(reads)
  const failed = Promise.withResolvers<never>()
  ended.catch(failed.reject)
  return {
    failed: failed.promise,
    async close() {
      ending.abort()
      await ended
      await limited.end()
      kinesis.destroy()
    },
  }
}

/** A page is asked for when half of the one before has been begun, so that it comes while handlers work on the rest. */
async function read(kinesis: KinesisClient, work: KinesisWork, ShardId: string, limited: Limited, signal: AbortSignal): Promise<void> {
  const { place: StreamName, readEveryMs } = work
  const start = await kinesis.send(new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }))
  for (let next = start.ShardIterator; next !== undefined && !signal.aborted;) {
    const nextAt = performance.now() + readEveryMs
    const answer = await kinesis.send(new GetRecordsCommand({ ShardIterator: next, Limit: mostRecords }))
    const { Records = [] } = answer
    for (const record of Records) limited.add(textOf(record))
    next = answer.NextShardIterator
    // Its records stand behind each other, whatever other shards have added before.
    const half = limited.begun + limited.waiting - Records.length / 2
    while (Records.length > 0 && limited.begun < half && !signal.aborted) await sleep(roomMs)
    const earlyMs = nextAt - performance.now()
    if (earlyMs > 0) await sleep(earlyMs)
    else if (Records.length === 0) await sleep(roomMs)
  }
}

/** What a consumer works with: a text, and a number to go on from. */
function textOf({ Data = new Uint8Array(0), SequenceNumber = '' }: _Record): string {
  const text = Buffer.from(Data.buffer, Data.byteOffset, Data.length).toString()
  if (text === '' || BigInt(SequenceNumber) < 0n) throw new Error('an empty record')
  return text
}
