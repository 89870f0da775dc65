import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { createBroker, queue, text } from '@busbar/core'
import { memory } from '@busbar/memory'
import { claimCheck, claimFetch, s3Store, type BodyStoreFailure } from '@busbar/middleware'
import { buildApp } from 'fauxqs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

// An emulator by others, on its own wire: what AWS does beyond it (access control, throttling) is not seen here.
const app = buildApp({ logger: false })
const words = queue<string>('words', { codec: text })
const { signal } = new AbortController()
const key = '2026/01/31/00112233445566778899aabbccddeeff'
let client: S3Client

beforeAll(async () => {
  const endpoint = await app.listen({ port: 0, host: '127.0.0.1' })
  client = new S3Client({ region: 'eu-central-1', endpoint, forcePathStyle: true, credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1 })
  await client.send(new CreateBucketCommand({ Bucket: 'bodies' }))
})

afterAll(async () => {
  client.destroy()
  await app.close()
})

async function objects(prefix: string): Promise<number> {
  return (await client.send(new ListObjectsV2Command({ Bucket: 'bodies', Prefix: prefix }))).KeyCount ?? 0
}

describe('s3Store on an S3 server', () => {
  it('puts, gets and deletes', async () => {
    const store = s3Store({ client, bucket: 'bodies', prefix: 'plain/' })
    const body = Buffer.alloc(5_000_000, 'busbar')
    await store.put(key, body, { signal })
    expect(Buffer.from((await store.get(key, { maxBytes: body.byteLength, signal })) ?? []).equals(body)).toBe(true)
    expect((await store.get(key, { maxBytes: 1_000, signal }))?.byteLength).toBeLessThan(1_000_000)
    await store.delete(key, { signal })
    await store.delete(key, { signal })
    expect(await store.get(key, { maxBytes: 1, signal })).toBeUndefined()
  })

  it('does not take a bucket that is not there for a body that is not there', async () => {
    const store = s3Store({ client, bucket: 'elsewhere' })
    await expect(store.get(key, { maxBytes: 1, signal })).rejects.toThrow()
    await expect(store.put(key, Buffer.from('x'), { signal })).rejects.toThrow()
  })

  it('ends a call when nobody waits for it', async () => {
    await expect(s3Store({ client, bucket: 'bodies' }).get(key, { maxBytes: 1, signal: AbortSignal.abort() })).rejects.toThrow()
  })

  it('carries bodies that are larger than messages may be, and is empty afterwards', async () => {
    const broker = createBroker({ driver: memory({ profile: 'sqs-standard' }), destinations: [words], provision: 'create', log: () => {} })
    const store = s3Store({ client, bucket: 'bodies', prefix: 'words/' })
    const handled: string[] = []
    const failures: BodyStoreFailure[] = []
    await broker.consume(words, ({ body }) => void handled.push(body), { use: [claimFetch({ store, onStoreFailure: (failure) => failures.push(failure) })] })
    const producer = broker.producer(words, { use: [claimCheck({ store, minBytes: 100_000_000, maxBytes: 100_000_000 })] })
    const sizes = [100, 300_000, 1_200_000, 3_000_000]
    await Promise.all(sizes.map((size) => producer.send('x'.repeat(size))))
    await vi.waitFor(() => expect(handled.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual(sizes), 10_000)
    await vi.waitFor(async () => expect(await objects('words/')).toBe(0), 10_000)
    expect(failures).toEqual([])
    await broker.drain()
  })
})
