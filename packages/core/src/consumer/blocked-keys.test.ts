import { describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import { keyed, type Handle } from '../test-support/consumer-kit.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

async function setUp(handler: Handle, overrides: ConstructorParameters<typeof NaiveDriver>[0] = {}) {
  const driver = new NaiveDriver(overrides)
  const clock = new ManualClock()
  const events: object[] = []
  const broker = createBroker({
    driver,
    destinations: [keyed],
    routes: { keyed: { nativeLimit: false } },
    clock,
    random: () => 0.5,
    log: () => undefined,
    telemetry: { blocked: (event) => void events.push(event) },
  })
  const consumer = await broker.consume(keyed, handler, { onExhausted: 'block' })
  await broker.producer(keyed).sendBatch([
    { n: 1, customer: 'a' },
    { n: 2, customer: 'a' },
    { n: 3, customer: 'b' },
  ])
  for (let passed = 0; passed < 10_000; passed += 50) {
    clock.advance(50)
    await turns()
  }
  return { broker, consumer, driver, events, clock, blocked: broker.blockedKeys(keyed) }
}

describe('blocked keys', () => {
  it('are listed, counted and told of once', async () => {
    const failure = new Error('poison')
    const { blocked, consumer, events } = await setUp((message) => {
      if (message.body.n === 1) throw failure
    })
    expect(await blocked.list()).toEqual([
      { key: 'a', messageId: 'm1', attempts: 3, reason: 'attempts exhausted', error: failure, firstFailureAt: expect.any(Number), waiting: 1 },
    ])
    expect(consumer.stats.blocked).toBe(1)
    expect(events).toEqual([{ source: 'keyed', key: 'a', id: 'm1', attempts: 3 }])
  })

  it('are tried again at once when asked, and go on when they succeed', async () => {
    let broken = true
    const handled: number[] = []
    const { blocked, consumer } = await setUp((message) => {
      if (broken && message.body.n === 1) throw new Error('poison')
      handled.push(message.body.n)
    })
    broken = false
    expect(await blocked.retry({ where: ({ key }) => key === 'b' })).toBe(0)
    expect(await blocked.retry()).toBe(1)
    await turns()
    expect(handled).toEqual([3, 1, 2])
    expect([await blocked.list(), consumer.stats.blocked]).toEqual([[], 0])
  })

  it('are skipped to the dead letters without another start, and the key goes on', async () => {
    const starts: number[] = []
    const { blocked, driver } = await setUp((message) => {
      starts.push(message.body.n)
      if (message.body.n === 1) throw new Error('poison')
    })
    expect(await blocked.skip({ where: ({ messageId }) => messageId === 'm1', reason: 'customer has left' })).toBe(1)
    await turns()
    await turns()
    expect(starts).toEqual([1, 3, 1, 1, 2])
    const [dead] = driver.queue('keyed.dead').ready
    expect(JSON.parse(dead?.incoming.headers['busbar-dead'] ?? '{}')).toMatchObject({ r: 'customer has left', m: 'poison', a: 3 })
  })

  it('are held here where the broker could keep the wait too, and not tried again before it is over', async () => {
    let starts = 0
    const { blocked, clock } = await setUp(
      (message) => {
        if (message.body.n !== 1) return
        starts++
        throw new Error('poison')
      },
      { redelivery: { immediate: true, delayed: { maxMs: 86_400_000, keepsOrder: true }, onReconnect: true } },
    )
    expect(await blocked.list()).toMatchObject([{ key: 'a', attempts: 3 }])
    expect(starts).toBe(3)
    clock.advance(30_000)
    await turns()
    expect(starts).toBe(4)
  })

  it('refuse a filter that is misspelt, which would act on all', async () => {
    const { blocked } = await setUp(() => undefined)
    await expect(blocked.skip({ were: () => false } as never)).rejects.toBeInstanceOf(TypeError)
  })
})
