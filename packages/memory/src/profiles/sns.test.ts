import type { Endpoint } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'

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
