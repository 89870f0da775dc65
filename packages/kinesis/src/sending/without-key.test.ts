import { sleep, type Outgoing } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { entriesOf, evenShards, FakeKinesis, outgoing, serviceError, throttled } from '../test-support/fake-kinesis.ts'
import { settled } from '../test-support/manual-clock.ts'
import { codes, keyed, keysOf, never, numbered, senderOf, split } from '../test-support/sending.ts'

const spread = (count: number, body = 'b'): Outgoing[] => Array.from({ length: count }, (_, index) => outgoing({ id: `m-${index}`, body: `${body}-${index}` }))

it('go in as many requests at once as may be out; those of a shard that have keys in one', async () => {
  for (const [batch, out] of [
    [spread(500), 4],
    [numbered(500), 1],
  ] as const) {
    const fake = new FakeKinesis(1)
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    fake.on('PutRecords', async (input) => {
      await answered
      return { Records: entriesOf(input).map((record) => fake.store(record)) }
    })
    const sender = await senderOf(fake, {}, { shardShare: false })
    const sending = Promise.all(Array.from({ length: 5 }, () => sender.send(batch, never)))
    await settled()
    expect(fake.requests).toEqual(Array.from({ length: out }, () => 500))
    answer()
    expect((await sending).flat().every(({ ok }) => ok)).toBe(true)
  }
})

it('keep the pace of all shards together', async () => {
  const fake = new FakeKinesis(3)
  const sender = await senderOf(fake, {}, { shardShare: 0.1 })
  const sending = sender.send(spread(500), never)
  await settled()
  expect(fake.stored).toHaveLength(300)
  await fake.clock.advance(400)
  expect(Math.abs(fake.stored.length - 420)).toBeLessThanOrEqual(1)
  await fake.clock.advance(1_000)
  expect((await sending).every(({ ok }) => ok)).toBe(true)
})

it('keep the pace of a shard that is larger than the others', async () => {
  const fake = new FakeKinesis(2)
  fake.shards = [...evenShards(2).slice(0, 1), ...evenShards(4).slice(2)]
  const sender = await senderOf(fake, {}, { shardShare: 0.1 })
  const sending = sender.send(spread(400), never)
  await settled()
  expect(fake.stored).toHaveLength(200)
  await fake.clock.advance(2_000)
  expect((await sending).every(({ ok }) => ok)).toBe(true)
})

it('wait for a shard that refuses them, and the others go on', async () => {
  const fake = new FakeKinesis(3)
  let hot = true
  const put = (record: Parameters<FakeKinesis['store']>[0]): object =>
    hot && fake.shardOf(record.PartitionKey ?? '') === 'shard-1' ? throttled() : fake.store(record)
  fake.on('PutRecords', (input) => ({ Records: entriesOf(input).map(put) }))
  const sender = await senderOf(fake)
  const first = sender.send(spread(30, 'first'), never)
  await settled()
  const taken = fake.stored.length
  expect(taken).toBeGreaterThan(15)
  expect(taken).toBeLessThan(30)
  const second = sender.send(spread(30, 'second'), never)
  await settled()
  // At once: the refusals were those of another shard.
  expect(fake.stored).toHaveLength(2 * taken)
  hot = false
  await fake.clock.advance(1_000)
  expect([...(await first), ...(await second)].every(({ ok }) => ok)).toBe(true)
  expect(fake.stored).toHaveLength(60)
})

it('pass nothing that waits for a shard, nor keep it waiting', async () => {
  const fake = new FakeKinesis(3)
  let count = 0
  // Of what comes for one shard, half is refused.
  const refuses = (key: string): boolean => fake.shardOf(key) === 'shard-1' && count++ % 2 === 0
  fake.on('PutRecords', (input) => ({ Records: entriesOf(input).map((record) => (refuses(record.PartitionKey ?? '') ? throttled() : fake.store(record))) }))
  const sender = await senderOf(fake)
  const waits: number[] = []
  const send = async (messages: readonly Outgoing[]): Promise<void> => {
    const since = fake.clock.monotonic()
    expect(codes(await sender.send(messages, never))).toEqual(messages.map(() => 'ok'))
    waits.push(fake.clock.monotonic() - since)
  }
  const sending: Promise<void>[] = []
  for (let round = 0; round < 100; round++) {
    sending.push(send(spread(10, `${round}`)))
    if (round === 10) sending.push(send(keysOf(fake, 'shard-1', 3).map((key) => keyed(key))))
    await fake.clock.advance(100)
  }
  await fake.clock.advance(1_000)
  await Promise.all(sending)
  expect(Math.max(...waits)).toBeLessThan(1_000)
})

