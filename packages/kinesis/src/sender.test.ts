import { sleep, type Outgoing } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { deaggregate } from './aggregation/deaggregate.ts'
import { kinesis } from './kinesis-driver.ts'
import { hashKeyOf, maxHashKey } from './shards/hash-key.ts'
import { endpoint, entriesOf, evenShards, FakeKinesis, outgoing, serviceError, throttled } from './test-support/fake-kinesis.ts'
import { settled } from './test-support/manual-clock.ts'
import { besideHotShard, codes, keyed, keysOf, never, numbered, senderOf, split } from './test-support/sending.ts'

describe('requests', () => {
  it('hold what was handed over in the same turn, up to 500 records, in order within a shard', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake)
    const messages = numbered(1_200)
    const [first, second] = await Promise.all([sender.send(messages.slice(0, 500), never), sender.send(messages.slice(500, 1_000), never)])
    expect([...first, ...second].every(({ ok }) => ok)).toBe(true)
    expect(fake.requests).toEqual([500, 500])
    expect(fake.stored.map(({ text }) => text)).toEqual(messages.slice(0, 1_000).map(({ body }) => body))
    expect(fake.metered).toEqual(['DescribeStreamSummary', 'ListShards', 'PutRecords', 'PutRecords'])
  })

  it('count data and partition keys of their records in bytes', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake, {}, { maxRequestBytes: 1_048_576, shardShare: false })
    const half = (key: string): Outgoing => keyed(key, 'x'.repeat(524_288 - Buffer.byteLength(key)))
    expect(sender.sizeOf(half('é'))).toBe(524_288)
    await sender.send([half('a'), half('é')], never)
    await sender.send([half('a'), keyed('bb', 'x'.repeat(524_287))], never)
    expect(fake.requests).toEqual([2, 1, 1])
  })

  it('take what the capabilities promise: a call as large as it may be, and as many at once as may be out', async () => {
    const capabilities = kinesis({ region: 'eu-central-1' }).capabilities(endpoint())
    if ('refused' in capabilities) throw new Error(capabilities.refused)
    const { bytes, inFlight } = capabilities.maxBatch
    const large = new FakeKinesis(1)
    const parts = ['a', 'b', 'c', 'd', 'e'].map((key) => keyed(key, 'x'.repeat(bytes / 5 - 1)))
    expect(codes(await (await senderOf(large, {}, { shardShare: false })).send(parts, never))).toEqual(parts.map(() => 'ok'))
    expect(large.requests).toEqual([5])
    const many = new FakeKinesis(1)
    const sender = await senderOf(many, {}, { shardShare: false })
    const results = await Promise.all(numbered(inFlight).map((message) => sender.send([message], never)))
    expect(results.flat().every(({ ok }) => ok)).toBe(true)
    expect(many.requests).toEqual([500, inFlight - 500])
  })

  it('answer with the position of each record', async () => {
    const fake = new FakeKinesis(1)
    expect(await (await senderOf(fake)).send([keyed('a'), keyed('b')], never)).toEqual([
      { ok: true, position: '1' },
      { ok: true, position: '2' },
    ])
  })
})

