import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { kit, type Consumer } from '../test-support/kit.ts'

const keyed = (...ids: string[]) => ids.map((id) => ({ id, key: id.slice(0, 1) }))

describe('ordering keys of the full profile', () => {
  it('keeps the later messages of a retried key back, and lets other keys go on', async () => {
    const { send, consume, clock } = await kit()
    const consumer = await consume()
    await send(keyed('a1', 'a2', 'b1', 'a3'))
    await clock.advance(0)
    await consumer.retry(5_000, 'a1')
    await consumer.settle('release', 'a2', 'a3')
    await send(keyed('a4', 'b2'))
    await consumer.settle('ack', 'b1')
    expect(consumer.intake.take()).toEqual(['a1', 'a2', 'b1', 'a3', 'b2'])
    await clock.advance(5_000)
    expect(consumer.intake.take()).toEqual(['a1', 'a2', 'a3', 'a4'])
  })

  it('delivers nothing of a key while its first message is in flight, to nobody', async () => {
    const { send, consume } = await kit()
    const first = await consume({ window: { messages: 1 } })
    await send(keyed('a1', 'a2', 'b1'))
    await Promise.resolve()
    const second = await consume()
    expect(second.intake.take()).toEqual(['b1'])
    await first.settle('ack', 'a1')
    expect([...first.intake.take(), ...second.intake.take()]).toEqual(['a1', 'a2'])
  })

  it('delivers only the visible prefix when the first message of a key comes back alone', async () => {
    const { send, consume, clock } = await kit()
    const consumer = await consume()
    await send(keyed('a1', 'a2'))
    await clock.advance(10_000)
    await consumer.extend(30_000, 'a2')
    await send(keyed('a3'))
    await clock.advance(20_000)
    expect(consumer.intake.take()).toEqual(['a1', 'a2', 'a1'])
  })

  it('forgets keys that nothing is left of', async () => {
    const { send, consume, driver } = await kit()
    const consumer = await consume({ window: { messages: 1_000 } })
    for (let round = 0; round < 3; round++) {
      await send(Array.from({ length: 300 }, (_, index) => ({ id: `${round}-${index}`, key: `key-${index}` })))
      await Promise.resolve()
      const ids = consumer.intake.take() as string[]
      await consumer.settle('ack', ...ids)
    }
    expect(driver.resources.queues.get('orders')?.backlog.browse(-1, 10)).toEqual([])
  })

  // Whatever consumers do, acked messages of a key were delivered in the order sent, if each consumer releases what is behind a failure.
  it.each(Array.from({ length: 25 }, (_, seed) => [seed]))(
    'keeps every key in order under retries, releases, lost leases and leaving consumers (seed %i)',
    async (seed) => {
      const random = seededRandom(seed)
      const { send, consume, clock, stats } = await kit({ leaseMs: 5_000 })
      const done: string[] = []
      let consumers: Consumer[] = [await consume({ window: { messages: 5 } }), await consume({ window: { messages: 8 } })]
      let sent = 0
      for (let step = 0; step < 400; step++) {
        if (sent < 120 && random() < 0.5) await send(Array.from({ length: 3 }, () => ({ id: String(sent++), key: `k${Math.floor(random() * 4)}` })))
        const consumer = consumers[Math.floor(random() * consumers.length)] as Consumer
        await work(consumer, random, done)
        if (random() < 0.1) await clock.advance(Math.floor(random() * 6_000))
        if (random() < 0.02) {
          await consumer.receiver.pause()
          await consumer.receiver.handBack()
          consumers = [...consumers.filter((other) => other !== consumer), await consume({ window: { messages: 6 } })]
        }
      }
      for (let round = 0; round < 2_000 && ((await stats()).ready !== 0 || (await stats()).inFlight !== 0 || (await stats()).delayed !== 0); round++) {
        for (const consumer of consumers) await work(consumer, () => 0.9, done)
        await clock.advance(1_000)
      }
      expect(await stats()).toMatchObject({ ready: 0, inFlight: 0, delayed: 0 })
      expect(new Set(done).size).toBe(sent)
      for (const [, ids] of Map.groupBy(done, (line) => line.split(':')[0])) {
        const numbers = ids.map((line) => Number(line.split(':')[1]))
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      }
    },
  )
})

/** Handles what the consumer holds as core would: in order per key, and what is behind a failure is released. */
async function work(consumer: Consumer, random: () => number, done: string[]): Promise<void> {
  const failed = new Set<string | undefined>()
  for (const delivery of consumer.intake.deliveries.splice(0)) {
    const { key } = delivery.incoming
    if (failed.has(key)) {
      await consumer.receiver.settle([{ delivery, action: 'release' }])
      continue
    }
    if (random() < 0.25) {
      failed.add(key)
      const [result] = await consumer.receiver.settle([{ delivery, action: 'retry', delayMs: Math.floor(random() * 4_000), attempt: 1 }])
      expect(['durable', 'too-late']).toContain(result)
    } else {
      const [result] = await consumer.receiver.settle([{ delivery, action: 'ack' }])
      if (result === 'durable') done.push(`${key}:${delivery.incoming.id}`)
      else failed.add(key)
    }
  }
}
