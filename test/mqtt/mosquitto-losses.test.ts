import { createBroker, text, topic, type Broker } from '@busbar/core'
import { mqtt } from '@busbar/mqtt'
import { expect, it, describe } from 'vitest'
import { skipOrFail, startMosquitto } from '../brokers/index.ts'
import type { MosquittoBed, MosquittoBedOptions } from '../brokers/index.ts'

// What mosquitto loses though it has confirmed it: the page of @busbar/mqtt says so, and this shows it.

const news = topic('news', { codec: text })
const readers = news.subscription('readers')

function brokerAt({ url }: MosquittoBed): Broker {
  return createBroker({
    driver: mqtt({ url, timeoutMs: 2_000, reconnectMaxMs: 200 }),
    destinations: [news, readers],
    provision: 'create',
    log: () => undefined,
  })
}

async function onMosquitto(options: MosquittoBedOptions, run: (bed: MosquittoBed) => Promise<void>): Promise<void> {
  await using bed = skipOrFail(await startMosquitto({ own: true, ...options }))
  if (bed !== undefined) await run(bed)
}

/** Sends `count` messages and answers those that were confirmed. */
async function confirmed(broker: Broker, count: number, body: (index: number) => string): Promise<string[]> {
  const producer = broker.producer(news)
  const bodies = Array.from({ length: count }, (_, index) => body(index))
  const results = await producer.sendBatch(bodies, { timeoutMs: 1_500 })
  return bodies.filter((_, index) => results[index]?.ok)
}

/** Receives until nothing has come for half a second. */
async function receiveAll(broker: Broker): Promise<string[]> {
  const bodies: string[] = []
  let last = performance.now()
  await broker.consume(readers, ({ body }) => {
    bodies.push(body)
    last = performance.now()
  })
  while (performance.now() - last < 500) await new Promise((resolve) => setTimeout(resolve, 50))
  return bodies
}

describe('mosquitto, by what it is told in mosquitto.conf', () => {
  it('loses by a kill what it has confirmed since its last snapshot', () =>
    onMosquitto({}, async (bed) => {
      await using broker = brokerAt(bed)
      expect(await confirmed(broker, 10, (index) => `saved ${index}`)).toHaveLength(10)
      await bed.save()
      expect(await confirmed(broker, 10, (index) => `not saved ${index}`)).toHaveLength(10)
      await bed.kill()
      await bed.start()
      expect(await receiveAll(broker)).toEqual(Array.from({ length: 10 }, (_, index) => `saved ${index}`))
    }))

  it('loses without a word what is over the limit of a queue, which is 1,000 by default', () =>
    onMosquitto({ config: { max_queued_messages: 1_000 } }, async (bed) => {
      await using broker = brokerAt(bed)
      expect(await confirmed(broker, 1_500, String)).toHaveLength(1_500)
      expect(await receiveAll(broker)).toEqual(Array.from({ length: 1_000 }, (_, index) => String(index)))
    }))

  it('confirms nothing that it does not keep, where memory is the limit and not the queue', () =>
    onMosquitto({ config: { max_queued_messages: 0, memory_limit: 4_000_000 } }, async (bed) => {
      await using broker = brokerAt(bed)
      const kept = await confirmed(broker, 1_000, (index) => String(index).padEnd(10_000))
      expect(kept.length).toBeGreaterThan(100)
      expect(kept.length).toBeLessThan(1_000)
      const received = new Set(await receiveAll(broker))
      expect(kept.filter((body) => !received.has(body))).toEqual([])
    }))
})
