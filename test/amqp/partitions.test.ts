import { setTimeout as sleep } from 'node:timers/promises'
import { amqp, partitionOf } from '@busbar/amqp'
import { createBroker, queue, text, topic, type Broker } from '@busbar/core'
import { expect, it } from 'vitest'
import { startProxy } from '../brokers/index.ts'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { FakeIntake, until } from './support/intake.ts'
import { endpointOf, errorOf, messageOf, never, TestLink } from './support/link.ts'
import { OrderWatch } from './support/order.ts'

const orders = queue<string>('orders', { codec: text, orderingKey: (body) => body.split(':')[0] ?? '' })
const events = topic<string>('events', { codec: text, orderingKey: (body) => body.split(':')[0] ?? '' })
const audit = events.subscription('audit')

function brokerAt(url: string): Broker {
  return createBroker({
    driver: amqp({ url, rebalanceMs: 200, delays: false }),
    destinations: [orders, events, audit],
    provision: 'create',
    log: () => undefined,
  })
}

function keys(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `k${index}`)
}

/** As many of each of the eight partitions, so that all have the same load: those that are handed over first are the least busy. */
function evenKeys(each: number): string[] {
  const byPartition = Object.values(Object.groupBy(keys(50 * each), (key) => partitionOf(key, 8)))
  return byPartition.flatMap((list = []) => list.slice(0, each))
}

/** Sends `count` messages over all the keys, in turn. */
async function produce(broker: Broker, destination: typeof orders | typeof events, ofKeys: readonly string[], count: number, pauseMs: number): Promise<void> {
  const producer = broker.producer(destination)
  const sends: Promise<unknown>[] = []
  for (let number = 0; number < count / ofKeys.length; number++) {
    for (const key of ofKeys) sends.push(producer.send(`${key}:${number}`))
    if (pauseMs > 0) await sleep(pauseMs)
  }
  await Promise.all(sends)
}

