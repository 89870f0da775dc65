import type { Outgoing } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { entriesOf, FakeKinesis, outgoing, throttled } from '../test-support/fake-kinesis.ts'
import { settled } from '../test-support/manual-clock.ts'
import { never, numbered, senderOf, split } from '../test-support/sending.ts'

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
