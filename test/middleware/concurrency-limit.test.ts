import { concurrencyLimit } from '@busbar/middleware'
import { describe, expect, it } from 'vitest'
import { jobs, tasks, setup, wait, range } from './flow-kit.ts'

describe('concurrencyLimit in a broker', () => {
  it('holds over all consumers that share it', async () => {
    const { broker, clock, send, idle } = setup()
    const limit = concurrencyLimit({ max: 3 })
    let [most, handled] = [0, 0]
    const handler = async (): Promise<void> => {
      most = Math.max(most, limit.running)
      await wait(clock, 100)
      handled++
    }
    await broker.consume(jobs, handler, { use: [limit] })
    await broker.consume(tasks, handler, { use: [limit] })
    await Promise.all([send(jobs, ...range(50)), send(tasks, ...range(50).map(({ n }) => ({ n, key: `${n}` })))])
    await idle()
    expect([most, handled, limit.running, limit.waiting]).toEqual([3, 100, 0, 0])
    expect(clock.monotonic()).toBeLessThan(4_000)
    await broker.drain()
  })

  it('lets what waits go back at the deadline of a drain, without an attempt', async () => {
    const { broker, clock, send, idle } = setup()
    const limit = concurrencyLimit({ max: 1 })
    let starts = 0
    const consumer = await broker.consume(
      jobs,
      (_message, { signal }) => {
        starts++
        return wait(clock, 600_000, signal)
      },
      { use: [limit] },
    )
    await send(jobs, ...range(5))
    await consumer.drain({ timeoutMs: 1_000 })
    expect([starts, limit.running, limit.waiting]).toEqual([1, 0, 0])
    const attempts: [number, number][] = []
    await broker.consume(jobs, ({ body: { n }, attempt }) => void attempts.push([n, attempt]), { use: [limit] })
    await idle()
    expect(attempts.toSorted(([a], [b]) => a - b)).toEqual(range(5).map(({ n }) => [n, 1]))
    await broker.drain()
  })
})
