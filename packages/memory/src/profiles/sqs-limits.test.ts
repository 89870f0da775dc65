import { describe, expect, it } from 'vitest'
import { kit, type Consumer, type Kit } from '../test-support/kit.ts'
import { outgoing } from '../testing/builders.ts'
import { sqsLimits, sqsSize } from './sqs.ts'

// Section numbers are those of the broker semantics reference.

const sqsProfiles = ['sqs-standard', 'sqs-fifo'] as const
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `m${from + index}`)
const invalid = { ok: false, stored: 'no', error: { code: 'ERR_INVALID', retryable: false } }

/** Sends `count` messages in requests of ten, without awaiting each. */
async function sendMany({ send }: Kit, count: number, key?: string): Promise<void> {
  const batches = []
  for (let from = 0; from < count; from += 10) batches.push(send(ids(Math.min(10, count - from), from).map((id) => ({ id, key }))))
  await Promise.all(batches)
}

/** A consumer that holds `count` messages. */
async function holding(tools: Kit, count: number): Promise<Consumer> {
  await sendMany(tools, count)
  return tools.consume({ window: { messages: count } })
}

describe('SQS standard: delay and deduplication of a single message', () => {
  it('DelaySeconds is 0 to 900: what is above is refused, not cut (1.1)', async () => {
    const { send, stats } = await kit({ profile: 'sqs-standard' })
    const results = await send([
      { id: 'a', delayMs: 900_000 },
      { id: 'b', delayMs: 900_001 },
      { id: 'c', delayMs: -1 },
      { id: 'd', delayMs: Number.NaN },
    ])
    expect(results).toMatchObject([{ ok: true }, invalid, invalid, invalid])
    expect(results[1]).toMatchObject({ error: { message: 'orders takes a delay of 0 to 900000 ms, not 900001', messageId: 'b' } })
    expect(await stats()).toMatchObject({ ready: 0, delayed: 1 })
  })

  it('a deduplication id is rejected on a standard queue; the group id is not, and comes back (1.8, 1.5)', async () => {
    const { send, consume } = await kit({ profile: 'sqs-standard' })
    const results = await send([
      { id: 'a', deduplicationId: 'd' },
      { id: 'b', key: 'tenant-1' },
    ])
    expect(results).toMatchObject([invalid, { ok: true }])
    const consumer = await consume()
    expect(consumer.intake.take()).toEqual(['b'])
    expect(consumer.last('b').incoming.key).toBe('tenant-1')
  })

  it('a changed delay of the queue does not reach stored messages (1.7)', async () => {
    const { send, consume, endpoint, link, clock } = await kit({ profile: 'sqs-standard' })
    await send(['a'], endpoint({ options: { queueDelayMs: 10_000 } }))
    const changed = endpoint({ options: { queueDelayMs: 0 } })
    await link.inspect(changed)
    const consumer = await consume({ endpoint: changed })
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(10_000)
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('a delayed message counts as delayed, and its delay is no receive (1.7)', async () => {
    const { send, consume, clock, stats } = await kit({ profile: 'sqs-standard' })
    await send([{ id: 'a', delayMs: 5_000 }])
    expect(await stats()).toMatchObject({ ready: 0, inFlight: 0, delayed: 1 })
    const consumer = await consume()
    await clock.advance(5_000)
    expect(consumer.last('a').brokerAttempts).toBe(1)
  })
})

describe('SQS FIFO: delay is that of the queue (1.7)', () => {
  const delayed = { options: { queueDelayMs: 10_000 } }

  it('a delay of a single message is refused', async () => {
    const { send, stats } = await kit({ profile: 'sqs-fifo' })
    const [refused] = await send([{ id: 'a', key: 'g', delayMs: 5_000 }])
    expect(refused).toMatchObject({ ...invalid, error: { message: 'orders takes no message with a delay of its own' } })
    expect(await stats()).toMatchObject({ ready: 0, delayed: 0 })
  })

  it('0 is taken, and then the delay of the queue applies', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'sqs-fifo' })
    const orders = endpoint(delayed)
    const consumer = await consume({ endpoint: orders })
    expect(await send([{ id: 'a', key: 'g', delayMs: 0 }], orders)).toEqual([{ ok: true }])
    await clock.advance(9_999)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('a shorter delay reaches stored messages, counted from when they were sent', async () => {
    const { send, consume, endpoint, link, clock } = await kit({ profile: 'sqs-fifo' })
    await send([{ id: 'a', key: 'g' }], endpoint(delayed))
    await clock.advance(3_000)
    await send([{ id: 'b', key: 'h' }], endpoint(delayed))
    const changed = endpoint({ options: { queueDelayMs: 4_000 } })
    await link.inspect(changed)
    const consumer = await consume({ endpoint: changed })
    await clock.advance(1_000)
    expect(consumer.intake.take()).toEqual(['a'])
    await clock.advance(3_000)
    expect(consumer.intake.take()).toEqual(['b'])
  })

  it('a longer one too, and none at all frees them at once, but not what is back in the queue after a receive', async () => {
    const { send, consume, endpoint, link, clock } = await kit({ profile: 'sqs-fifo' })
    const holder = await consume({ window: { messages: 1 } })
    await send([{ id: 'retried', key: 'f' }])
    await clock.advance(0)
    await holder.receiver.pause()
    await holder.retry(60_000, 'retried')
    await send([{ id: 'a', key: 'g' }])
    await link.inspect(endpoint(delayed))
    const next = await consume()
    expect(next.intake.take()).toEqual([])
    await link.inspect(endpoint({ options: { queueDelayMs: 0 } }))
    await clock.advance(0)
    expect(next.intake.take()).toEqual(['a'])
    await clock.advance(60_000)
    expect(next.intake.take()).toContain('retried')
  })
})

describe.each(sqsProfiles)('%s: requests and quotas (1.1)', (profile) => {
  it('refuses ids with other than 1 to 128 characters from ! to ~', async () => {
    const { send } = await kit({ profile })
    const results = await send(['x'.repeat(128), '!~', 'x'.repeat(129), 'a b', '', 'é'].map((key, index) => ({ id: `m${index}`, key })))
    expect(results.map(({ ok }) => ok)).toEqual([true, true, false, false, false, false])
  })

  it('refuses a batch call that deletes, changes or extends more than 10, as a whole', async () => {
    const tools = await kit({ profile })
    const consumer = await holding(tools, 11)
    const refused = { error: { code: 'ERR_INVALID', message: 'A request takes up to 10 entries, not 11' } }
    expect(await consumer.settle('ack', ...ids(11))).toMatchObject(Array.from({ length: 11 }, () => refused))
    expect(await consumer.retry(0, ...ids(11))).toMatchObject(Array.from({ length: 11 }, () => refused))
    expect(await consumer.extend(60_000, ...ids(11))).toMatchObject(Array.from({ length: 11 }, () => refused))
    expect((await tools.stats()).inFlight).toBe(11)
    expect(await consumer.settle('ack', ...ids(10))).toEqual(Array.from({ length: 10 }, () => 'durable'))
  })

  it('gives at most 10 messages in one receive', async () => {
    const tools = await kit({ profile })
    await sendMany(tools, 15)
    const sizes: number[] = []
    const consumer = await tools.consume({ window: { messages: 0 } })
    consumer.intake.onDeliver = (deliveries) => sizes.push(deliveries.length)
    consumer.receiver.resize({ messages: 100, bytes: 1_000_000 })
    await tools.clock.advance(0)
    expect(sizes).toEqual([10, 5])
  })

  it('has 120,000 in flight at most; beyond, receivers get nothing and no error', async () => {
    const tools = await kit({ profile })
    const consumer = await holding(tools, sqsLimits.inFlight + 1)
    expect(consumer.intake.deliveries).toHaveLength(sqsLimits.inFlight)
    expect(consumer.intake.failures).toEqual([])
    await consumer.settle('ack', 'm0')
    expect(consumer.last(`m${sqsLimits.inFlight}`)).toBeDefined()
  })

  it('keeps messages for four days', async () => {
    const { send, stats, clock } = await kit({ profile })
    await send(['a'])
    await clock.advance(345_599_999)
    expect((await stats()).ready).toBe(1)
    await clock.advance(1)
    expect((await stats()).ready).toBe(0)
  })

  it('takes one message or ten of exactly 1,048,576 bytes together, and refuses one byte more (1.2)', async () => {
    const { send } = await kit({ profile })
    const overhead = sqsSize(outgoing({ id: 'x', body: '' }))
    const ten = (bytes: number) => ids(10).map((_, index) => ({ id: 'x', body: 'x'.repeat(Math.floor(bytes / 10) + (index < bytes % 10 ? 1 : 0) - overhead) }))
    expect((await send(ten(1_048_576))).every(({ ok }) => ok)).toBe(true)
    expect(await send(ten(1_048_577))).toMatchObject(ids(10).map(() => ({ ok: false, stored: 'no', error: { code: 'ERR_TOO_LARGE' } })))
  })

  it('takes no time to live of a single message (7.1: retention only)', async () => {
    expect(await (await kit({ profile })).send([{ id: 'a', timeToLiveMs: 1_000 }])).toMatchObject([invalid])
  })

  it('can be purged once in 60 s, in flight and delayed messages included (1.12)', async () => {
    const { driver, send, stats, clock, consume } = await kit({ profile })
    const name = profile === 'sqs-fifo' ? 'orders.fifo' : 'orders'
    await consume({ window: { messages: 1 } })
    await send(['a', 'b', ...(profile === 'sqs-fifo' ? [] : [{ id: 'c', delayMs: 60_000 }])])
    await clock.advance(0)
    driver.purge(name)
    expect(await stats()).toMatchObject({ ready: 0, inFlight: 0, delayed: 0 })
    await send(['d'])
    await clock.advance(59_999)
    expect(() => driver.purge(name)).toThrow(expect.objectContaining({ code: 'ERR_CONFLICT' }) as Error)
    await clock.advance(1)
    driver.purge(name)
    expect(await stats()).toMatchObject({ ready: 0, inFlight: 0 })
  })
})

describe('SQS FIFO: look-ahead (1.1)', () => {
  it('looks at the first 120,000 messages only: a larger backlog of one blocked group starves all groups behind it', async () => {
    const tools = await kit({ profile: 'sqs-fifo' })
    await tools.send([{ id: 'head', key: 'blocked' }])
    const holder = await tools.consume({ window: { messages: 1 } })
    expect(holder.intake.take()).toEqual(['head'])
    await sendMany(tools, sqsLimits.lookAhead - 1, 'blocked')
    await tools.send([
      { id: 'free-1', key: 'free' },
      { id: 'free-2', key: 'free' },
    ])
    const next = await tools.consume({ window: { messages: 12 } })
    expect(next.intake.take()).toEqual([])
    // Each message that is deleted lets one more be seen.
    await holder.receiver.pause()
    await holder.settle('ack', 'head')
    expect(next.intake.take()).toEqual([...ids(10), 'free-1'])
  })

  it('sees as far as ever when what it saw is purged', async () => {
    const tools = await kit({ profile: 'sqs-fifo' })
    await sendMany(tools, sqsLimits.lookAhead + 10, 'blocked')
    tools.driver.purge('orders.fifo')
    await tools.send([{ id: 'a', key: 'free' }])
    expect((await tools.consume()).intake.take()).toEqual(['a'])
  })
})
