import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'
import { outgoing } from '../testing/builders.ts'

describe('mqtt (5)', () => {
  it('acks in the order of receipt: what is behind an open message still fills the window', async () => {
    const { send, consume } = await kit({ profile: 'mqtt' })
    const consumer = await consume({ window: { messages: 3 } })
    await send(['a', 'b', 'c', 'd', 'e'])
    await Promise.resolve()
    expect(consumer.intake.take()).toEqual(['a', 'b', 'c'])
    expect(await consumer.settle('ack', 'b', 'c')).toEqual(['accepted', 'accepted'])
    expect(consumer.intake.take()).toEqual([])
    await consumer.settle('ack', 'a')
    expect(consumer.intake.take()).toEqual(['d', 'e'])
  })

  it('has no nack and gives nothing back but by reconnecting', async () => {
    const { send, consume, capabilities } = await kit({ profile: 'mqtt' })
    const consumer = await consume()
    await send(['a'])
    await Promise.resolve()
    expect(capabilities().redelivery).toEqual({ immediate: false, delayed: false, onReconnect: true })
    for (const [result] of [await consumer.retry(0, 'a'), await consumer.settle('release', 'a'), await consumer.settle('discard', 'a')])
      expect(result).toMatchObject({ error: { code: 'ERR_UNSUPPORTED' } })
    expect(await consumer.settle('ack', 'a')).toEqual(['accepted'])
  })

  it('redelivers on reconnect, in the original order and before new messages, what was not acked in order', async () => {
    const { send, consume, driver, clock } = await kit({ profile: 'mqtt' })
    const consumer = await consume({ window: { messages: 4 } })
    await send(['a', 'b', 'c', 'd', 'e'])
    await clock.advance(0)
    await consumer.settle('ack', 'a', 'c')
    consumer.intake.take()
    driver.dropConnections()
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['b', 'c', 'd', 'e'])
    expect(consumer.last('b').brokerAttempts).toBeUndefined()
  })

  it('hands over what it holds by disconnecting', async () => {
    const { send, consume } = await kit({ profile: 'mqtt' })
    const first = await consume({ window: { messages: 2 } })
    await send(['a', 'b', 'c'])
    await Promise.resolve()
    await first.receiver.pause()
    const second = await consume()
    expect(second.intake.take()).toEqual(['c'])
    await first.receiver.handBack()
    await Promise.resolve()
    expect(second.intake.take()).toEqual(['a', 'b'])
  })

  it('a subscription of a topic is one session: a second consumer takes it over', async () => {
    const { send, consume, endpoint, capabilities, clock } = await kit({ profile: 'mqtt' })
    const subscription = endpoint({ kind: 'topic', subscription: { name: 's' } })
    expect(capabilities(subscription)).toMatchObject({ competingConsumers: false, ordering: 'destination' })
    const first = await consume({ endpoint: subscription })
    await send(['a'], endpoint({ kind: 'topic' }))
    await clock.advance(0)
    const second = await consume({ endpoint: subscription })
    expect(first.intake.lostScopes).toHaveLength(1)
    expect(first.intake.failures).toMatchObject([{ fatal: true, error: { code: 'ERR_CONFLICT' } }])
    expect(second.intake.take()).toEqual(['a'])
  })

  it('tells no counts and cannot be looked into', async () => {
    const { link } = await kit({ profile: 'mqtt' })
    expect(['stats' in link, 'browse' in link]).toEqual([false, false])
  })

  it('has 65,535 messages unsettled in one session at most (Receive Maximum)', async () => {
    const { send, consume, clock } = await kit({ profile: 'mqtt' })
    for (let batch = 0; batch < 656; batch++) await send(Array.from({ length: 100 }, (_, index) => `m${batch * 100 + index}`))
    const consumer = await consume({ window: { messages: 100_000 } })
    expect(consumer.intake.deliveries).toHaveLength(65_535)
    consumer.receiver.resize({ messages: 200_000, bytes: 10_000_000 })
    await clock.advance(0)
    expect(consumer.intake.deliveries).toHaveLength(65_535)
    await consumer.settle('ack', 'm0')
    expect(consumer.intake.deliveries).toHaveLength(65_536)
  })

  it('a message expires, but not once its delivery has begun', async () => {
    const { send, consume, clock, driver } = await kit({ profile: 'mqtt' })
    const consumer = await consume({ window: { messages: 1 } })
    await send([
      { id: 'begun', timeToLiveMs: 1_001 },
      { id: 'waiting', timeToLiveMs: 1_001 },
      { id: 'longer', timeToLiveMs: 2_001 },
    ])
    await clock.advance(1_999)
    driver.dropConnections()
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['begun', 'begun'])
    driver.dropConnections()
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['begun'])
    await consumer.settle('ack', 'begun')
    expect(consumer.intake.take()).toEqual(['longer'])
  })

  it('a message lives for whole seconds, rounded up', async () => {
    for (const [ms, expected] of [
      [1_999, ['a']],
      [2_000, []],
    ] as const) {
      const { send, consume, clock } = await kit({ profile: 'mqtt' })
      await send([{ id: 'a', timeToLiveMs: 1_001 }])
      await clock.advance(ms)
      expect((await consume()).intake.take()).toEqual(expected)
    }
  })

  it('takes no delay, no deduplication id, and times to live up to 4,294,967,295 s', async () => {
    const { send } = await kit({ profile: 'mqtt' })
    const results = await send([{ delayMs: 1 }, { deduplicationId: 'd' }, { timeToLiveMs: 4_294_967_295_001 }, { timeToLiveMs: 4_294_967_295_000 }])
    expect(results.map((result) => result.ok || result.error.code)).toEqual(['ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID', true])
  })

  it('cannot be purged (7.2)', async () => {
    const { send, driver } = await kit({ profile: 'mqtt' })
    await send(['a'])
    expect(() => driver.purge('orders')).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }) as Error)
  })

  it('counts topic, properties and body of a packet, up to 268,435,455 bytes', async () => {
    const { sender, endpoint } = await kit({ profile: 'mqtt' })
    const to = sender(endpoint({ name: 'a/é' }))
    const plain = outgoing({ id: 'i', body: '' })
    // Topic with its length, the packet's number, and the one user property with id: {"v":1,"i":"i"}.
    const empty = 2 + 4 + 2 + 1 + (5 + 'busbar'.length + 15)
    expect(to.sizeOf(plain)).toBe(empty)
    expect(to.sizeOf({ ...plain, bodyBytes: 7, headers: { é: 'v' }, contentType: 'a/b', replyTo: 'to', correlationId: 'c', timeToLiveMs: 1_000 })).toBe(
      empty + 7 + (5 + 2 + 1) + (3 + 3) + (3 + 2) + (3 + 1) + 5,
    )
    const { signal } = new AbortController()
    const largest = { ...plain, bodyBytes: 268_435_455 - empty }
    expect(await to.send([largest], signal)).toEqual([{ ok: true }])
    expect(await to.send([{ ...largest, bodyBytes: largest.bodyBytes + 1 }], signal)).toMatchObject([{ ok: false, error: { code: 'ERR_TOO_LARGE' } }])
  })

  it('names and values of user properties are UTF-8 texts of up to 65,535 bytes without NUL', async () => {
    const { send } = await kit({ profile: 'mqtt' })
    const pairs = [
      ['h'.repeat(65_535), 'v'],
      ['h', 'é'.repeat(32_767)],
      ['h'.repeat(65_536), 'v'],
      ['h', 'é'.repeat(32_768)],
      ['a\0b', 'v'],
      ['h', '\uD800'],
    ] as const
    const results = await send(pairs.map(([name, value], index) => ({ id: `m${index}`, headers: { [name]: value } })))
    expect(results.map((result) => result.ok || result.error.code)).toEqual([true, true, 'ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID', 'ERR_INVALID'])
  })

  it('refuses illegal names of subscriptions', async () => {
    const { driver, endpoint } = await kit({ profile: 'mqtt' })
    for (const name of ['', 'a/#', 'a+', 'a\0', 'x'.repeat(65_536)])
      expect(driver.capabilities(endpoint({ kind: 'topic', subscription: { name } }))).toHaveProperty('remedy')
  })

  it('refuses wildcards and NUL in names, and streams', async () => {
    const { driver, endpoint } = await kit({ profile: 'mqtt' })
    for (const parts of [{ name: 'a/+' }, { name: 'a/#' }, { name: 'a\0' }, { name: '' }, { kind: 'stream' as const }])
      expect(driver.capabilities(endpoint(parts))).toHaveProperty('remedy')
  })
})
