import { describe, expect, it } from 'vitest'
import { kit, type Consumer, type Kit } from '../test-support/kit.ts'

// Rows and rule numbers are those of "FIFO: exact rules" (1.9) in the broker semantics reference.

const group = (name: string, ...ids: string[]) => ids.map((id) => ({ id, key: name }))

/** m1, m2 and m3 of one group, received together by `holder`, which then gets no more; `next` is another receiver. */
async function received(): Promise<Kit & { readonly holder: Consumer; readonly next: Consumer }> {
  const tools = await kit({ profile: 'sqs-fifo' })
  await tools.send(group('g', 'm1', 'm2', 'm3'))
  const holder = await tools.consume()
  expect(holder.intake.take()).toEqual(['m1', 'm2', 'm3'])
  await holder.receiver.pause()
  return { ...tools, holder, next: await tools.consume() }
}

describe('SQS FIFO: the visible prefix rule', () => {
  it('all in flight: nothing of this group, other groups flow', async () => {
    const { send, clock, next } = await received()
    await send(group('other', 'x1'))
    await clock.advance(0)
    expect(next.intake.take()).toEqual(['x1'])
  })

  it('all in flight, m4 newly sent: nothing', async () => {
    const { send, clock, next } = await received()
    await send(group('g', 'm4'))
    await clock.advance(0)
    expect(next.intake.take()).toEqual([])
  })

  it('all deleted: following messages at once', async () => {
    const { send, holder, next } = await received()
    await send(group('g', 'm4'))
    await holder.settle('ack', 'm1', 'm2', 'm3')
    expect(next.intake.take()).toEqual(['m4'])
  })

  it('m1 deleted, m2 in flight: nothing', async () => {
    const { send, holder, next } = await received()
    await send(group('g', 'm4'))
    await holder.settle('ack', 'm1')
    expect(next.intake.take()).toEqual([])
  })

  it('m1 released, m2 still in flight: m1 only', async () => {
    const { holder, next } = await received()
    await holder.retry(0, 'm1')
    expect(next.intake.take()).toEqual(['m1'])
  })

  it('m1 expired, m2 still in flight: m1 only', async () => {
    const { holder, next, clock } = await received()
    await clock.advance(10_000)
    await holder.extend(60_000, 'm2', 'm3')
    await clock.advance(20_000)
    expect(next.intake.take()).toEqual(['m1'])
  })

  it.each([
    ['m1 extended, m2 and m3 expired: nothing', 'm1', []],
    ['m2 extended, m1 and m3 expired: m1 only', 'm2', ['m1']],
    ['m3 extended, m1 and m2 expired: m1, m2', 'm3', ['m1', 'm2']],
  ])('%s', async (_row, extended, expected) => {
    const { holder, next, clock } = await received()
    await clock.advance(10_000)
    expect(await holder.extend(40_000, extended)).toEqual(['durable'])
    await clock.advance(25_000)
    expect(next.intake.take()).toEqual(expected)
  })

  it('all expired: m1, m2, m3 in order again', async () => {
    const { next, clock } = await received()
    await clock.advance(30_000)
    expect(next.intake.take()).toEqual(['m1', 'm2', 'm3'])
  })
})

describe('SQS FIFO: receiving', () => {
  it('fills up with one group before the next, even if they were interleaved on send', async () => {
    const { send, consume } = await kit({ profile: 'sqs-fifo' })
    await send([...group('g1', 'g1a'), ...group('g2', 'g2a'), ...group('g1', 'g1b', 'g1c')])
    const consumer = await consume()
    expect(consumer.intake.take()).toEqual(['g1a', 'g1b', 'g1c', 'g2a'])
  })

  it('rotates groups: one that was served or released goes to the back', async () => {
    const { send, consume, clock } = await kit({ profile: 'sqs-fifo' })
    await send([...group('g1', 'g1m1', 'g1m2'), ...group('g2', 'g2m1', 'g2m2'), ...group('g3', 'g3m1')])
    const first = await consume({ window: { messages: 3 } })
    expect(first.intake.take()).toEqual(['g1m1', 'g1m2', 'g2m1'])
    await first.receiver.pause()
    const second = await consume({ window: { messages: 0 } })
    await first.retry(0, 'g1m1', 'g1m2', 'g2m1')
    second.receiver.resize({ messages: 10, bytes: 1_000_000 })
    await clock.advance(0)
    expect(second.intake.take()).toEqual(['g3m1', 'g1m1', 'g1m2', 'g2m1', 'g2m2'])
  })

  it('gives at most ten messages at once', async () => {
    const { send, consume } = await kit({ profile: 'sqs-fifo' })
    await send(group('g', ...Array.from({ length: 10 }, (_, index) => `m${index}`)))
    await send(group('g', 'm10', 'm11'))
    const consumer = await consume()
    expect(consumer.intake.take()).toHaveLength(10)
  })

  it('counts locked messages that were not received as ready', async () => {
    const { send, stats, clock } = await received()
    await send(group('g', 'm4'))
    await clock.advance(0)
    expect(await stats()).toMatchObject({ ready: 1, inFlight: 3 })
  })

  it('answers a delete with an expired handle by too late, and takes one that was extended in time', async () => {
    const { holder, clock, next } = await received()
    await clock.advance(29_000)
    await holder.extend(30_000, 'm1')
    await clock.advance(2_000)
    expect(await holder.settle('ack', 'm2')).toEqual(['too-late'])
    expect(await holder.settle('ack', 'm1')).toEqual(['durable'])
    expect(next.intake.take()).toEqual(['m2', 'm3'])
  })

  it('lets messages without a key pass each other', async () => {
    const { send, consume } = await kit({ profile: 'sqs-fifo' })
    await send(['a', 'b'])
    const consumer = await consume({ window: { messages: 1 } })
    await send(['c'])
    await consumer.retry(60_000, 'a')
    expect(consumer.intake.take()).toEqual(['a', 'b'])
  })
})

