import { constant, createBroker, queue } from '@busbar/core'
import { memory, memoryStore, seededRandom, virtualClock } from '@busbar/memory'
import { claimCheck, claimFetch, compression, decompression, decryption, encryption, idempotency, localKeys, retry, type BodyStore } from '@busbar/middleware'
import { expect, it } from 'vitest'
import { memoryBodyStore } from './memory-body-store.ts'

interface Job {
  readonly n: number
  readonly text: string
}

const jobs = queue<Job>('jobs', { orderingKey: (job) => `k${job.n % 7}`, messageId: (job) => `job-${job.n}` })
const keys = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 1) } })

/** Fails, gives nothing away about it, and keeps what it has taken. */
function flakyStore(store: BodyStore, fails: () => boolean): BodyStore {
  const call = async <T>(answer: () => T): Promise<Awaited<T>> => {
    await Promise.resolve()
    if (fails()) throw new Error('store down')
    return await answer()
  }
  return {
    put: (key, body, context) => call(() => store.put(key, body, context)),
    get: (key, context) => call(() => store.get(key, context)),
    delete: (key, context) => call(() => store.delete(key, context)),
  }
}

it.each([1, 2, 3, 4, 5, 6])('loses nothing when broker and store fail, seed %d', async (seed) => {
  const clock = virtualClock()
  const driver = memory({ clock, seed, faults: { random: { probability: 0.15, budget: 60, maxMs: 20_000 } } })
  const random = seededRandom(seed)
  const bodies = new Map<string, Uint8Array>()
  let troubled = true
  const store = flakyStore(memoryBodyStore(bodies), () => troubled && random() < 0.2)
  const broker = createBroker({ driver, destinations: [jobs], provision: 'create', clock, random, log: () => {} })
  const handled = new Map<number, number>()
  await broker.consume(
    jobs,
    ({ body }) => {
      if (random() < 0.1) throw new Error('not yet')
      expect(body.text).toBe('text '.repeat(body.n))
      handled.set(body.n, (handled.get(body.n) ?? 0) + 1)
    },
    {
      use: [
        claimFetch({ store }),
        decryption({ keys }),
        decompression(),
        idempotency({ store: memoryStore({ clock }) }),
        retry({ maxAttempts: 10, backoff: constant(50) }),
      ],
    },
  )
  const producer = broker.producer(jobs, { use: [compression({ minBytes: 200 }), encryption({ keys }), claimCheck({ store, minBytes: 60 })] })
  const send = async (n: number): Promise<void> => {
    for (;;) {
      try {
        await producer.send({ n, text: 'text '.repeat(n) })
        return
      } catch {
        // The store or the broker was down: again, as a caller would.
      }
    }
  }
  await Promise.all(Array.from({ length: 80 }, (_, n) => send(n)))
  troubled = false
  await driver.idle({ timeoutMs: 86_400_000 })
  expect(handled.size).toBe(80)
  expect([...handled.values()].every((times) => times === 1)).toBe(true)
  // What is given up is only ever a copy of a message that was handled and whose body is gone.
  for (const { id, info } of await broker.deadLetters(jobs).peek({ max: 1_000 })) {
    expect(info?.errorMessage).toContain('it is not in the store')
    expect(handled.has(Number(id?.slice(4)))).toBe(true)
  }
  await broker.drain()
})
