import { KinesisClient, type PutRecordsRequestEntry } from '@aws-sdk/client-kinesis'
import { createBroker, stream, type Broker } from '@busbar/core'
import { kinesis } from '@busbar/kinesis'
import { NodeHttp2Handler } from '@smithy/node-http-handler'
import { once } from 'node:events'
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterAll, beforeEach, expect, it } from 'vitest'

// The SDK speaks HTTP/2 to Kinesis. The emulator's HTTP/2 cannot be used, so a server of Node's own answers here, without TLS.

type Ending = 'answers' | 'stream reset' | 'connection cut' | 'connection cut after storing' | 'answer cut off'

let endings: Ending[] = []
let stored: number[] = []

const answers: Record<string, (input: { readonly Records?: readonly PutRecordsRequestEntry[] }) => unknown> = {
  DescribeStreamSummary: () => ({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE' } }),
  ListShards: () => ({
    Shards: [{ ShardId: 'shard-0', HashKeyRange: { StartingHashKey: '0', EndingHashKey: String((1n << 128n) - 1n) }, SequenceNumberRange: {} }],
  }),
  PutRecords: ({ Records = [] }) => ({
    Records: Records.map(({ Data }) => {
      stored.push(Number(Buffer.from(String(Data), 'base64').toString()))
      return { ShardId: 'shard-0', SequenceNumber: String(stored.length) }
    }),
  }),
}

async function answer(request: ServerHttp2Stream, operation: string): Promise<void> {
  const ending = operation === 'PutRecords' ? (endings.shift() ?? 'answers') : 'answers'
  if (ending === 'stream reset') return request.close(constants.NGHTTP2_INTERNAL_ERROR)
  if (ending === 'connection cut') return request.session?.destroy()
  const body = JSON.stringify(answers[operation]?.((await json(request)) as object))
  if (ending === 'connection cut after storing') return request.session?.destroy()
  request.respond({ ':status': 200, 'content-type': 'application/x-amz-json-1.1' })
  if (ending === 'answers') return void request.end(body)
  request.write(body.slice(0, 10))
  setTimeout(() => request.session?.destroy(), 20)
}

const sessions = new Set<ServerHttp2Session>()
const server = createServer()
server.on('session', (session) => sessions.add(session))
server.on('stream', (request, headers) => {
  request.on('error', () => undefined)
  void answer(request, String(headers['x-amz-target']).split('.').at(-1) ?? '')
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
afterAll(() => {
  for (const session of sessions) session.destroy()
  server.close()
})
beforeEach(() => {
  endings = []
  stored = []
})

const numbers = stream<number>('numbers', { orderingKey: () => 'k' })

function brokerOf(client: KinesisClient): Broker {
  return createBroker({ driver: kinesis({ client, timeoutMs: 2_000 }), destinations: [numbers] })
}

function newClient(): KinesisClient {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return new KinesisClient({ endpoint, region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1 })
}

it('sends in order', async () => {
  const client = newClient()
  expect(client.config.requestHandler).toBeInstanceOf(NodeHttp2Handler)
  await using broker = brokerOf(client)
  const results = await broker.producer(numbers).sendBatch([0, 1, 2, 3])
  expect(results.every(({ ok }) => ok)).toBe(true)
  expect(stored).toEqual([0, 1, 2, 3])
  client.destroy()
})

it.each<Ending>(['stream reset', 'connection cut', 'connection cut after storing', 'answer cut off'])(
  'loses nothing and keeps the order when a request ends by: %s',
  async (ending) => {
    endings = ['answers', ending, 'answers', ending]
    const client = newClient()
    await using broker = brokerOf(client)
    const results = await broker.producer(numbers).sendBatch([0, 1, 2, 3])
    expect(results.filter(({ ok }) => !ok)).toEqual([])
    expect([...new Set(stored)]).toEqual([0, 1, 2, 3])
    expect(endings).toEqual([])
    client.destroy()
  },
)

it('does not call a message unsent that may be stored', async () => {
  endings = Array.from({ length: 100 }, () => 'connection cut after storing' as const)
  const client = newClient()
  await using broker = brokerOf(client)
  expect(await broker.producer(numbers).sendBatch([0], { timeoutMs: 500 })).toMatchObject([
    { ok: false, stored: 'unknown', error: { code: 'ERR_UNCONFIRMED' } },
  ])
  expect(stored.length).toBeGreaterThan(1)
  client.destroy()
})
