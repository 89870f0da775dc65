import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { deaggregate } from '@busbar/kinesis'
import dynalite from 'dynalite'
import type { KinesisShape, KinesisUsage } from './kinesis-server.ts'

interface Input {
  readonly Records?: readonly { readonly Data: string; readonly PartitionKey: string; readonly ExplicitHashKey?: string }[]
  readonly ShardId?: string
  readonly ShardIterator?: string
  readonly Limit?: number
}

const shape = JSON.parse(process.argv[2] ?? '') as KinesisShape
/** How the data of an aggregated record begin. */
const aggregatedBase64 = '84maw'
const mostRecords = 10_000
const hashKeys = 1n << 128n
const firstNumber = 10n ** 55n

const shards = Array.from({ length: shape.shards }, (_, index) => {
  const edge = (of: number): bigint => (hashKeys * BigInt(of)) / BigInt(shape.shards)
  return {
    ShardId: `shardId-${String(index).padStart(12, '0')}`,
    HashKeyRange: { StartingHashKey: String(edge(index)), EndingHashKey: String(edge(index + 1) - 1n) },
    SequenceNumberRange: { StartingSequenceNumber: String(firstNumber) },
  }
})
/** Texts that begin with their number, as the bodies that are sent. */
const data = Array.from({ length: 1_024 }, (_, index) => Buffer.from(String(index).padStart(8, '0').padEnd(shape.recordBytes, ' lorem')).toString('base64'))
const usage = { calls: 0, messages: 0, records: 0 }

const operations: Readonly<Record<string, (input: Input) => string>> = {
  DescribeStreamSummary: () =>
    JSON.stringify({
      StreamDescriptionSummary: {
        StreamStatus: 'ACTIVE',
        StreamCreationTimestamp: 1_767_225_600,
        StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/bench',
        OpenShardCount: shape.shards,
      },
    }),
  ListShards: () => JSON.stringify({ Shards: shards }),
  PutRecords: ({ Records = [] }) => {
    const answers = Records.map(({ Data, PartitionKey, ExplicitHashKey }) => {
      usage.messages += Data.startsWith(aggregatedBase64) ? messagesIn(Data) : 1
      usage.records++
      const shard = shardOf(PartitionKey, ExplicitHashKey)
      if (shape.stores) store(shard, Data, PartitionKey)
      return `{"ShardId":"${shard}","SequenceNumber":"${firstNumber + BigInt(usage.records)}"}`
    })
    return `{"FailedRecordCount":0,"Records":[${answers.join()}]}`
  },
  GetShardIterator: ({ ShardId }) => JSON.stringify({ ShardIterator: `${ShardId} 0` }),
  GetRecords: ({ ShardIterator = '', Limit = mostRecords }) => {
    const [shard, from = 0] = ShardIterator.split(' ')
    const first = Number(from)
    const kept = stored.get(shard ?? '') ?? []
    const all = shape.stores ? kept.length : shape.recordsPerShard
    const count = Math.min(Limit, all - first)
    const records = shape.stores ? kept.slice(first, first + count) : Array.from({ length: count }, (_, index) => recordText(first + index))
    const behind = first + count < all ? 1_000 : 0
    return `{"Records":[${records.join()}],"NextShardIterator":"${shard} ${first + count}","MillisBehindLatest":${behind}}`
  },
}

/** A sender that is told another shard than its key says looks the shards up again. */
function shardOf(key: string, explicitHashKey: string | undefined): string {
  const hashKey = explicitHashKey === undefined ? BigInt(`0x${hash('md5', key, 'hex')}`) : BigInt(explicitHashKey)
  return shards[Number((hashKey * BigInt(shape.shards)) / hashKeys)]?.ShardId ?? ''
}

/** Texts of records, by shard. */
const stored = new Map<string, string[]>()

function store(shard: string, data: string, key: string): void {
  const records = stored.get(shard) ?? []
  stored.set(shard, records)
  const arrival = Date.now() / 1_000
  const number = `1${String(records.length).padStart(55, '0')}`
  records.push(`{"ApproximateArrivalTimestamp":${arrival},"Data":"${data}","PartitionKey":${JSON.stringify(key)},"SequenceNumber":"${number}"}`)
}

function messagesIn(base64: string): number {
  const read = deaggregate(Buffer.from(base64, 'base64'))
  return read.form === 'aggregated' ? read.records.length : 1
}

function recordText(index: number): string {
  return `{"ApproximateArrivalTimestamp":1767225600.123,"Data":"${data[index % data.length]}","PartitionKey":"key-${index}","SequenceNumber":"1${String(index).padStart(55, '0')}"}`
}

const server = createServer((request, response) => {
  void (async () => {
    usage.calls++
    const operation = operations[String(request.headers['x-amz-target']).split('.').at(-1) ?? '']
    const body = operation?.(JSON.parse(await text(request)) as Input)
    response.writeHead(body === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(body ?? '{"__type":"UnknownOperationException"}')
  })()
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const answer: KinesisUsage = { ...usage, cpuMicros: user + system }
  process.send?.(answer)
})
process.once('disconnect', () => process.exit(0))
const state = dynalite({ createTableMs: 0 })
state.listen(0, '127.0.0.1')
await once(state, 'listening')
process.send?.({ endpoint: urlOf(server), stateEndpoint: urlOf(state) })

function urlOf(listening: Server): string {
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}
