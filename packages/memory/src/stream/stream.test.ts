import type { StartFrom } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'
import { keyed, streamKit } from '../test-support/stream-kit.ts'
import { hashKey, hashKeys } from './hash-key.ts'
import { readRecords, shardIterator } from './iterator.ts'

describe('Kinesis: keys and shards (3.2, vectors of section 8)', () => {
  it.each([
    ['truck_1', 128751118076834174974477687527736656470n],
    ['truck_2', 118541753132422368129803392097829045763n],
    ['order-42', 105348682137155569515616584889439573452n],
    ['é', 136732923097551493579404309126273812335n],
  ])('hashes %s', (key, hash) => {
    expect(hashKey(key)).toBe(hash)
  })

  it('divides all hash keys among the shards, without gaps', async () => {
    const { stream } = await streamKit({}, { shards: 3 })
    let next = 0n
    for (const shard of stream.shards) {
      expect(shard.startingHashKey).toBe(next)
      next = shard.endingHashKey + 1n
    }
    expect(next).toBe(hashKeys)
  })

  it('numbers records with 56 digits that rise over all shards', async () => {
    const { send, to } = await streamKit()
    const results = await send(keyed('a1', 'b1', 'c1', 'd1'), to)
    const numbers = results.map((result) => (result.ok ? (result.position ?? '') : ''))
    for (const number of numbers) expect(number).toMatch(/^\d{56}$/)
    expect(numbers.map(BigInt)).toEqual([...numbers.map(BigInt)].sort((a, b) => (a < b ? -1 : 1)))
  })
})

describe('Kinesis: limits (3.1)', () => {
  it('declares them', async () => {
    const { capabilities, from } = await streamKit()
    expect(capabilities(from('g'))).toMatchObject({
      kind: 'stream',
      ordering: 'key',
      keyHold: 'process',
      lease: { kind: 'scope', maxHoldMs: false },
      settlement: { mode: 'prefix' },
      batchOrder: 'partial',
      maxMessageBytes: 1_048_576,
      maxBatch: { messages: 500, bytes: 10_485_760 },
      delay: false,
      deduplication: false,
      replay: { earliest: true, timestamp: true, position: true },
    })
  })

  it('counts the key in the size', async () => {
    const { sender, to } = await streamKit()
    const body = 'x'.repeat(1_048_576 - 3)
    const results = await sender(to).send([], new AbortController().signal)
    expect(results).toEqual([])
    const { send } = await streamKit()
    expect((await send([{ id: 'fits', key: 'abc', body }], to))[0]?.ok).toBe(true)
    expect((await send([{ id: 'not', key: 'abcd', body }], to))[0]).toMatchObject({ ok: false, error: { code: 'ERR_TOO_LARGE' } })
  })

  it('throttles single records of a request: 1,000 records per shard and second (3.3)', async () => {
    const { send, to, clock } = await streamKit({ throttle: true }, { shards: 1 })
    const batch = (from: number) => Array.from({ length: 500 }, (_, index) => ({ id: `m${from + index}` }))
    expect((await send(batch(0), to)).every((result) => result.ok)).toBe(true)
    expect((await send(batch(500), to)).every((result) => result.ok)).toBe(true)
    const [refused] = await send(['m1000'], to)
    expect(refused).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_THROTTLED', retryable: true } })
    await clock.advance(10)
    const partly = await send(batch(2_000), to)
    expect(partly.filter((result) => result.ok)).toHaveLength(10)
  })

  it('throttles bytes too: 1 MiB per shard and second', async () => {
    const { send, to } = await streamKit({ throttle: true }, { shards: 1 })
    const results = await send(
      [
        { id: 'a', body: 'x'.repeat(700_000) },
        { id: 'b', body: 'x'.repeat(700_000) },
        { id: 'c', body: 'x' },
      ],
      to,
    )
    expect(results.map((result) => result.ok)).toEqual([true, false, true])
  })

  it('keeps records for 24 hours; a checkpoint behind the horizon reads from the oldest', async () => {
    const { send, to, from, clock, consume, link } = await streamKit({}, { shards: 1 })
    await link.inspect(from('g'))
    await send(['old'], to)
    await clock.advance(80_000_000)
    await send(['new'], to)
    await clock.advance(6_400_000)
    const consumer = await consume({ endpoint: from('g') })
    expect(consumer.intake.take()).toEqual(['new'])
  })
})

