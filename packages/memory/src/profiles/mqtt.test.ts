import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'

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

  it('refuses wildcards and NUL in names, and streams', async () => {
    const { driver, endpoint } = await kit({ profile: 'mqtt' })
    for (const parts of [{ name: 'a/+' }, { name: 'a/#' }, { name: 'a\0' }, { name: '' }, { kind: 'stream' as const }])
      expect(driver.capabilities(endpoint(parts))).toHaveProperty('remedy')
  })
})