describe('a record that the service does not take', () => {
  it('is answered by itself', async () => {
    const fake = new FakeKinesis(1)
    fake.on('PutRecords', () => ({
      FailedRecordCount: 3,
      Records: [
        { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal Service Failure' },
        { ErrorCode: 'InvalidArgumentException', ErrorMessage: 'too large' },
        { ErrorCode: 'KMSAccessDeniedException', ErrorMessage: 'no' },
        { ShardId: 'shard-0', SequenceNumber: '7' },
        {},
      ],
    }))
    const results = await (await senderOf(fake)).send(numbered(5), never)
    expect(codes(results)).toEqual([['ERR_UNAVAILABLE', 'unknown'], ['ERR_INVALID', 'no'], ['ERR_ACCESS_DENIED', 'no'], 'ok', ['ERR_UNCONFIRMED', 'unknown']])
  })

  it('is not taken for another one where the answer leaves one out', async () => {
    const fake = new FakeKinesis(1)
    fake.on('PutRecords', () => ({ FailedRecordCount: 1, Records: [{ ErrorCode: 'KMSAccessDeniedException' }, { ShardId: 'shard-0', SequenceNumber: '7' }] }))
    expect(codes(await (await senderOf(fake)).send(numbered(3), never))).toEqual(Array.from({ length: 3 }, () => ['ERR_UNCONFIRMED', 'unknown']))
  })

  it('goes again alone when its shard was throttled, before what came while it was out', async () => {
    const fake = new FakeKinesis(1)
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    let requests = 0
    fake.on('PutRecords', async (input) => {
      const first = requests++ === 0
      if (first) await answered
      return { Records: entriesOf(input).map((record) => (first && record.PartitionKey === 'b' ? throttled() : fake.store(record))) }
    })
    const sender = await senderOf(fake)
    const first = sender.send([keyed('a', 'a-1'), keyed('b', 'b-1'), keyed('c', 'c-1')], never)
    await settled()
    const second = sender.send([keyed('b', 'b-2'), keyed('a', 'a-2')], never)
    await settled()
    answer()
    await settled()
    // The shard is left alone, also by what was never refused.
    expect(fake.stored.map(({ text }) => text)).toEqual(['a-1', 'c-1'])
    await fake.clock.advance(100)
    expect(codes([...(await first), ...(await second)])).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
    expect(fake.stored.map(({ text }) => text)).toEqual(['a-1', 'c-1', 'b-1', 'b-2', 'a-2'])
    expect(fake.requests).toEqual([3, 3])
  })

  it('holds up its own shard alone', async () => {
    const { fake, sender, hot, calm } = await besideHotShard()
    const stuck = sender.send([keyed(hot)], never)
    for (let round = 0; round < 20; round++) {
      expect(codes(await sender.send([keyed(calm, `r-${round}`)], never))).toEqual(['ok'])
      await fake.clock.advance(10)
    }
    expect(fake.stored).toHaveLength(20)
    await fake.clock.advance(10_000)
    // Each wait is twice the one before.
    const tries = fake.named('PutRecords').filter(({ input }) => entriesOf(input).some(({ PartitionKey }) => PartitionKey === hot))
    expect(tries.map(({ atMs }) => atMs)).toEqual([0, 75, 225, 525, 1_125, 2_325, 4_725])
    expect(codes(await stuck)).toEqual([['ERR_THROTTLED', 'no']])
  })

  it('tells what is stored while others of the same call wait for their shard', async () => {
    const { fake, sender, hot, calm } = await besideHotShard()
    const told = new Set<number>()
    const call = sender.send([keyed(hot), keyed(calm, 'a'), keyed(calm, 'b')], never, (index) => told.add(index))
    await fake.clock.advance(10)
    expect([...told]).toEqual([1, 2])
    await fake.clock.advance(10_000)
    expect(codes(await call)).toEqual([['ERR_THROTTLED', 'no'], 'ok', 'ok'])
  })

  it.each([
    [Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 'unknown', 'ERR_UNAVAILABLE'],
    [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'no', 'ERR_UNAVAILABLE'],
    [serviceError('InternalFailureException', 'oops', 500), 'unknown', 'ERR_UNAVAILABLE'],
    [serviceError('ResourceNotFoundException', 'gone'), 'no', 'ERR_NOT_FOUND'],
    [serviceError('ResourceInUseException', 'creating'), 'no', 'ERR_CONFLICT'],
    [serviceError('InvalidArgumentException', 'sum'), 'no', 'ERR_INVALID'],
  ])('with its whole request (%s) may be stored: %s', async (error, stored, code) => {
    const fake = new FakeKinesis()
    fake.on('PutRecords', () => {
      throw error
    })
    expect(codes(await (await senderOf(fake)).send(numbered(2), never))).toEqual([
      [code, stored],
      [code, stored],
    ])
  })

  it('waits for its shard where the whole request was throttled', async () => {
    const fake = new FakeKinesis(2)
    let calls = 0
    fake.on('PutRecords', (input) => {
      if (calls++ === 0) throw serviceError('ProvisionedThroughputExceededException')
      return { Records: entriesOf(input).map((record) => fake.store(record)) }
    })
    const sending = (await senderOf(fake)).send(numbered(10), never)
    await fake.clock.advance(100)
    expect(codes(await sending)).toEqual(Array.from({ length: 10 }, () => 'ok'))
    expect(fake.requests).toEqual([10, 10])
  })

  it('is answered in time when the service says nothing', async () => {
    const fake = new FakeKinesis()
    fake.on('PutRecords', () => new Promise(() => undefined))
    const sending = (await senderOf(fake, {}, { timeoutMs: 5_000 })).send([outgoing()], never)
    await fake.clock.advance(5_000)
    expect(codes(await sending)).toEqual([['ERR_UNAVAILABLE', 'unknown']])
    expect(fake.named('PutRecords')[0]?.signal.aborted).toBe(true)
  })
})

describe('the pace of a shard', () => {
  it('is 1,000 records a second, of which a second is saved up, or the share that was asked for', async () => {
    for (const [shardShare, atOnce] of [
      [undefined, 1_000],
      [0.1, 100],
    ] as const) {
      const fake = new FakeKinesis(1)
      const sender = await senderOf(fake, {}, shardShare === undefined ? {} : { shardShare })
      const sending = Promise.all([numbered(500), numbered(500), numbered(500)].map((batch) => sender.send(batch, never)))
      await settled()
      expect(fake.stored).toHaveLength(atOnce)
      await fake.clock.advance(500)
      expect(Math.abs(fake.stored.length - atOnce * 1.5)).toBeLessThanOrEqual(1)
      await fake.clock.advance(20_000)
      await sending
    }
  })

  it('is 1 MB a second: after a record that is larger than what is left the shard rests', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake)
    const sending = sender.send([keyed('a', 'x'.repeat(999_998)), keyed('b', 'x'.repeat(500_000)), keyed('c', 'y')], never)
    await settled()
    expect(fake.stored).toHaveLength(2)
    await fake.clock.advance(495)
    expect(fake.stored).toHaveLength(2)
    await fake.clock.advance(10)
    expect(codes(await sending)).toEqual(['ok', 'ok', 'ok'])
  })

  it('is that of each shard by itself, and none with shardShare: false', async () => {
    const two = new FakeKinesis(2)
    const hot = keysOf(two, 'shard-0', 1)[0] ?? ''
    const calm = keysOf(two, 'shard-1', 1)[0] ?? ''
    const sender = await senderOf(two, {}, { shardShare: 0.01 })
    const slow = sender.send(numbered(50, hot), never)
    expect(codes(await sender.send([keyed(calm)], never))).toEqual(['ok'])
    expect(two.stored).toHaveLength(11)
    await two.clock.advance(10_000)
    await slow
    const free = new FakeKinesis(1)
    const fast = await senderOf(free, {}, { shardShare: false })
    await Promise.all(Array.from({ length: 10 }, () => fast.send(numbered(500), never)))
    expect(free.stored).toHaveLength(5_000)
  })
})