describe('Kinesis: iterators (3.4)', () => {
  it('expire five minutes after they were returned', async () => {
    const { stream, clock } = await streamKit({}, { shards: 1 })
    const iterator = shardIterator(stream, 'shardId-000000000000', 'earliest')
    await clock.advance(300_000)
    const { next } = readRecords(stream, iterator)
    await clock.advance(300_000)
    if (next === undefined) throw new Error('the shard is open')
    expect(readRecords(stream, next).records).toEqual([])
    await clock.advance(1)
    expect(() => readRecords(stream, next)).toThrow(expect.objectContaining({ code: 'ERR_TOO_LATE' }) as Error)
  })

  it('start at the horizon, the tip, a time, at a number and behind it', async () => {
    const { stream, send, to, clock } = await streamKit({}, { shards: 1 })
    const [first] = await send(['a'], to)
    await clock.advance(1_000)
    const time = clock.now()
    await send(['b', 'c'], to)
    const position = first?.ok ? (first.position ?? '') : ''
    const read = (at: StartFrom, after = false) =>
      readRecords(stream, shardIterator(stream, 'shardId-000000000000', at, after)).records.map((record) => record.incoming.id)
    expect(read('earliest')).toEqual(['a', 'b', 'c'])
    expect(read('latest')).toEqual([])
    expect(read({ timestamp: time })).toEqual(['b', 'c'])
    expect(read({ position })).toEqual(['a', 'b', 'c'])
    expect(read({ position }, true)).toEqual(['b', 'c'])
  })

  it('end with the shard, naming its children', async () => {
    const { stream, send, to } = await streamKit({}, { shards: 1 })
    await send(['a', 'b'], to)
    stream.split('shardId-000000000000')
    const page = readRecords(stream, shardIterator(stream, 'shardId-000000000000', 'earliest'), 1)
    expect(page.childShards).toEqual([])
    const last = readRecords(stream, page.next as NonNullable<typeof page.next>)
    expect(last).toMatchObject({ childShards: ['shardId-000000000001', 'shardId-000000000002'], millisBehindLatest: 0 })
    expect(last.next).toBeUndefined()
  })
})

describe('Kinesis: splitting and merging (3.5)', () => {
  it('splits in the middle or at a key, closing the parent at once', async () => {
    const { stream } = await streamKit({}, { shards: 1 })
    const [low, high] = stream.split('shardId-000000000000')
    expect([low.startingHashKey, low.endingHashKey, high.startingHashKey, high.endingHashKey]).toEqual([0n, hashKeys / 2n - 1n, hashKeys / 2n, hashKeys - 1n])
    const [, rest] = stream.split(low.id, 10n)
    expect(rest.startingHashKey).toBe(10n)
    expect(stream.open.map((shard) => shard.id)).toEqual(['shardId-000000000002', 'shardId-000000000003', 'shardId-000000000004'])
    expect(() => stream.split('shardId-000000000000')).toThrow(/closed/)
    expect(() => stream.split(high.id, 5n)).toThrow(/cannot be split/)
  })

  it('merges neighbours only', async () => {
    const { stream } = await streamKit({}, { shards: 3 })
    expect(() => stream.merge('shardId-000000000000', 'shardId-000000000002')).toThrow(/neighbours/)
    const child = stream.merge('shardId-000000000001', 'shardId-000000000000')
    expect(child.parents.map((parent) => parent.id)).toEqual(['shardId-000000000001', 'shardId-000000000000'])
    expect(child.startingHashKey).toBe(0n)
  })

  it('reads a child only when all its parents are settled to their end', async () => {
    const { stream, send, to, from, consume } = await streamKit({}, { shards: 2 })
    const consumer = await consume({ endpoint: from('g') })
    await send(
      Array.from({ length: 8 }, (_, index) => ({ id: `old-${index}`, key: `k${index}` })),
      to,
    )
    await Promise.resolve()
    stream.merge('shardId-000000000000', 'shardId-000000000001')
    await send([{ id: 'new', key: 'k0' }], to)
    const old = consumer.intake.take() as string[]
    expect(old).toHaveLength(8)
    await consumer.settle('ack', ...old.slice(0, 7))
    expect(consumer.intake.take()).toEqual([])
    await consumer.settle('ack', ...old.slice(7))
    expect(consumer.intake.take()).toEqual(['new'])
  })
})

describe('Kinesis: queues and topics', () => {
  it('serves a queue by one fixed group, and a topic by a group for each subscription', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'kinesis' })
    const jobs = endpoint({ name: 'jobs' })
    const consumer = await consume({ endpoint: jobs })
    await send(['a'], jobs)
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['a'])
    const news = endpoint({ name: 'news', kind: 'topic' })
    const [one, two] = [
      await consume({ endpoint: { ...news, subscription: { name: 'one' } } }),
      await consume({ endpoint: { ...news, subscription: { name: 'two' } } }),
    ]
    await send(['n'], news)
    await clock.advance(0)
    expect([one.intake.take(), two.intake.take()]).toEqual([['n'], ['n']])
  })

  it('has the same address for a queue and a stream of one name, so that core refuses them together', async () => {
    const { driver, endpoint } = await kit({ profile: 'kinesis' })
    expect(driver.address(endpoint({ kind: 'queue' }))).toBe(driver.address(endpoint({ kind: 'stream' })))
  })
})
