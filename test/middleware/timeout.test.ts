import { constant, createBroker, type ProcessMiddleware } from '@busbar/core'
import { memory, virtualClock } from '@busbar/memory'
import { retry, timeout, type Overrun } from '@busbar/middleware'
import { describe, expect, it } from 'vitest'
import { jobs, tasks, setup, wait, type Job } from './flow-kit.ts'

describe('timeout in a broker', () => {
  it('fails attempts that take too long, which count, and lets the others be', async () => {
    const { broker, clock, send, idle } = setup()
    const starts: [number, number][] = []
    const handler = async ({ body: { n }, attempt }: { body: Job; attempt: number }, { signal }: { signal: AbortSignal }): Promise<void> => {
      starts.push([n, attempt])
      await wait(clock, n === 2 ? 10_000 : 900, signal)
    }
    await broker.consume(jobs, handler, { use: [retry({ maxAttempts: 2, backoff: constant(100) }), timeout({ ms: 1_000 })] })
    await send(jobs, { n: 1 }, { n: 2 }, { n: 3 })
    await idle()
    expect(starts).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [2, 2],
    ])
    expect((await broker.deadLetters(jobs).peek()).map(({ id, info }) => [id, info?.reason, info?.errorMessage])).toEqual([
      ['jobs-2', 'attempts exhausted', 'The attempt has taken longer than 1000 ms.'],
    ])
    await broker.drain()
    expect(clock.pending).toBe(0)
  })

  it('counts into the budget how long an attempt may take until it is abandoned, and is refused where that is too long', async () => {
    const clock = virtualClock()
    const broker = createBroker({ driver: memory({ profile: 'rabbitmq', clock }), destinations: [jobs], provision: 'create', clock, log: () => {} })
    const use = (abandonAfterMs: number): ProcessMiddleware[] => [
      retry({ maxAttempts: 2, backoff: constant(0) }),
      timeout({ ms: 1_000, abandonAfterMs, allowOverlap: true }),
    ]
    const consumer = await broker.consume(jobs, () => {}, { use: use(4_000) })
    expect(consumer.retryBudget).toMatchObject({ attemptMs: 5_000, heldMs: 10_000, elapsedMs: 10_000 })
    await expect(broker.consume(jobs, () => {}, { use: use(7_200_000) })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
    await broker.close()
  })

  it('never lets starts of a message or of a key overlap where handlers ignore their signals', async () => {
    const { broker, clock, send, idle } = setup()
    const overruns: Overrun[] = []
    let [running, most] = [0, 0]
    await broker.consume(
      tasks,
      async () => {
        most = Math.max(most, ++running)
        await wait(clock, 60_000)
        running--
      },
      { use: [retry({ maxAttempts: 2, backoff: constant(10) }), timeout({ ms: 1_000, onOverrun: (overrun) => overruns.push(overrun) })] },
    )
    await send(tasks, { n: 1, key: 'a' }, { n: 2, key: 'a' })
    await idle()
    expect([most, overruns.map(({ messageId, attempt, orderingKey }) => [messageId, attempt, orderingKey])]).toEqual([
      1,
      [
        ['tasks-1', 1, 'a'],
        ['tasks-1', 2, 'a'],
        ['tasks-2', 1, 'a'],
        ['tasks-2', 2, 'a'],
      ],
    ])
    await broker.drain()
  })

  it('goes on without an abandoned handler, which can no longer settle', async () => {
    const { broker, clock, send, idle } = setup()
    const settlements: unknown[] = []
    await broker.consume(
      jobs,
      async (message) => {
        if (message.attempt > 1) return
        await wait(clock, 60_000)
        settlements.push(await message.ack())
      },
      { use: [retry({ backoff: constant(10) }), timeout({ ms: 1_000, abandonAfterMs: 1_000, allowOverlap: true })] },
    )
    await send(jobs, { n: 1 })
    await idle()
    expect(clock.monotonic()).toBeLessThan(60_000)
    await wait(clock, 60_000)
    expect(settlements).toEqual(['too-late'])
    await broker.drain()
  })

  it('refuses to abandon where the endpoint keeps the order of keys', async () => {
    const { broker } = setup()
    await expect(broker.consume(tasks, () => {}, { use: [timeout({ ms: 5, abandonAfterMs: 5 })] })).rejects.toThrow('allowOverlap: true')
    await broker.close()
  })
})
