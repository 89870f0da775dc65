import type { Endpoint } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'
import { outgoing } from '../testing/builders.ts'
import { sqsSize } from './sqs.ts'

const topic: Partial<Endpoint> = { kind: 'topic', name: 'orders-placed', destination: 'order-placed', keyed: false }

describe('sns', () => {
  it('declares the limits of topics: 256 KiB, ten in a request (2.1)', async () => {
    const { capabilities, endpoint } = await kit({ profile: 'sns' })
    expect(capabilities(endpoint(topic))).toMatchObject({
      maxMessageBytes: 262_144,
      maxBatch: { messages: 10, bytes: 262_144 },
      filter: 'native',
      headerFilter: 'native',
      delay: false,
    })
  })

  it('takes one message or ten of exactly 256 KiB together, and refuses one byte more (2.1)', async () => {
    const { send, endpoint } = await kit({ profile: 'sns' })
    const overhead = sqsSize(outgoing({ id: 'x', body: '' }))
    const messages = (count: number, bytes: number) =>
      Array.from({ length: count }, (_, index) => ({ id: 'x', body: 'x'.repeat(Math.floor(bytes / count) + (index < bytes % count ? 1 : 0) - overhead) }))
    for (const count of [1, 10]) {
      expect((await send(messages(count, 262_144), endpoint(topic))).every(({ ok }) => ok)).toBe(true)
      expect((await send(messages(count, 262_145), endpoint(topic))).every((result) => !result.ok && result.error.code === 'ERR_TOO_LARGE')).toBe(true)
    }
    expect(
      await send(
        Array.from({ length: 11 }, (_, index) => `m${index}`),
        endpoint(topic),
      ),
    ).toMatchObject(Array.from({ length: 11 }, () => ({ ok: false, error: { code: 'ERR_INVALID' } })))
  })

  it('names of topics have up to 256 characters, those of subscribed queues up to 80 (2.1, 1.1)', async () => {
    const { driver, endpoint } = await kit({ profile: 'sns' })
    const refused = (length: number, keyed: boolean) => 'refused' in driver.capabilities(endpoint({ ...topic, name: 'x'.repeat(length), keyed }))
    expect([refused(256, false), refused(257, false), refused(251, true), refused(252, true)]).toEqual([false, true, false, true])
    const queue = (length: number) => 'refused' in driver.capabilities(endpoint({ ...topic, name: 't', subscription: { name: 'x'.repeat(length) } }))
    expect([queue(78), queue(79)]).toEqual([false, true])
  })

  it('rejects a deduplication id on a standard topic; a group id is forwarded to the queue (2.2)', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'sns' })
    const consumer = await consume({ endpoint: endpoint({ ...topic, subscription: { name: 's' } }) })
    const results = await send(
      [
        { id: 'a', deduplicationId: 'd' },
        { id: 'b', key: 'tenant-1' },
      ],
      endpoint(topic),
    )
    expect(results).toMatchObject([{ ok: false, error: { code: 'ERR_INVALID' } }, { ok: true }])
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['b'])
    expect(consumer.last('b').incoming.key).toBe('tenant-1')
  })

  it.each([true, false])('has no delay of single messages; that of the subscribed queue applies (7.1, FIFO: %s)', async (keyed) => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'sns' })
    const to = endpoint({ ...topic, keyed })
    const consumer = await consume({ endpoint: endpoint({ ...to, subscription: { name: 's' }, options: { queueDelayMs: 5_000 } }) })
    expect(
      await send(
        [
          { id: 'a', key: 'k', delayMs: 1_000 },
          { id: 'b', key: 'k', delayMs: 0 },
        ],
        to,
      ),
    ).toMatchObject([{ ok: false, error: { code: 'ERR_INVALID' } }, { ok: true }])
    await clock.advance(4_999)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['b'])
  })

  it('a FIFO topic has up to 100 subscriptions (2.1)', async () => {
    const { link, endpoint } = await kit({ profile: 'sns' })
    const subscribe = (number: number, keyed: boolean) => link.inspect(endpoint({ ...topic, keyed, subscription: { name: `s${number}` } }))
    for (let number = 0; number < 100; number++) await subscribe(number, true)
    await subscribe(0, true)
    await expect(subscribe(100, true)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('has 100 subscriptions') as string })
    for (let number = 0; number < 101; number++) await subscribe(number, false)
  })

  it('a subscription has one scope of filters: the body or the headers (2.6)', async () => {
    const { driver, endpoint } = await kit({ profile: 'sns' })
    const filtered = (parts: object) => driver.capabilities(endpoint({ ...topic, subscription: { name: 's', ...parts } }))
    expect(filtered({ filter: { total: [1] } })).toMatchObject({ filter: 'native' })
    expect(filtered({ headerFilter: { tenant: ['acme'] } })).toMatchObject({ headerFilter: 'native' })
    expect(filtered({ filter: { total: [1] }, headerFilter: { tenant: ['acme'] } })).toMatchObject({ filter: 'none', headerFilter: 'native' })
  })

  it('delivers a body that is no JSON object to no subscription that filters on it (2.6)', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'sns' })
    const consumer = await consume({ endpoint: endpoint({ ...topic, subscription: { name: 's', filter: { a: [{ exists: false }] } } }) })
    await send(
      ['[]', '1', '"a"', 'null', 'text', '{}'].map((body) => ({ id: body, body })),
      endpoint(topic),
    )
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['{}'])
  })

  it('drops a repeated deduplication id at the topic and again at each queue, for five minutes (2.5)', async () => {
    const { send, consume, endpoint, clock, driver } = await kit({ profile: 'sns' })
    const from = endpoint({ ...topic, keyed: true, subscription: { name: 's' } })
    const consumer = await consume({ endpoint: from })
    const to = endpoint({ ...topic, keyed: true })
    await send([{ id: 'a', key: 'k', deduplicationId: 'd' }], to)
    await clock.advance(299_999)
    await send([{ id: 'b', key: 'k', deduplicationId: 'd' }], to)
    // The queue has a memory of its own.
    await send([{ id: 'c', key: 'k', deduplicationId: 'd' }], from)
    await clock.advance(0)
    expect(new Set(consumer.intake.take())).toEqual(new Set(['a']))
    expect(driver.address(from)).toContain('.fifo')
    await clock.advance(1)
    await send([{ id: 'd', key: 'k2', deduplicationId: 'd' }], to)
    await clock.advance(0)
    expect(consumer.intake.take()).toContain('d')
  })

  it('a topic can only be sent to; a subscription is a queue of SQS', async () => {
    const { capabilities, endpoint } = await kit({ profile: 'sns' })
    expect(capabilities(endpoint(topic))).toMatchObject({
      lease: false,
      settlement: false,
      stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
    })
    expect(capabilities(endpoint({ ...topic, subscription: { name: 's' } }))).toMatchObject({
      lease: { kind: 'message', ms: 30_000 },
      settlement: { maxBatch: 10 },
      subscriptions: 'durable',
    })
  })

  it.each([
    ['queue', 'SNS has no queues'],
    ['stream', 'SNS has no streams'],
  ] as const)('refuses a %s with a remedy', async (kind, refused) => {
    const { driver, endpoint } = await kit({ profile: 'sns' })
    expect(driver.capabilities(endpoint({ kind }))).toEqual({ refused, remedy: expect.stringMatching(/^route it to the (sqs|kinesis) driver/) as string })
  })

  it('gives each subscription whose filters match a copy; without any the message is gone, and the send succeeds (2.2)', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'sns' })
    expect(await send([{ id: 'lost', body: '{}' }], endpoint(topic))).toEqual([{ ok: true }])
    const subscription = (parts: Endpoint['subscription']) =>
      consume({ endpoint: endpoint({ ...topic, subscription: parts as NonNullable<Endpoint['subscription']> }) })
    const all = await subscription({ name: 'all' })
    const large = await subscription({ name: 'large', filter: { total: [{ numeric: ['>=', 100] }] } })
    const acme = await subscription({ name: 'acme', headerFilter: { tenant: ['acme'] } })
    await send(
      [
        { id: 'a', body: '{"total":50}', headers: { tenant: 'acme' } },
        { id: 'b', body: '{"total":150}' },
        { id: 'c', body: 'not json' },
      ],
      endpoint(topic),
    )
    await clock.advance(0)
    expect([all.intake.take(), large.intake.take(), acme.intake.take()]).toEqual([['a', 'b', 'c'], ['b'], ['a']])
  })

  it('settles a copy without touching the others', async () => {
    const { send, consume, endpoint, stats, clock } = await kit({ profile: 'sns' })
    const of = (name: string) => endpoint({ ...topic, subscription: { name } })
    const [one] = [await consume({ endpoint: of('one') }), await consume({ endpoint: of('two') })]
    await send(['a'], endpoint(topic))
    await clock.advance(0)
    await one.settle('ack', 'a')
    expect([(await stats(of('one'))).inFlight, (await stats(of('two'))).inFlight]).toEqual([0, 1])
  })

  it('with ordering keys it is a FIFO topic with FIFO queues: in order, and deduplicated at the topic (2.5)', async () => {
    const { send, consume, endpoint, capabilities, clock, driver } = await kit({ profile: 'sns' })
    const fifo = endpoint({ ...topic, keyed: true })
    const from = endpoint({ ...topic, keyed: true, subscription: { name: 's' } })
    expect(driver.address(from)).toBe('topic orders-placed-s.fifo')
    expect(capabilities(from)).toMatchObject({ ordering: 'key', keyHold: 'broker', deduplication: { windowMs: 300_000 } })
    const consumer = await consume({ endpoint: from })
    const [first] = await send([{ id: 'a', key: 'k', deduplicationId: 'd' }], fifo)
    expect(await send([{ id: 'b', key: 'k', deduplicationId: 'd' }], fifo)).toEqual([first])
    await send([{ id: 'c', key: 'k' }], fifo)
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['a'])
    await consumer.settle('ack', 'a')
    expect(consumer.intake.take()).toEqual(['c'])
  })

  it('new filters apply to what is published from then on', async () => {
    const { send, consume, endpoint, link, clock } = await kit({ profile: 'sns' })
    const consumer = await consume({ endpoint: endpoint({ ...topic, subscription: { name: 's' } }) })
    await link.inspect(endpoint({ ...topic, subscription: { name: 's', headerFilter: { tenant: ['acme'] } } }))
    await send([{ id: 'a' }, { id: 'b', headers: { tenant: 'acme' } }], endpoint(topic))
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['b'])
  })
})