describe('messages that nobody waits for any more', () => {
  it('are not handed over, and those of others are', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake, {}, { shardShare: 0.01 })
    const abort = new AbortController()
    const mine = sender.send(numbered(15), abort.signal)
    const others = sender.send([keyed('other')], never)
    await settled()
    expect(fake.stored).toHaveLength(10)
    abort.abort()
    expect(codes(await mine).slice(9)).toEqual(['ok', ...Array.from({ length: 5 }, () => ['ERR_TIMEOUT', 'no'])])
    await fake.clock.advance(1_000)
    expect(codes(await others)).toEqual(['ok'])
    expect(codes(await sender.send([outgoing()], abort.signal))).toEqual([['ERR_TIMEOUT', 'no']])
    await sender.close()
    expect(codes(await sender.send([outgoing()], never))).toEqual([['ERR_CLOSED', 'no']])
  })

  it('hands nothing over again that is refused when nobody waits for it any more', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake)
    const abort = new AbortController()
    fake.on('PutRecords', async (input) => {
      await sleep(fake.clock, 100)
      return { Records: entriesOf(input).map(() => throttled()) }
    })
    const sent = sender.send(numbered(2), abort.signal)
    await fake.clock.advance(50)
    abort.abort()
    await fake.clock.advance(100)
    expect(codes(await sent)).toEqual([
      ['ERR_TIMEOUT', 'no'],
      ['ERR_TIMEOUT', 'no'],
    ])
    await fake.clock.advance(60_000)
    expect(fake.requests).toEqual([2])
  })
})

