import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { expect, it, vi } from 'vitest'
import type { KinesisWork } from './kinesis-subject.ts'
import { rawKinesis } from './raw-kinesis.ts'

const pageSize = 10

it('asks for a page of a shard when half of its records have begun, however many of others wait', async () => {
  await using server = await serverOf(['a', 'b'])
  const begun: (string | Uint8Array)[] = []
  const ends: (() => void)[] = []
  let isEnding = false
  const receiver = await rawKinesis.receive?.(workAt(server.endpoint), (body) => {
    begun.push(body)
    return new Promise((resolve) => (isEnding ? resolve() : ends.push(resolve)))
  })
  /** One runs at a time: each begins when the one before has ended. */
  const begin = async (count: number): Promise<void> => {
    for (let next = begun.length + 1; next <= count; next++) {
      ends.at(-1)?.()
      await vi.waitFor(() => expect(begun).toHaveLength(next), { interval: 1 })
    }
  }
  await vi.waitFor(() => expect([server.pages.length, begun.length]).toEqual([2, 1]))
  await begin(pageSize / 2 - 1)
  await longEnough()
  expect(server.pages).toHaveLength(2)
  await begin(pageSize / 2)
  const [first] = begun
  await vi.waitFor(() => expect(server.pages.slice(2)).toEqual([first]))
  await begin(pageSize * 1.5)
  await vi.waitFor(() => expect(server.pages.slice(2)).toEqual([first, first === 'a' ? 'b' : 'a']))
  isEnding = true
  const closed = receiver?.close()
  ends.at(-1)?.()
  await closed
})

function workAt(endpoint: string): KinesisWork {
  const load = { action: 'consume', inFlight: 1, concurrency: 1, handlerMs: 0, slowEvery: 0, warmup: 0, messages: 1 } as const
  return { ...load, endpoint, stateEndpoint: '', place: 'stream', aggregate: false, readEveryMs: 0 }
}

/** More than a reader takes to see that there is room. */
function longEnough(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50))
}

/** Has pages without end, of records that hold the name of their shard, and tells of which shards they were asked for, in order. */
async function serverOf(shards: readonly string[]): Promise<AsyncDisposable & { readonly endpoint: string; readonly pages: readonly string[] }> {
  const pages: string[] = []
  const pageOf = (shard: string): unknown => {
    const record = { Data: Buffer.from(shard).toString('base64'), PartitionKey: 'key', SequenceNumber: '1' }
    return { Records: Array.from({ length: pageSize }, () => record), NextShardIterator: shard }
  }
  const operations: Readonly<Record<string, (input: Readonly<Record<string, string>>) => unknown>> = {
    ListShards: () => ({ Shards: shards.map((ShardId) => ({ ShardId })) }),
    GetShardIterator: ({ ShardId }) => ({ ShardIterator: ShardId }),
    GetRecords: ({ ShardIterator = '' }) => {
      pages.push(ShardIterator)
      return pageOf(ShardIterator)
    },
  }
  const server = createServer((request, response) => {
    const operation = operations[String(request.headers['x-amz-target']).split('.').at(-1) ?? '']
    void json(request).then((input) => response.end(JSON.stringify(operation?.(input as Readonly<Record<string, string>>))))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pages,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}
