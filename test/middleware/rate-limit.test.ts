import { concurrencyLimit, rateLimit, retry } from '@busbar/middleware'
import { describe, expect, it } from 'vitest'
import { jobs, tasks, setup, wait, range, excess } from './flow-kit.ts'

describe('rateLimit in a broker', () => {
  it('starts what it may and no more, in order of arrival, using no attempt and no slot', async () => {
    const { broker, clock, send, idle } = setup()
    const startedAt: number[] = []
    const order: number[] = []
    await broker.consume(
      jobs,
      ({ body: { n }, attempt }) => {
        startedAt.push(clock.monotonic())
        order.push(n)
        expect(attempt).toBe(1)
      },
      { concurrency: 2, maxInFlight: 50, use: [retry({ maxAttempts: 1 }), rateLimit({ perSecond: 5, burst: 3 })] },
    )
    await send(jobs, ...range(200))
    await idle()
    expect(order).toEqual(range(200).map(({ n }) => n))
    expect(excess(startedAt, 5, 3)).toBeLessThan(1e-3)
    expect(startedAt.at(-1)).toBeLessThan(45_000)
    await broker.drain()
    expect(clock.pending).toBe(0)
  })

  it('is shared, and does not let waits for a place make a burst of starts', async () => {
    const { broker, clock, send, idle } = setup()
    const [limiter, places] = [rateLimit({ perSecond: 20, burst: 2 }), concurrencyLimit({ max: 4 })]
    const startedAt: number[] = []
    for (const source of [jobs, tasks])
      await broker.consume(
        source,
        async () => {
          startedAt.push(clock.monotonic())
          // Now and then everything is stuck for a while.
          await wait(clock, startedAt.length % 40 < 4 ? 3_000 : 30)
        },
        { use: [places, limiter] },
      )
    await Promise.all([send(jobs, ...range(100)), send(tasks, ...range(100).map(({ n }) => ({ n, key: `k${n % 7}` })))])
    await idle()
    expect(startedAt).toHaveLength(200)
    expect(excess(startedAt, 20, 2)).toBeLessThan(1e-3)
    await broker.drain()
  })

  it('limits each key by itself, and keeps the order of each', async () => {
    const { broker, clock, send, idle } = setup()
    const starts = new Map<string, [number, number][]>()
    await broker.consume(
      tasks,
      ({ body: { n, key = '' } }) => {
        starts.set(key, [...(starts.get(key) ?? []), [n, clock.monotonic()]])
      },
      { maxInFlight: 200, use: [rateLimit({ perSecond: 1, burst: 2, key: ({ orderingKey = '' }) => orderingKey })] },
    )
    await send(tasks, ...range(120).map(({ n }) => ({ n, key: n % 4 === 0 ? 'quiet' : `busy${n % 3}` })))
    await idle()
    for (const all of starts.values()) {
      expect(all.map(([n]) => n)).toEqual(all.map(([n]) => n).toSorted((a, b) => a - b))
      expect(
        excess(
          all.map(([, ms]) => ms),
          1,
          2,
        ),
      ).toBeLessThan(1e-3)
    }
    expect([...starts.values()].flat()).toHaveLength(120)
    expect(starts.get('quiet')?.at(-1)?.[1]).toBeLessThan(35_000)
    await broker.drain()
  })

  it('finds the tokens of messages that a retry policy of short holds gives to the broker meanwhile', async () => {
    const { broker, clock, send, idle } = setup()
    const starts: [number, number, number][] = []
    await broker.consume(jobs, ({ body: { n }, attempt }) => void starts.push([n, attempt, clock.monotonic()]), {
      use: [retry({ maxAttempts: 2, holdMs: 0 }), rateLimit({ perSecond: 10, burst: 2 })],
    })
    await send(jobs, ...range(60))
    await idle()
    const startedAt = starts.map(([, , ms]) => ms)
    expect(starts.map(([n, attempt]) => [n, attempt]).toSorted(([a = 0], [b = 0]) => a - b)).toEqual(range(60).map(({ n }) => [n, 1]))
    expect(excess(startedAt, 10, 2)).toBeLessThan(1e-3)
    expect(startedAt.at(-1)).toBeLessThan(7_000)
    await broker.drain()
  })

  it('gives back what waits when it is drained, and nothing is lost', async () => {
    const { broker, send, idle } = setup()
    const limiter = rateLimit({ perSecond: 1, burst: 1 })
    const handled: [number, number][] = []
    const first = await broker.consume(jobs, ({ body: { n }, attempt }) => void handled.push([n, attempt]), { use: [limiter] })
    await send(jobs, ...range(10))
    await first.drain()
    await broker.consume(jobs, ({ body: { n }, attempt }) => void handled.push([n, attempt]), { use: [limiter] })
    await idle()
    expect(handled.toSorted(([a], [b]) => a - b)).toEqual(range(10).map(({ n }) => [n, 1]))
    await broker.drain()
  })
})
