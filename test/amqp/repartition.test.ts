import { setTimeout as sleep } from 'node:timers/promises'
import { partitionOf, repartition } from '@busbar/amqp'
import type { Endpoint } from '@busbar/core/driver'
import * as raw from 'amqplib'
import { expect, it } from 'vitest'
import { startProxy, type RabbitmqBed } from '../brokers/index.ts'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { FakeIntake, until } from './support/intake.ts'
import { endpointOf, errorOf, messageOf, never, TestLink } from './support/link.ts'

const keyed = (partitions: number): Endpoint => endpointOf('keyed', { keyed: true, options: { partitions } })

/** Messages ready in each partition queue; `undefined` where there is none. */
async function ready(url: string, partitions: number): Promise<(number | undefined)[]> {
  const connection = await raw.connect(url)
  connection.on('error', () => undefined)
  const counts: (number | undefined)[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const channel = await connection.createChannel()
    channel.on('error', () => undefined)
    counts.push(
      await channel.checkQueue(`keyed.p${partition}`).then(
        ({ messageCount }) => messageCount,
        () => undefined,
      ),
    )
  }
  await connection.close()
  return counts
}

/** A consumer holds 40 messages and ends so long after the repartitioning has begun. */
async function giveBackMeanwhile(bed: RabbitmqBed, afterMs: number): Promise<{ readonly error: Error; readonly left: number }> {
  const url = await freshVhost(bed)
  await using proxy = await startProxy(Number(new URL(url).port))
  await using link = await TestLink.open(url, { delays: false })
  await link.provision(keyed(4))
  await link.send(
    keyed(4),
    Array.from({ length: 40 }, (_, index) => messageOf(String(index), { key: `k${index}` })),
  )
  const consumer = await TestLink.open(url, { delays: false })
  const { intake } = await consumer.receive(keyed(4), new FakeIntake(() => 'hold'), { messages: 100, bytes: 1e6 })
  await until('all messages', () => intake.deliveries.length === 40)
  // Slow, so that its questions are far apart.
  proxy.delayMs = 40
  const repartitioning = errorOf(repartition({ url: proxy.through(url) }, 'keyed', { partitions: 2, waitMs: 2_500 }))
  await sleep(afterMs)
  await consumer[Symbol.asyncDispose]()
  const error = await repartitioning
  const counts = await ready(url, 4)
  return { error, left: counts.reduce<number>((sum, count) => sum + (count ?? 0), 0) }
}

await onEachRabbitmq({}, (bed) => {
  it('changes the number of partitions once the source is drained', async () => {
    const url = await freshVhost(bed)
    {
      await using link = await TestLink.open(url, { delays: false })
      await link.provision(keyed(4))
      await link.send(keyed(4), [messageOf('a', { key: 'k' })])
      expect(await errorOf(repartition({ url }, 'keyed', { partitions: 2 }))).toMatchObject({
        code: 'ERR_CONFLICT',
        message: expect.stringContaining('1 messages in keyed.p'),
      })
      const { intake } = await link.receive(keyed(4), new FakeIntake())
      await until('the message', () => intake.settled.length === 1)
      expect(await errorOf(repartition({ url }, 'keyed', { partitions: 2 }))).toMatchObject({
        code: 'ERR_CONFLICT',
        message: expect.stringContaining('1 processes consume it'),
      })
    }
    await repartition({ url }, 'keyed', { partitions: 2, waitMs: 2_000 })
    await using link = await TestLink.open(url, { delays: false })
    expect(await link.link.topology?.plan([keyed(2)], never)).toEqual([])
    expect(await link.link.inspect(keyed(2), never)).toMatchObject({ ordering: 'key' })
    await repartition({ url }, 'keyed', { partitions: 3 })
    expect((await link.link.topology?.plan([keyed(3)], never))?.map(({ kind, resource }) => [kind, resource])).toEqual([['create', 'queue keyed.p2']])
    expect(await errorOf(repartition({ url }, 'nothing', { partitions: 2 }))).toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  it('loses nothing that a consumer gives back while it looks, whenever that is', async () => {
    // One round of questions takes some 700 ms: one of these falls between any two of them.
    const outcomes = await Promise.all(Array.from({ length: 9 }, (_, index) => giveBackMeanwhile(bed, 900 + index * 80)))
    for (const { error, left } of outcomes) {
      expect(error).toMatchObject({ code: 'ERR_CONFLICT', message: expect.stringMatching(/not drained: \d+ messages/) })
      expect(left).toBe(40)
    }
  })

  it('refuses while somebody consumes a partition who is no member', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, { delays: false })
    await link.provision(keyed(2))
    const connection = await raw.connect(url)
    const channel = await connection.createChannel()
    await channel.consume('keyed.p1', () => undefined)
    expect(await errorOf(repartition({ url }, 'keyed', { partitions: 1 }))).toMatchObject({
      code: 'ERR_CONFLICT',
      message: expect.stringContaining('keyed.p1 is consumed by 1'),
    })
    expect(await ready(url, 2)).toEqual([0, 0])
    await connection.close()
  })

  it('says so when a producer goes on, and moves what came to a queue before it was deleted', async () => {
    const url = await freshVhost(bed)
    await using proxy = await startProxy(Number(new URL(url).port))
    await using link = await TestLink.open(url, { delays: false })
    await link.provision(keyed(8))
    // Another link, since the one that has made the queues would make them again.
    await using producer = await TestLink.open(url, { delays: false })
    const sender = producer.sender(keyed(8))
    const key = Array.from({ length: 100 }, (_, index) => `k${index}`).find((name) => partitionOf(name, 8) === 2)
    proxy.delayMs = 40
    const repartitioning = errorOf(repartition({ url: proxy.through(url) }, 'keyed', { partitions: 2 }))
    // Deleted from the end: there is time to send to one that is still there.
    await until('the first deletion', async () => (await ready(url, 8)).at(-1) === undefined)
    const results = await sender.send(
      Array.from({ length: 5 }, (_, index) => messageOf(String(index), { key })),
      never,
    )
    expect(results.every(({ ok }) => ok)).toBe(true)
    expect(await repartitioning).toMatchObject({ code: 'ERR_CONFLICT', message: expect.stringMatching(/sent 5 messages meanwhile, of which 5 were moved/) })
    const counts = await ready(url, 3)
    expect(counts[2]).toBeUndefined()
    expect(counts[partitionOf(key ?? '', 2)]).toBe(5)
  })
})
