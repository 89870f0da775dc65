import type { EndpointSubscription } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'

type HeaderFilter = NonNullable<EndpointSubscription['headerFilter']>

describe('rabbitmq (4.2)', () => {
  it('declares a channel as scope, acks without an answer, and no extend', async () => {
    const { capabilities, consume } = await kit({ profile: 'rabbitmq' })
    expect(capabilities()).toMatchObject({
      lease: { kind: 'scope', maxHoldMs: 1_620_000 },
      settlement: { mode: 'individual' },
      releaseCounts: true,
      redelivery: { delayed: { maxMs: 26_843_545_500, keepsOrder: false } },
      delay: { maxMs: 26_843_545_500, resolutionMs: 500 },
    })
    expect('extend' in (await consume()).receiver).toBe(false)
  })

  it('answers accepted, and too late for what was delivered on a channel that is gone', async () => {
    const { send, consume, driver, clock, stats } = await kit({ profile: 'rabbitmq' })
    const consumer = await consume()
    await send(['a', 'b', 'c'])
    await clock.advance(0)
    expect(await consumer.settle('ack', 'a')).toEqual(['accepted'])
    const old = consumer.last('b')
    consumer.intake.take()
    driver.dropConnections()
    await clock.advance(0)
    expect(consumer.intake.lostScopes.map(({ scope }) => scope)).toEqual([old.scope])
    // Back in the original order, counted, on another channel.
    expect(consumer.intake.take()).toEqual(['b', 'c'])
    expect(consumer.last('b')).toMatchObject({ brokerAttempts: 2, sameAs: 'b' })
    expect(consumer.last('b').scope).not.toBe(old.scope)
    expect(await consumer.receiver.settle([{ delivery: old, action: 'ack' }])).toEqual(['too-late'])
    expect((await stats()).ready).toBe(0)
  })

  it('all deliveries of a receiver share its channel, and no lease ends', async () => {
    const { send, consume, clock } = await kit({ profile: 'rabbitmq' })
    const consumer = await consume()
    await send(['a', 'b'])
    await clock.advance(1_799_999)
    expect(consumer.last('a').scope).toBe(consumer.last('b').scope)
    expect(consumer.last('a').leaseUntil).toBeUndefined()
    expect(consumer.intake.take()).toEqual(['a', 'b'])
  })

  it('closes the channel when a delivery is held for 30 minutes: all its messages are lost, not one', async () => {
    const { send, consume, clock } = await kit({ profile: 'rabbitmq' })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(1_000_000)
    await send(['b'])
    await clock.advance(800_000)
    expect(consumer.intake.lostScopes).toHaveLength(1)
    expect(consumer.intake.take()).toEqual(['a', 'b', 'a', 'b'])
  })

  it('a requeued message goes to the head, several in the order of their return', async () => {
    const { send, consume, endpoint } = await kit({ profile: 'rabbitmq' })
    const orders = endpoint({ keyed: false })
    const consumer = await consume({ endpoint: orders, window: { messages: 5 } })
    await send(['0', '1', '2', '3', '4', '5'], orders)
    await Promise.resolve()
    await consumer.receiver.pause()
    await consumer.settle('release', '4', '3', '2', '1', '0')
    await consumer.receiver.resume()
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['0', '1', '2', '3', '4', '4', '3', '2', '1', '0'])
  })

  it('a delayed retry is a new message at the end that carries its counts', async () => {
    const { send, consume, clock } = await kit({ profile: 'rabbitmq' })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    expect(await consumer.retry(1_000, 'a')).toEqual(['accepted'])
    await send(['b'])
    await clock.advance(1_000)
    expect(consumer.intake.take()).toEqual(['a', 'b', 'a'])
    expect(consumer.last('a')).toMatchObject({ brokerAttempts: 2, incoming: { attempt: 1 } })
  })

  it('an immediate retry is a new message at the end as well', async () => {
    const { send, consume } = await kit({ profile: 'rabbitmq' })
    const consumer = await consume({ window: { messages: 1 } })
    await send(['a', 'b'])
    await Promise.resolve()
    expect(await consumer.retry(0, 'a')).toEqual(['accepted'])
    await consumer.settle('ack', 'b')
    expect(consumer.intake.take()).toEqual(['a', 'b', 'a'])
    expect(consumer.last('a')).toMatchObject({ brokerAttempts: 2, incoming: { attempt: 1 } })
  })

  it('gives back at once, and delays what is sent to a topic, only where no keys are to be kept in order', async () => {
    const { capabilities, endpoint } = await kit({ profile: 'rabbitmq' })
    expect(capabilities()).toMatchObject({ ordering: 'key', keyHold: 'process', redelivery: { immediate: false } })
    expect(capabilities(endpoint({ keyed: false }))).toMatchObject({ ordering: 'none', keyHold: false, redelivery: { immediate: true } })
    expect(capabilities(endpoint({ kind: 'topic' }))).toMatchObject({ delay: false, timeToLive: false, stats: { ready: 'none' } })
    expect(capabilities(endpoint({ kind: 'topic', keyed: false }))).toMatchObject({ delay: { resolutionMs: 500 } })
  })

  it('delays by whole tenths of a second', async () => {
    const { send, consume, clock } = await kit({ profile: 'rabbitmq' })
    const consumer = await consume()
    await send([{ id: 'a', delayMs: 1_001 }])
    await clock.advance(1_099)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('filters by headers as a headers exchange can: whole values and presence', async () => {
    const { send, consume, endpoint, capabilities } = await kit({ profile: 'rabbitmq' })
    const audit = (headerFilter: HeaderFilter) => endpoint({ kind: 'topic', name: 'news', keyed: false, subscription: { name: 'audit', headerFilter } })
    const gold = audit({ tier: ['gold', 'silver'], region: [{ exists: true }] })
    expect(capabilities(gold).headerFilter).toBe('native')
    for (const beyond of [{ tier: [{ prefix: 'g' }] }, { tier: [{ exists: false }] }, { 'content-encoding': ['gzip'] }])
      expect(capabilities(audit(beyond)).headerFilter).toBe('none')
    const consumer = await consume({ endpoint: gold })
    const headers = [{ tier: 'gold', region: 'x' }, { tier: 'gold' }, { tier: 'lead', region: 'x' }, { tier: 'silver', region: '' }]
    await send(
      headers.map((each, index) => ({ id: `m${index}`, headers: each })),
      endpoint({ kind: 'topic', name: 'news', keyed: false }),
    )
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['m0', 'm3'])
  })

  it('offers a time to live only where what has expired is dropped, and not with a delay', async () => {
    const { send, endpoint } = await kit({ profile: 'rabbitmq' })
    const results = [
      ...(await send([{ timeToLiveMs: 1_000 }], endpoint({ deadLetterName: 'orders.dead' }))),
      ...(await send([{ timeToLiveMs: 1_000 }], endpoint({ kind: 'topic', name: 'news' }))),
      ...(await send([{ timeToLiveMs: 1_000, delayMs: 500 }, { timeToLiveMs: 1_000 }])),
    ]
    expect(results.map((result) => result.ok || result.error.code)).toEqual(['ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID', true])
  })

  it('rejects into the dead-letter queue where there is one', async () => {
    const { send, consume, endpoint, capabilities } = await kit({ profile: 'rabbitmq' })
    const orders = endpoint({ deadLetterName: 'orders.dead' })
    expect([capabilities().deadLetter, capabilities(orders).deadLetter]).toEqual(['emulated', 'native'])
    const consumer = await consume({ endpoint: orders })
    await send(['a'], orders)
    await Promise.resolve()
    expect(await consumer.settle('discard', 'a')).toEqual(['accepted'])
    expect((await consume({ endpoint: endpoint({ name: 'orders.dead' }) })).intake.take()).toEqual(['a'])
  })

  it('pipelines a key to the receiver that holds messages of it, and to no other', async () => {
    const { send, consume, clock } = await kit({ profile: 'rabbitmq' })
    const messages = (...ids: string[]) => ids.map((id) => ({ id, key: 'a' }))
    const first = await consume()
    await send(messages('a1'))
    await clock.advance(0)
    await send(messages('a2'))
    await clock.advance(0)
    expect(first.intake.take()).toEqual(['a1', 'a2'])
    await first.receiver.pause()
    const second = await consume()
    await send(messages('a3', 'a4'))
    await clock.advance(0)
    expect(second.intake.take()).toEqual([])
    await first.settle('ack', 'a1')
    expect(second.intake.take()).toEqual([])
    await first.settle('ack', 'a2')
    expect(second.intake.take()).toEqual(['a3', 'a4'])
  })

  it('refuses times to live above 2^32 − 1 ms, delays above what its queues for delays reach, and deduplication', async () => {
    const { send, stats } = await kit({ profile: 'rabbitmq' })
    const results = await send([
      { timeToLiveMs: 4_294_967_295 },
      { timeToLiveMs: 4_294_967_296 },
      { timeToLiveMs: -1 },
      { delayMs: 26_843_545_500 },
      { delayMs: 26_843_545_501 },
      { deduplicationId: 'd' },
    ])
    expect(results.map((result) => result.ok || result.error.code)).toEqual([true, 'ERR_INVALID', 'ERR_INVALID', true, 'ERR_INVALID', 'ERR_INVALID'])
    expect((await stats()).ready).toBe(1)
  })

  it('a delayed retry may be as long as a delayed message, however long the message was held', async () => {
    const { send, consume, clock } = await kit({ profile: 'rabbitmq' })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(60_000)
    expect(await consumer.receiver.settle([{ delivery: consumer.last('a'), action: 'retry', delayMs: 26_843_545_500, attempt: 1 }])).toEqual(['accepted'])
  })

  it('names of headers have up to 255 bytes', async () => {
    const { send } = await kit({ profile: 'rabbitmq' })
    const names = ['h'.repeat(255), `${'é'.repeat(127)}h`, 'h'.repeat(256), 'é'.repeat(128)]
    const results = await send(names.map((name, index) => ({ id: `m${index}`, headers: { [name]: 'v' } })))
    expect(results.map((result) => result.ok || result.error.code)).toEqual([true, true, 'ERR_INVALID', 'ERR_INVALID'])
  })

  it('takes a message of 16 MiB and none larger (4.1)', async () => {
    const { send } = await kit({ profile: 'rabbitmq' })
    expect(await send([{ body: new Uint8Array(16_777_216) }])).toEqual([{ ok: true }])
    expect(await send([{ body: new Uint8Array(16_777_217) }])).toMatchObject([{ ok: false, error: { code: 'ERR_TOO_LARGE' } }])
  })

  it('dead-letters what expires, without its time to live, and tells from where', async () => {
    const { send, consume, endpoint, clock, driver } = await kit({ profile: 'rabbitmq' })
    const orders = endpoint({ deadLetterName: 'orders.dead' })
    const consumer = await consume({ endpoint: orders, window: { messages: 1 } })
    // Busbar asks for none here; a plain client may.
    await send(['a', { id: 'b', timeToLiveMs: 1_000 }], endpoint())
    await clock.advance(1_000)
    await consumer.settle('ack', 'a')
    expect(consumer.intake.take()).toEqual(['a'])
    const dead = await consume({ endpoint: endpoint({ name: 'orders.dead' }) })
    await clock.advance(10_000)
    expect(dead.intake.take()).toEqual(['b'])
    expect(dead.last('b').incoming.deadLetteredFrom).toBe(driver.address(orders))
  })

  it('drops what expires where there is no dead-letter queue', async () => {
    const { send, stats, clock } = await kit({ profile: 'rabbitmq' })
    await send([{ id: 'a', timeToLiveMs: 1_000 }])
    await clock.advance(1_000)
    expect((await stats()).ready).toBe(0)
  })

  it('a purge removes the ready messages only', async () => {
    const { send, consume, driver, clock, stats } = await kit({ profile: 'rabbitmq' })
    const consumer = await consume({ window: { messages: 1 } })
    await send(['a', 'b', { id: 'c', delayMs: 1_000 }])
    await clock.advance(0)
    driver.purge('orders')
    driver.purge('orders')
    expect((await stats()).ready).toBe(0)
    expect(await consumer.settle('ack', 'a')).toEqual(['accepted'])
    await clock.advance(1_000)
    expect(consumer.intake.take()).toEqual(['a', 'c'])
  })

  it('tells the ready messages only', async () => {
    const { send, stats, clock } = await kit({ profile: 'rabbitmq' })
    await send(['a', { id: 'b', delayMs: 1_000 }])
    await clock.advance(0)
    expect(await stats()).toEqual({ ready: 1, inFlight: undefined, delayed: undefined, oldestAgeMs: undefined })
  })

  it('refuses streams and reserved names', async () => {
    const { driver, endpoint } = await kit({ profile: 'rabbitmq' })
    for (const parts of [
      { kind: 'stream' as const },
      { name: 'amq.x' },
      { name: 'x'.repeat(256) },
      { kind: 'topic' as const, name: 'x'.repeat(128), subscription: { name: 's'.repeat(127) } },
    ])
      expect(driver.capabilities(endpoint(parts))).toHaveProperty('remedy')
  })
})