describe('the shards', () => {
  it('are looked up before the first message, and an error of that is its answer', async () => {
    const fake = new FakeKinesis()
    const list = evenShards(2)
    let calls = 0
    fake.on('ListShards', () => {
      if (calls++ === 0) throw serviceError('LimitExceededException')
      return { Shards: list.map(({ id, start, end }) => ({ ShardId: id, HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) } })) }
    })
    const sender = await senderOf(fake)
    expect(codes(await sender.send([outgoing()], never))).toEqual([['ERR_THROTTLED', 'no']])
    expect(codes(await sender.send([outgoing()], never))).toEqual(['ok'])
    expect(codes(await sender.send([outgoing()], never))).toEqual(['ok'])
    expect(calls).toBe(2)
  })

  it('are read page by page', async () => {
    const fake = new FakeKinesis(2)
    const pages = evenShards(2).map(({ id, start, end }, index) => ({
      Shards: [{ ShardId: id, HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) } }],
      ...(index === 0 && { NextToken: 'next' }),
    }))
    fake.on('ListShards', ({ NextToken }) => pages[NextToken === undefined ? 0 : 1])
    const sender = await senderOf(fake)
    for (let round = 0; round < 3; round++) {
      await sender.send(numbered(20), never)
      await fake.clock.advance(2_000)
    }
    // Had a page been missing, records would have gone elsewhere than predicted, and the shards been looked up again.
    expect(fake.named('ListShards').map(({ input }) => input)).toEqual([{ StreamName: 'positions' }, { NextToken: 'next' }])
  })

  it('are looked up again when records go elsewhere, in order, at most once a second', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake)
    await sender.send(numbered(10), never)
    fake.shards = split
    await fake.clock.advance(1_000)
    for (let round = 0; round < 5; round++) await sender.send(numbered(10), never)
    expect(fake.named('ListShards')).toHaveLength(2)
    expect(new Set(fake.stored.slice(10).map(({ shard }) => shard))).toEqual(new Set(['child-shard-0', 'child-shard-1']))
  })
})

describe('keys', () => {
  it('choose the shard; without one the id does', async () => {
    const fake = new FakeKinesis(1)
    await (await senderOf(fake)).send([keyed('truck-7'), outgoing({ id: 'ä'.repeat(300) })], never)
    expect(fake.stored.map(({ key }) => key)).toEqual(['truck-7', 'ä'.repeat(256)])
  })

  it('have 1 to 256 characters', async () => {
    const sender = await senderOf(new FakeKinesis(1))
    const results = await sender.send(
      ['x'.repeat(256), '😀'.repeat(256), 'x'.repeat(257), '😀'.repeat(257), '', 'a\ud800'].map((key) => keyed(key)),
      never,
    )
    expect(codes(results)).toEqual(['ok', 'ok', ...Array.from({ length: 4 }, () => ['ERR_INVALID', 'no'])])
  })

  it('go where explicitHashKey says, if that is a hash key', async () => {
    const fake = new FakeKinesis(2)
    const hashKeys: Record<string, unknown> = { low: 0n, high: maxHashKey, above: maxHashKey + 1n, below: -1n, text: '1' }
    const explicitHashKey = (key: string): unknown => {
      if (key === 'throws') throw new Error('no such key')
      return hashKeys[key]
    }
    const sender = await senderOf(fake, { options: { explicitHashKey } })
    const results = await sender.send(
      [...Object.keys(hashKeys), 'throws'].map((key) => keyed(key)),
      never,
    )
    expect(codes(results)).toEqual(['ok', 'ok', ...Array.from({ length: 4 }, () => ['ERR_INVALID', 'no'])])
    expect(fake.stored.map(({ key, shard }) => [key, shard])).toEqual([
      ['low', 'shard-0'],
      ['high', 'shard-1'],
    ])
    expect(entriesOf(fake.named('PutRecords')[0]?.input ?? {}).map(({ ExplicitHashKey }) => ExplicitHashKey)).toEqual(['0', String(maxHashKey)])
  })

  it('travel with their explicit hash keys in aggregated records', async () => {
    const fake = new FakeKinesis(1)
    await (await senderOf(fake, { options: { aggregate: true, explicitHashKey: hashKeyOf } })).send([keyed('a'), keyed('b')], never)
    expect(deaggregate(fake.stored[0]?.data ?? new Uint8Array(0))).toMatchObject({
      records: [{ explicitHashKey: String(hashKeyOf('a')) }, { explicitHashKey: String(hashKeyOf('b')) }],
    })
  })
})