describe('SQS FIFO: sending and dead letters', () => {
  it('a duplicate succeeds with the id of the original for five minutes, even when that was deleted and the body differs (rules 3, 4)', async () => {
    const { send, consume, clock, stats } = await kit({ profile: 'sqs-fifo' })
    const [original] = await send([{ id: 'a', key: 'g', deduplicationId: 'd' }])
    const consumer = await consume()
    await consumer.settle('ack', 'a')
    await clock.advance(299_999)
    expect(await send([{ id: 'b', key: 'h', body: 'other', deduplicationId: 'd' }])).toEqual([original])
    expect((await stats()).ready).toBe(0)
    await clock.advance(1)
    await send([{ id: 'c', key: 'g', deduplicationId: 'd' }])
    expect(consumer.intake.take()).toEqual(['a', 'c'])
  })

  it('without a deduplication id every send is fresh', async () => {
    const { send, consume } = await kit({ profile: 'sqs-fifo' })
    await send([
      { id: 'a', key: 'g' },
      { id: 'a', key: 'g' },
    ])
    expect((await consume()).intake.take()).toEqual(['a', 'a'])
  })

  it('a purge clears the deduplication memory (rule 6)', async () => {
    const { driver, send, stats } = await kit({ profile: 'sqs-fifo' })
    await send([{ id: 'a', key: 'g', deduplicationId: 'd' }])
    driver.purge('orders.fifo')
    expect((await stats()).ready).toBe(0)
    await send([{ id: 'b', key: 'g', deduplicationId: 'd' }])
    expect((await stats()).ready).toBe(1)
  })

  it('refuses keys and deduplication ids with other than 1 to 128 characters from ! to ~', async () => {
    const { send } = await kit({ profile: 'sqs-fifo' })
    const results = await send([
      { id: 'a', key: 'with space' },
      { id: 'b', key: 'x'.repeat(129) },
      { id: 'c', key: 'x'.repeat(128) },
      { id: 'd', deduplicationId: '' },
    ])
    expect(results.map((result) => result.ok)).toEqual([false, false, true, false])
    expect(results[0]).toMatchObject({ stored: 'no', error: { code: 'ERR_INVALID', retryable: false } })
  })

  it('delays the group by the delay of the queue: a delayed first message holds the others', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'sqs-fifo' })
    const delayed = endpoint({ options: { queueDelayMs: 10_000 } })
    await send(group('g', 'm1'), delayed)
    const consumer = await consume({ endpoint: delayed })
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(10_000)
    expect(consumer.intake.take()).toEqual(['m1'])
  })

  it('has no per-message delay', async () => {
    const { capabilities } = await kit({ profile: 'sqs-fifo' })
    expect(capabilities().delay).toBe(false)
  })

  it('moves a message on receive N + 1, with its id and count, and unblocks the group', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'sqs-fifo' })
    const orders = endpoint({ deadLetterName: 'orders.dead', options: { deliveryLimit: 2 } })
    await send(group('g', 'm1', 'm2'), orders)
    const consumer = await consume({ endpoint: orders })
    await consumer.settle('release', 'm2')
    await consumer.retry(0, 'm1')
    await consumer.settle('release', 'm2')
    expect(consumer.intake.take()).toEqual(['m1', 'm2', 'm1', 'm2'])
    await consumer.retry(0, 'm1')
    await clock.advance(0)
    const dead = await consume({ endpoint: endpoint({ name: 'orders.dead', keyed: false }) })
    expect(dead.intake.take()).toEqual(['m1', 'm2'])
    expect(dead.last('m1')).toMatchObject({ sameAs: 'm1', brokerAttempts: 3 })
  })
})
