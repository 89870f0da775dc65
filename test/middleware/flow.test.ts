import { constant } from '@busbar/core'
import { memoryStore, seededRandom } from '@busbar/memory'
import { circuitBreaker, concurrencyLimit, idempotency, rateLimit, retry, timeout } from '@busbar/middleware'
import { expect, it } from 'vitest'
import { excess, jobs, range, setup, tasks, wait } from './flow-kit.ts'

it('all of them work for batches', async () => {
  const { broker, clock, send, idle } = setup()
  const handled: number[] = []
  const [places, breaker] = [concurrencyLimit({ max: 20 }), circuitBreaker({ failures: 10, openMs: 1_000 })]
  await broker.consumeBatches(
    jobs,
    async (messages, { signal }) => {
      const late = messages.some(({ body, attempt }) => body.n === 7 && attempt === 1)
      await wait(clock, late ? 5_000 : 50, signal)
      if (clock.monotonic() < 4_000) throw new Error('down')
      for (const { body } of messages) handled.push(body.n)
    },
    {
      batchSize: 10,
      concurrency: 2,
      use: [retry({ maxAttempts: 9, backoff: constant(100) }), places, rateLimit({ perSecond: 40 }), breaker, timeout({ ms: 2_000 })],
    },
  )
  await send(jobs, ...range(100))
  await idle()
  expect(handled.toSorted((a, b) => a - b)).toEqual(range(100).map(({ n }) => n))
  expect([places.running, places.waiting, breaker.state, (await broker.deadLetters(jobs).peek()).length]).toEqual([0, 0, 'closed', 0])
  await broker.drain()
  expect(clock.pending).toBe(0)
})

it.each(['full', 'sqs-fifo', 'rabbitmq', 'kinesis'] as const)('all of them together keep the order of keys and lose nothing, as on %s', async (profile) => {
  const { broker, clock, send, idle } = setup({ profile })
  const store = memoryStore({ clock })
  const random = seededRandom(7)
  const handled = new Map<string, number[]>()
  const startedAt: number[] = []
  const [places, breaker] = [concurrencyLimit({ max: 4 }), circuitBreaker({ failureRate: 0.5, minimum: 8, windowMs: 500, openMs: 2_000 })]
  await broker.consume(
    tasks,
    async ({ body: { n, key = '' } }, { signal }) => {
      startedAt.push(clock.monotonic())
      await wait(clock, random() < 0.05 ? 3_000 : random() * 60, signal)
      if (random() < 0.1 || (clock.monotonic() > 4_000 && clock.monotonic() < 8_000)) throw new Error('down')
      handled.set(key, [...(handled.get(key) ?? []), n])
    },
    {
      use: [idempotency({ store }), retry({ maxAttempts: 10, backoff: constant(100) }), places, rateLimit({ perSecond: 30 }), breaker, timeout({ ms: 1_000 })],
    },
  )
  await send(tasks, ...range(300).map(({ n }) => ({ n, key: `k${n % 9}` })))
  await idle()
  await broker.drain()
  for (const order of handled.values()) expect(order).toEqual(order.toSorted((a, b) => a - b))
  expect([...handled.values()].flat().toSorted((a, b) => a - b)).toEqual(range(300).map(({ n }) => n))
  expect(excess(startedAt, 30, 3)).toBeLessThan(1e-3)
  expect([places.running, places.waiting]).toEqual([0, 0])
})

it('refuses the wrong order when the consumer starts', async () => {
  const { broker, clock } = setup()
  const [idem, again, places] = [idempotency({ store: memoryStore({ clock }) }), retry(), concurrencyLimit({ max: 1 })]
  const [tokens, breaker, limit] = [rateLimit({ perSecond: 1 }), circuitBreaker({ failures: 1 }), timeout({ ms: 5 })]
  const right = [idem, again, places, tokens, breaker, limit]
  for (const [index, outer] of right.entries())
    for (const inner of right.slice(index + 1))
      await expect(broker.consume(jobs, () => {}, { use: [inner, outer] })).rejects.toThrow(`${inner.name} must stand inside ${outer.name}`)
  await (await broker.consume(jobs, () => {}, { use: right })).drain()
  await broker.drain()
})