describe('a stream that distributes records by itself', () => {
  const auto = (): FakeKinesis => {
    const fake = new FakeKinesis(2)
    fake.on('DescribeStreamSummary', () => ({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE', RecordDistributionStrategy: 'AUTO' } }))
    return fake
  }

  it('takes messages without order, and looks up no shards', async () => {
    const fake = auto()
    expect(codes(await (await senderOf(fake)).send(numbered(600).slice(0, 500), never))).toEqual(Array.from({ length: 500 }, () => 'ok'))
    expect(fake.named('ListShards')).toHaveLength(0)
  })

  it.each([
    ['ordering keys', { keyed: true }],
    ['aggregate', { options: { aggregate: true } }],
    ['explicitHashKey', { options: { explicitHashKey: hashKeyOf } }],
  ])('is refused where keys are needed: %s', async (what, parts) => {
    const [result] = await (await senderOf(auto(), parts)).send([keyed('a')], never)
    expect(result).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_UNSUPPORTED', message: expect.stringContaining(what) } })
  })
})

it('takes no more of keyed messages once the stream has been told to distribute records by itself', async () => {
  const fake = new FakeKinesis(2)
  const sender = await senderOf(fake, { keyed: true })
  await sender.send(numbered(10), never)
  fake.on('DescribeStreamSummary', () => ({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE', RecordDistributionStrategy: 'AUTO' } }))
  fake.on('PutRecords', (input) => ({ Records: entriesOf(input).map((record) => ({ ...fake.store(record), ShardId: 'another' })) }))
  await fake.clock.advance(1_000)
  // It is seen by where records go.
  expect(codes(await sender.send(numbered(2), never))).toEqual(['ok', 'ok'])
  for (let round = 0; round < 3; round++) expect(codes(await sender.send([keyed('a')], never))).toEqual([['ERR_UNSUPPORTED', 'no']])
  expect(fake.requests).toEqual([10, 2])
})

it('refuses what a record cannot carry, before anything is sent', async () => {
  const fake = new FakeKinesis()
  const sender = await senderOf(fake)
  const messages = [
    { delayMs: 1 },
    { timeToLiveMs: 1 },
    { priority: 0 },
    { deduplicationId: 'd' },
    { headers: { tenant: 'acme' } },
    { type: 'position' },
    { correlationId: 'c' },
    { attempt: 1 },
    { body: 'x'.repeat(1_048_576) },
    { delayMs: 0, contentType: 'application/json' },
  ]
  const unsupported = ['ERR_UNSUPPORTED', 'no']
  expect(
    codes(
      await sender.send(
        messages.map((parts) => outgoing(parts)),
        never,
      ),
    ),
  ).toEqual([...Array.from({ length: 8 }, () => unsupported), ['ERR_TOO_LARGE', 'no'], 'ok'])
  expect(fake.requests).toEqual([1])
})
