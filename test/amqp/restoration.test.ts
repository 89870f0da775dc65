import { setTimeout as sleep } from 'node:timers/promises'
import * as raw from 'amqplib'
import type { Endpoint } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { startProxy } from '../brokers/index.ts'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { FakeIntake, until } from './support/intake.ts'
import { endpointOf, errorOf, messageOf, never, sendSurely, TestLink } from './support/link.ts'

const orders = endpointOf('orders')
const fast = { heartbeatMs: 1_000, reconnectMaxMs: 500, timeoutMs: 2_000 }

/** As an operator would, with the broker's own tools. */
async function operate(url: string, work: (channel: raw.Channel) => Promise<unknown>): Promise<void> {
  const connection = await raw.connect(url)
  await work(await connection.createChannel())
  await connection.close()
}

async function has(url: string, queue: string): Promise<boolean> {
  const connection = await raw.connect(url)
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  const found = await channel.checkQueue(queue).then(
    () => true,
    () => false,
  )
  await connection.close()
  return found
}

await onEachRabbitmq({}, (bed) => {
  it('makes a queue again that is deleted under its consumer, and says that it has recovered', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, fast)
    await link.provision(orders)
    const { intake } = await link.receive(orders)
    await operate(url, (channel) => channel.deleteQueue('orders'))
    await until('the recovery', () => intake.recoveries === 1)
    expect(intake.failures.every(({ error, fatal }) => error.code === 'ERR_NOT_FOUND' && !fatal)).toBe(true)
    await link.send(orders, [messageOf('again')])
    await until('the message', () => intake.bodies.includes('again'))
    await link.send(orders, [messageOf('later', { delayMs: 100 })])
    await until('the delayed message', () => intake.bodies.includes('later'))
  })

  it('makes again what a send finds gone, and says that the send can be repeated', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, fast)
    const news = endpointOf('news', { kind: 'topic' })
    const some = endpointOf('news', { kind: 'topic', subscription: { name: 'some' } })
    await link.provision(orders, news, some)
    await operate(url, (channel) => channel.deleteQueue('orders'))
    expect(await link.sender(orders).send([messageOf('one')], never)).toMatchObject([
      { ok: false, stored: 'no', error: { code: 'ERR_UNROUTABLE', retryable: true } },
    ])
    await link.send(orders, [messageOf('two')])
    await operate(url, (channel) => channel.deleteExchange('news'))
    await sendSurely(link.sender(news), [messageOf('three')])
    const { intake } = await link.receive(some)
    await until('the message, so the bindings too', () => intake.bodies.includes('three'))
  })

  it('does not look for what is missing with every message that nobody wants', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, fast)
    const news = endpointOf('news', { kind: 'topic', options: { mandatory: true } })
    await link.provision(news)
    const sender = link.sender(news)
    const began = performance.now()
    for (let count = 0; count < 50; count++) {
      expect(await sender.send([messageOf('unwanted')], never)).toMatchObject([{ ok: false, error: { code: 'ERR_UNROUTABLE', retryable: false } }])
    }
    expect(performance.now() - began).toBeLessThan(3_000)
  })

  it('makes everything again before it goes on after a reconnect', async () => {
    const url = await freshVhost(bed)
    await using proxy = await startProxy(Number(new URL(url).port))
    await using link = await TestLink.open(proxy.through(url), fast)
    const news = endpointOf('news', { kind: 'topic' })
    const some = endpointOf('news', { kind: 'topic', subscription: { name: 'some' } })
    const keyed = endpointOf('keyed', { keyed: true, options: { partitions: 3 } })
    await link.provision(news, some, keyed)
    const fromKeyed = await link.receive(keyed)
    const sender = link.sender(news)
    await until('the connection', () => sender.writable)
    proxy.refuse(true)
    proxy.reset()
    await until('the loss', () => !sender.writable)
    await operate(url, async (channel) => {
      for (const queue of ['news.some', 'keyed.p1', 'keyed.members']) await channel.deleteQueue(queue)
    })
    proxy.refuse(false)
    // Those for sending and for receiving come back each in its time.
    await until('all connections', () => sender.writable && link.link.health().state === 'connected')
    // Nothing tells a topic that a subscription is gone: the message would be dropped.
    await sendSurely(sender, [messageOf('not dropped')])
    const { intake } = await link.receive(some)
    await until('the message', () => intake.bodies.includes('not dropped'))
    await link.send(
      keyed,
      Array.from({ length: 30 }, (_, index) => messageOf(String(index), { key: `k${index}` })),
    )
    await until('all partitions', () => new Set(fromKeyed.intake.bodies).size === 30)
  })

  it('makes nothing that it has not made before', async () => {
    const url = await freshVhost(bed)
    {
      await using owner = await TestLink.open(url, fast)
      await owner.provision(orders)
    }
    await using proxy = await startProxy(Number(new URL(url).port))
    await using link = await TestLink.open(proxy.through(url), fast)
    await link.link.topology?.plan([orders], never)
    await link.link.inspect(orders, never)
    const { intake } = await link.receive(orders)
    const sender = link.sender(orders)
    await operate(url, (channel) => channel.deleteQueue('orders'))
    expect(await sender.send([messageOf('x')], never)).toMatchObject([{ ok: false, error: { code: 'ERR_UNROUTABLE', retryable: false } }])
    proxy.cut()
    await until('failures', () => intake.failures.length > 2)
    expect(await has(url, 'orders')).toBe(false)
    expect(intake.recoveries).toBe(0)
  })

  it('leaves a filter and a number of partitions alone that another program has changed', async () => {
    const url = await freshVhost(bed)
    await using proxy = await startProxy(Number(new URL(url).port))
    const news = endpointOf('news', { kind: 'topic' })
    const tier = (...tiers: string[]): Endpoint => endpointOf('news', { kind: 'topic', subscription: { name: 'some', headerFilter: { tier: tiers } } })
    const keyed = endpointOf('keyed', { keyed: true, options: { partitions: 3 } })
    await using old = await TestLink.open(proxy.through(url), { ...fast, delays: false })
    await old.provision(news, tier('gold'), keyed)
    await using link = await TestLink.open(url, { ...fast, delays: false })
    await link.provision(news, tier('silver'))
    await operate(url, async (channel) => {
      await channel.deleteExchange('keyed.partitions')
      await channel.assertExchange('keyed.partitions', 'fanout', { internal: true, alternateExchange: 'keyed.partitions=2' })
      await channel.deleteQueue('keyed.p2')
    })
    proxy.cut()
    await sleep(100)
    await until('the reconnect', () => old.link.health().state === 'connected')
    await link.send(
      news,
      ['gold', 'silver'].map((name) => messageOf(name, { headers: { tier: name } })),
    )
    const { intake } = await link.receive(tier('silver'))
    await until('a message', () => intake.deliveries.length > 0)
    await sleep(200)
    expect(intake.bodies).toEqual(['silver'])
    expect(await has(url, 'keyed.p2')).toBe(false)
  })

  it('holds no partition if one of them cannot be had, and no place among the members', async () => {
    const url = await freshVhost(bed)
    const keyed = endpointOf('keyed', { keyed: true, options: { partitions: 4 } })
    await using owner = await TestLink.open(url, { ...fast, delays: false })
    await owner.provision(keyed)
    await owner.send(
      keyed,
      Array.from({ length: 20 }, (_, index) => messageOf(String(index), { key: `k${index}` })),
    )
    await using link = await TestLink.open(url, { ...fast, delays: false })
    await operate(url, (channel) => channel.deleteQueue('keyed.p3'))
    const intake = new FakeIntake()
    expect(await errorOf(link.receive(keyed, intake))).toMatchObject({ code: 'ERR_NOT_FOUND' })
    expect([intake.deliveries, intake.failures]).toEqual([[], []])
    await operate(url, async (channel) => {
      for (const queue of ['keyed.p0', 'keyed.p1', 'keyed.p2', 'keyed.members'])
        expect(await channel.checkQueue(queue), queue).toMatchObject({ consumerCount: 0 })
    })
  })

  it.each([40, 80, 120, 160])('holds nothing either if the connection is cut %i ms after it began to start', async (afterMs) => {
    const url = await freshVhost(bed)
    const keyed = endpointOf('keyed', { keyed: true, options: { partitions: 8 } })
    await using owner = await TestLink.open(url, { ...fast, delays: false })
    await owner.provision(keyed)
    await using proxy = await startProxy(Number(new URL(url).port))
    const link = await TestLink.open(proxy.through(url), { ...fast, delays: false })
    proxy.delayMs = 20
    const starting = link.receive(keyed).catch(() => undefined)
    await sleep(afterMs)
    proxy.cut()
    const started = await starting
    proxy.delayMs = 0
    if (started === undefined) {
      await until('the reconnect', () => link.link.health().state === 'connected')
      await sleep(500)
      await operate(url, async (channel) => {
        for (let partition = 0; partition < 8; partition++) expect(await channel.checkQueue(`keyed.p${partition}`)).toMatchObject({ consumerCount: 0 })
        expect(await channel.checkQueue('keyed.members')).toMatchObject({ consumerCount: 0 })
      })
    }
    await link[Symbol.asyncDispose]()
  })
})
