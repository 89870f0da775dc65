import { describe, expect, it } from 'vitest'
import { virtualClock } from '../clock/virtual-clock.ts'
import { kit } from '../test-support/kit.ts'
import { incoming, outgoing } from './builders.ts'

describe('spies', () => {
  it('resolve with what has happened and with what is to come', async () => {
    const { driver, send, consume } = await kit()
    const spy = driver.spy('orders')
    await send(['a', 'b'])
    expect((await spy.sent('b')).id).toBe('b')
    expect((await spy.sent((message) => message.body === 'a')).id).toBe('a')
    const settled = spy.settled('b')
    const consumer = await consume()
    expect((await spy.delivered()).id).toBe('a')
    await consumer.settle('ack', 'a', 'b')
    expect((await settled).id).toBe('b')
    expect(spy.events.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['stored m1', 'stored m2', 'delivered m1', 'delivered m2', 'acked m1', 'acked m2'])
  })

  it('see one place only, by the name that the program uses', async () => {
    const { driver, send, endpoint } = await kit({ profile: 'sqs-fifo' })
    const [orders, others] = [driver.spy('orders'), driver.spy('others')]
    await send(['a'], endpoint())
    expect([orders.events.length, others.events.length]).toEqual([1, 0])
  })

  it('forget and stop when told to', async () => {
    const { driver, send } = await kit()
    const spy = driver.spy('orders')
    await send(['a'])
    spy.clear()
    expect(spy.events).toEqual([])
    spy.close()
    await send(['b'])
    expect(spy.events).toEqual([])
    expect(driver.world.observer).toBeUndefined()
  })

  it('tell what became of a message', async () => {
    const { driver, send, consume, clock, endpoint } = await kit()
    const orders = endpoint({ deadLetterName: 'dead', options: { deliveryLimit: 1 } })
    const spy = driver.spy('orders')
    const consumer = await consume({ endpoint: orders })
    await send(['a'], orders)
    await clock.advance(30_000)
    expect((await spy.saw('expired')).id).toBe('a')
    expect((await spy.settled('a')).id).toBe('a')
    expect(await consumer.settle('ack', 'a')).toEqual(['too-late'])
    expect((await spy.saw('too-late', 'a')).id).toBe('a')
  })
})

describe('idle', () => {
  it('resolves when everything is handled, delayed messages included', async () => {
    const clock = virtualClock()
    const { driver, send, consume } = await kit({ clock })
    const consumer = await consume()
    consumer.intake.onDeliver = (deliveries) => void consumer.receiver.settle(deliveries.map((delivery) => ({ delivery, action: 'ack' })))
    await send(['a', { id: 'b', delayMs: 10_000 }])
    await driver.idle({ includeDelayed: false })
    expect(consumer.intake.deliveries).toHaveLength(1)
    await driver.idle()
    expect(consumer.intake.deliveries).toHaveLength(2)
    expect(clock.monotonic()).toBeGreaterThanOrEqual(10_000)
  })

  it('rejects with the counts when it does not become idle', async () => {
    const { driver, send, consume } = await kit({ clock: virtualClock() })
    await consume()
    await send(['a'])
    await expect(driver.idle({ timeoutMs: 1_000 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: 'Not idle after 1000 ms: orders has 0 ready, 1 in flight, 0 delayed',
    })
  })

  it('does not wait for what nobody receives', async () => {
    const { driver, send } = await kit()
    await send(['a'])
    await driver.idle()
  })
})

describe('builders', () => {
  it('fill in what is left out', () => {
    expect(outgoing({ id: 'a', body: { total: 5 }, key: 'k', headers: { tenant: 'acme' } })).toMatchObject({
      id: 'a',
      body: '{"total":5}',
      bodyBytes: 11,
      contentType: 'application/json',
      key: 'k',
      attempt: 0,
      headers: { tenant: 'acme' },
    })
    expect(outgoing({ body: 'é' })).toMatchObject({ body: 'é', bodyBytes: 2, contentType: undefined })
    expect(outgoing().id).not.toBe(outgoing().id)
    expect(incoming({ id: 'a', body: new Uint8Array([1, 2]), position: '7' })).toMatchObject({ id: 'a', bodyBytes: 2, position: '7', native: undefined })
  })
})