it('keep the pace of each shard together with those that have a key', async () => {
  const fake = new FakeKinesis(2)
  const sender = await senderOf(fake, {}, { shardShare: 0.1 })
  const sending: Promise<unknown>[] = []
  for (let round = 0; round < 100; round++) {
    sending.push(sender.send([...spread(30), ...numbered(30)], never))
    await fake.clock.advance(100)
  }
  for (const { id } of fake.shards) expect(fake.stored.filter(({ shard }) => shard === id).length).toBeLessThanOrEqual(100 * (10 + 1))
  await fake.clock.advance(10_000)
  await Promise.all(sending)
})

it('are one throttle when several requests come back, after which one goes first', async () => {
  const fake = new FakeKinesis(1)
  let refusals = 4
  fake.on('PutRecords', async (input) => {
    await sleep(fake.clock, 10)
    if (refusals-- > 0) throw serviceError('ProvisionedThroughputExceededException')
    return { Records: entriesOf(input).map((record) => fake.store(record)) }
  })
  const sender = await senderOf(fake, {}, { shardShare: false })
  const sending = sender.send(spread(2_000), never)
  await fake.clock.advance(200)
  expect(fake.named('PutRecords').map(({ atMs }) => atMs)).toEqual([0, 0, 0, 0, 85, 95, 95, 95])
  expect((await sending).every(({ ok }) => ok)).toBe(true)
})

it('wait for no longer than others, in whatever order they come back', async () => {
  const fake = new FakeKinesis(1)
  fake.on('PutRecords', async () => {
    await sleep(fake.clock, fake.requests.length === 1 ? 4_900 : 100)
    throw serviceError('ProvisionedThroughputExceededException')
  })
  const sender = await senderOf(fake)
  const first = sender.send(spread(1), never)
  await fake.clock.advance(4_850)
  const second = sender.send(spread(1), never)
  const settledAt: number[] = []
  for (const sending of [first, second]) void sending.then(() => settledAt.push(fake.clock.monotonic()))
  await fake.clock.advance(10_000)
  expect(codes([...(await first), ...(await second)])).toEqual([
    ['ERR_THROTTLED', 'no'],
    ['ERR_THROTTLED', 'no'],
  ])
  // Five seconds after each came, and the request that was out then.
  expect(settledAt).toEqual([5_075, expect.closeTo(9_850, -2)])
})

it('wait all together when most of them are refused', async () => {
  const fake = new FakeKinesis(3)
  fake.on('PutRecords', (input) => ({ Records: entriesOf(input).map((record, index) => (index % 3 === 0 ? fake.store(record) : throttled())) }))
  const sender = await senderOf(fake)
  const first = sender.send(spread(30), never)
  await settled()
  const second = sender.send(spread(3), never)
  await settled()
  expect(fake.requests).toEqual([30])
  await fake.clock.advance(6_000)
  expect((await Promise.all([first, second])).flat().every(({ ok }) => ok)).toBe(true)
})

it('learn from where they went that the stream has other shards', async () => {
  const fake = new FakeKinesis(1)
  const sender = await senderOf(fake, {}, { shardShare: 0.01 })
  await sender.send(spread(1), never)
  fake.shards = split
  await fake.clock.advance(1_000)
  for (let round = 0; round < 3; round++) await sender.send(spread(1), never)
  expect(fake.named('ListShards')).toHaveLength(2)
  await fake.clock.advance(1_000)
  const sending = sender.send(spread(30), never)
  await settled()
  expect(fake.stored).toHaveLength(4 + 20)
  await fake.clock.advance(2_000)
  await sending
})
