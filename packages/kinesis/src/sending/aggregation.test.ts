import { sleep } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { deaggregate } from '../aggregation/deaggregate.ts'
import { entriesOf, FakeKinesis, outgoing, throttled } from '../test-support/fake-kinesis.ts'
import { codes, keyed, merged, never, numbered, senderOf, split } from '../test-support/sending.ts'

describe('aggregation', () => {
  const aggregating = { options: { aggregate: true } }

  it('puts the messages of a shard into one record that belongs there, and one alone into none', async () => {
    const fake = new FakeKinesis(2)
    const sender = await senderOf(fake, aggregating)
    const messages = numbered(100)
    const results = await sender.send(messages, never)
    expect(fake.requests).toEqual([2])
    for (const { input } of fake.named('PutRecords'))
      for (const { PartitionKey, ExplicitHashKey, Data } of entriesOf(input)) {
        expect(PartitionKey).toBe('a')
        const read = deaggregate(Data as Uint8Array)
        const records = read.form === 'aggregated' ? read.records : []
        const there = messages.filter(({ key = '' }) => fake.shardOf(key) === fake.shardOf('a', ExplicitHashKey))
        expect(records.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data).toString()])).toEqual(there.map(({ key, body }) => [key, body]))
        expect(there.map((message) => results[messages.indexOf(message)])).toEqual(
          there.map((_, subSequence) => ({ ok: true, position: expect.stringMatching(new RegExp(`^\\d+:${subSequence}$`)) })),
        )
      }
    expect(await sender.send([keyed('alone')], never)).toEqual([{ ok: true, position: expect.stringMatching(/^\d+$/) }])
    expect(fake.stored.at(-1)).toMatchObject({ key: 'alone', text: 'alone' })
  })

  it('keeps the order of all messages of a key', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake, { options: { aggregate: { maxBytes: 1_024 } } })
    const messages = numbered(500, 'k')
    await sender.send(messages, never)
    const bodies = fake.stored.flatMap(({ data }) => {
      const read = deaggregate(data)
      return read.form === 'aggregated' ? read.records.map((record) => Buffer.from(record.data).toString()) : [Buffer.from(data).toString()]
    })
    expect(bodies).toEqual(messages.map(({ body }) => body))
    for (const { data } of fake.stored) expect(data.length + 1).toBeLessThanOrEqual(1_024)
    expect(fake.stored.length).toBeLessThan(20)
  })

  it('fills a record to the limit of the stream, which may be below that of the route', async () => {
    const fake = new FakeKinesis(1)
    fake.on('DescribeStreamSummary', () => ({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE', MaxRecordSizeInKiB: 1_024 } }))
    const sender = await senderOf(fake, { options: { aggregate: true, maxRecordBytes: 10_485_760 } }, { shardShare: false, maxRequestBytes: 10_485_760 })
    await sender.send(
      Array.from({ length: 7_500 }, (_, index) => outgoing({ key: 'k', body: `${index}`.padEnd(256, '.') })),
      never,
    )
    const sizes = fake.stored.map(({ data }) => data.length + 1)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_048_576)
    expect(sizes[0]).toBeGreaterThan(1_048_576 - 300)
    expect(fake.requests).toEqual([2])
  })

  it('sends a record again, message by message, that a split has taken to a shard where not all of it belongs', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake, aggregating)
    await sender.send([keyed('first')], never)
    fake.shards = split
    const messages = numbered(20)
    const results = await sender.send(messages, never)
    expect(codes(results)).toEqual(messages.map(() => 'ok'))
    const [, aggregated, ...again] = fake.stored
    expect(aggregated?.key).toBe('a')
    expect(new Set(again.map(({ shard, key }) => `${shard} ${key}`))).toEqual(new Set(messages.map(({ key = '' }) => `${fake.shardOf(key)} ${key}`)))
    expect(again).toHaveLength(messages.length)
    expect(results.every((result) => result.ok && /^\d+$/.test(result.position ?? ''))).toBe(true)
  })

  it('sends nothing again that nobody waits for any more', async () => {
    const fake = new FakeKinesis(1)
    const sender = await senderOf(fake, aggregating)
    await sender.send([keyed('first')], never)
    fake.shards = split
    const abort = new AbortController()
    fake.on('PutRecords', async (input) => {
      await sleep(fake.clock, 100)
      return { Records: entriesOf(input).map((record) => fake.store(record)) }
    })
    const sending = sender.send(numbered(20), abort.signal)
    await fake.clock.advance(50)
    abort.abort()
    await fake.clock.advance(10_000)
    // Some readers do take the aggregated record.
    expect(codes(await sending)).toEqual(Array.from({ length: 20 }, () => ['ERR_TIMEOUT', 'unknown']))
    expect(fake.stored).toHaveLength(2)
  })

  it('leaves a record where a merge has taken it', async () => {
    const fake = new FakeKinesis(2)
    const sender = await senderOf(fake, aggregating)
    await sender.send([keyed('first')], never)
    fake.shards = merged
    expect(codes(await sender.send(numbered(20), never))).toEqual(Array.from({ length: 20 }, () => 'ok'))
    expect(fake.stored).toHaveLength(3)
  })

  it('goes on where a throttle has stopped it', async () => {
    const fake = new FakeKinesis(1)
    let calls = 0
    fake.on('PutRecords', (input) => ({ Records: entriesOf(input).map((record) => (calls++ === 0 ? throttled() : fake.store(record))) }))
    const sending = (await senderOf(fake, aggregating)).send(numbered(20, 'k'), never)
    await fake.clock.advance(100)
    expect(codes(await sending)).toEqual(Array.from({ length: 20 }, () => 'ok'))
    expect(fake.stored).toHaveLength(1)
  })
})