await onEachRabbitmq({}, (bed) => {
  it('shares partitions among processes that come and go, in order and without repeats', async () => {
    const url = await freshVhost(bed)
    const [a, b, c] = [brokerAt(url), brokerAt(url), brokerAt(url)] as const
    const watch = new OrderWatch()
    const work = (): number => Math.random() * 10
    await a.consume(orders, watch.handler('a', work), { concurrency: 8, maxInFlight: 32 })
    const producing = produce(a, orders, evenKeys(5), 6_000, 25)
    await sleep(500)
    await b.consume(orders, watch.handler('b', work), { concurrency: 8, maxInFlight: 32 })
    await sleep(1_500)
    const fromC = await c.consume(orders, watch.handler('c', work), { concurrency: 8, maxInFlight: 32 })
    await sleep(1_500)
    await fromC.drain()
    await producing
    await until('everything', () => watch.seen.size === 6_000, 30_000)
    expect(watch.violations).toEqual([])
    for (const process of ['a', 'b', 'c']) expect(watch.handledBy.get(process) ?? 0, process).toBeGreaterThan(200)
    expect(watch.repeats).toBe(0)
    await Promise.all([a.drain(), b.drain(), c.drain()])
  })

  it('serves a consumer with one handler, with all defaults, from all partitions', async () => {
    const broker = brokerAt(await freshVhost(bed))
    const watch = new OrderWatch()
    await broker.consume(
      orders,
      watch.handler('a', () => 0),
      { concurrency: 1 },
    )
    await produce(broker, orders, keys(40), 200, 0)
    await until('everything', () => watch.seen.size === 200, 10_000)
    expect(watch.violations).toEqual([])
    await broker.drain()
  })

  it('keeps order when processes lose their connection', async () => {
    const url = await freshVhost(bed)
    const proxy = await startProxy(Number(new URL(url).port))
    const [a, b] = [brokerAt(url), brokerAt(proxy.through(url))] as const
    const watch = new OrderWatch()
    const work = (): number => Math.random() * 4
    await a.consume(orders, watch.handler('a', work), { concurrency: 8, maxInFlight: 32 })
    await b.consume(orders, watch.handler('b', work), { concurrency: 8, maxInFlight: 32 })
    const producing = produce(a, orders, keys(20), 3_000, 20)
    for (let cut = 0; cut < 4; cut++) {
      await sleep(600)
      if (cut % 2 === 0) proxy.cut()
      else proxy.reset()
    }
    await producing
    await until('everything', () => watch.seen.size === 3_000, 30_000)
    // A handler that runs on after its connection was lost overlaps with the next one: that is what its signal is for.
    expect(watch.violations.filter((violation) => violation.includes('is due'))).toEqual([])
    expect(watch.handledBy.get('b') ?? 0).toBeGreaterThan(50)
    await Promise.all([a.drain(), b.drain()])
    await proxy.close()
  })

  it('keeps the order of a topic with keys in each subscription', async () => {
    const broker = brokerAt(await freshVhost(bed))
    const watch = new OrderWatch()
    await broker.consume(
      audit,
      watch.handler('a', () => 0),
    )
    await produce(broker, events, keys(10), 1_000, 0)
    await until('everything', () => watch.seen.size === 1_000)
    expect(watch.violations).toEqual([])
    await broker.drain()
  })

  it('spreads the window over partitions and refuses one that is too small', async () => {
    await using link = await TestLink.open(await freshVhost(bed), { delays: false, rebalanceMs: 60_000 })
    const keyed = endpointOf('keyed', { keyed: true, options: { partitions: 4 } })
    await link.provision(keyed)
    expect(await errorOf(link.receive(keyed, new FakeIntake(), { messages: 3, bytes: 1e6 }))).toMatchObject({ code: 'ERR_CONFIGURATION' })
    await link.send(
      keyed,
      Array.from({ length: 200 }, (_, index) => messageOf(String(index), { key: `k${index}` })),
    )
    const { intake } = await link.receive(keyed, new FakeIntake(() => 'hold'), { messages: 20, bytes: 1e6 })
    await until('the window', () => intake.deliveries.length === 20)
    await sleep(100)
    const perPartition = Map.groupBy(intake.deliveries, (delivery) => delivery.scope.partition)
    expect([...perPartition.values()].map((list) => list.length)).toEqual([5, 5, 5, 5])
  })

  it('gives everything back in order when a released message asks for it', async () => {
    await using link = await TestLink.open(await freshVhost(bed), { delays: false })
    const keyed = endpointOf('keyed', { keyed: true, options: { partitions: 1 } })
    await link.provision(keyed)
    await link.send(
      keyed,
      Array.from({ length: 6 }, (_, index) => messageOf(String(index), { key: 'k' })),
    )
    const { intake, receiver } = await link.receive(keyed, new FakeIntake(() => 'hold'), { messages: 4, bytes: 1e6 })
    await until('the window', () => intake.deliveries.length === 4)
    expect(await intake.settle(intake.deliveries[0]!)).toBe('accepted')
    await until('the window again', () => intake.deliveries.length === 5)
    expect(await receiver.settle([{ delivery: intake.deliveries[1]!, action: 'release' }])).toEqual(['accepted'])
    await until('all once more', () => intake.deliveries.length === 9)
    expect(intake.bodies).toEqual(['0', '1', '2', '3', '4', '1', '2', '3', '4'])
    expect(intake.lostScopes.length).toBe(1)
    expect(await intake.settle(intake.deliveries[2]!)).toBe('too-late')
  })

  it('refuses another number of partitions', async () => {
    await using link = await TestLink.open(await freshVhost(bed), { delays: false })
    await link.provision(endpointOf('keyed', { keyed: true, options: { partitions: 4 } }))
    for (const partitions of [3, 5]) {
      const other = endpointOf('keyed', { keyed: true, options: { partitions } })
      const plan = (await link.link.topology?.plan([other], never)) ?? []
      expect(plan).toContainEqual(
        expect.objectContaining({ kind: 'conflict', resource: 'exchange keyed.partitions', text: expect.stringContaining('recorded as 4') }),
      )
      expect(await errorOf(link.link.inspect(other, never))).toMatchObject({ code: partitions === 3 ? 'ERR_CONFLICT' : 'ERR_NOT_FOUND' })
    }
  })
})
