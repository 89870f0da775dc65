import { constant, type ConsumeOptions } from '@busbar/core'
import { memoryStore, virtualClock } from '@busbar/memory'
import { circuitBreaker, idempotency, retry } from '@busbar/middleware'
import { describe, expect, it } from 'vitest'
import { jobs, tasks, setup, wait, range } from './flow-kit.ts'

describe('circuitBreaker in a broker', () => {
  const store = memoryStore({ clock: virtualClock() })

  it.each([
    ['by itself', (): NonNullable<ConsumeOptions['use']> => []],
    ['inside idempotency', (): NonNullable<ConsumeOptions['use']> => [idempotency({ store, scope: 'breaker' })]],
    ['behind what takes a turn', (): NonNullable<ConsumeOptions['use']> => [async (_context, next) => Promise.resolve().then(next)]],
  ])('stops the consumer while what it needs is down, losing nothing, %s', async (_how, outside) => {
    const { broker, clock, send, idle } = setup()
    const changes: [string, number][] = []
    const breaker = circuitBreaker({ failures: 5, openMs: 10_000, probes: 2, onChange: ({ state }) => changes.push([state, clock.monotonic()]) })
    const handled: number[] = []
    const attempts: number[] = []
    const startedAt: number[] = []
    let down = true
    await broker.consume(
      jobs,
      async ({ body: { n }, attempt }) => {
        attempts.push(attempt)
        startedAt.push(clock.monotonic())
        await wait(clock, 10)
        if (down) throw new Error('down')
        handled.push(n)
      },
      { concurrency: 8, use: [...outside(), retry({ maxAttempts: 8, backoff: constant(1_000) }), breaker] },
    )
    void wait(clock, 25_000).then(() => (down = false))
    await send(jobs, ...range(100))
    await idle()
    expect(handled.toSorted((a, b) => a - b)).toEqual(range(100).map(({ n }) => n))
    expect(changes.map(([state]) => state)).toEqual(['open', 'half-open', 'open', 'half-open', 'open', 'half-open', 'closed'])
    // The 8 that ran when it opened, 4 that had taken the slots of the first failures, then two probes each time: an outage does not use the attempts of what waits.
    const outage = startedAt.filter((ms) => ms < 25_000)
    expect([outage.length, attempts.filter((attempt) => attempt > 1).length, attempts.length]).toEqual([16, 16, 116])
    expect(breaker.state).toBe('closed')
    await broker.drain()
  })

  it('keeps the order of keys', async () => {
    const { broker, clock, send, idle } = setup()
    const seen = new Map<string, number[]>()
    await broker.consume(
      tasks,
      ({ body: { n, key = '' } }) => {
        if (clock.monotonic() < 7_000) throw new Error('down')
        seen.set(key, [...(seen.get(key) ?? []), n])
      },
      { use: [retry({ maxAttempts: 9, backoff: constant(50) }), circuitBreaker({ failureRate: 0.5, minimum: 4, openMs: 2_000 })] },
    )
    await send(tasks, ...range(60).map(({ n }) => ({ n, key: `k${n % 5}` })))
    await idle()
    for (const [key, order] of seen) expect([key, order]).toEqual([key, order.toSorted((a, b) => a - b)])
    expect([...seen.values()].flat()).toHaveLength(60)
    await broker.drain()
  })

  it('is shared by consumers that use the same instance', async () => {
    const { broker, clock, send, idle } = setup()
    const breaker = circuitBreaker({ failures: 3, openMs: 5_000, probes: 1 })
    const startedAt: number[] = []
    await broker.consume(
      jobs,
      () => {
        if (clock.monotonic() < 1_000) throw new Error('down')
      },
      { use: [retry({ backoff: constant(100) }), breaker] },
    )
    await send(jobs, ...range(3))
    expect(breaker.state).toBe('open')
    await broker.consume(tasks, () => void startedAt.push(clock.monotonic()), { use: [breaker] })
    await send(tasks, ...range(5))
    await idle()
    expect([startedAt.length, Math.min(...startedAt) >= 5_000, breaker.state]).toEqual([5, true, 'closed'])
    await broker.drain()
  })

  it.each(['drain', 'close'] as const)('does not keep a consumer from ending: %s', async (end) => {
    const { broker, clock, send } = setup()
    const breaker = circuitBreaker({ failures: 1, openMs: 3_600_000 })
    let starts = 0
    const consumer = await broker.consume(
      jobs,
      () => {
        starts++
        throw new Error('down')
      },
      { concurrency: 1, use: [retry({ backoff: constant(10) }), breaker] },
    )
    await send(jobs, ...range(5))
    expect(breaker.state).toBe('open')
    const before = clock.monotonic()
    await consumer[end]()
    await consumer.closed
    expect([starts, clock.monotonic() - before < 1_000]).toEqual([1, true])
    // Everything went back; the next consumer is held back by the circuit until it is reset.
    const handled: number[] = []
    await broker.consume(jobs, ({ body: { n } }) => void handled.push(n), { use: [breaker] })
    await wait(clock, 60_000)
    expect(handled).toEqual([])
    breaker.reset()
    await wait(clock, 60_000)
    expect(handled.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    await broker.drain()
    expect(clock.pending).toBe(0)
  })

  it('has no timer when nobody is held back any more', async () => {
    const { broker, clock, send } = setup()
    const breaker = circuitBreaker({ failures: 1, openMs: 3_600_000 })
    await broker.consume(jobs, () => Promise.reject(new Error('down')), { use: [breaker] })
    await broker.consume(tasks, () => {}, { use: [breaker] })
    await send(jobs, ...range(5))
    await send(tasks, ...range(5))
    await broker.drain()
    expect([breaker.state, clock.pending]).toEqual(['open', 0])
  })

  it('is probed by the next consumer when the one that opened it has ended', async () => {
    const { broker, clock, send, idle } = setup()
    const breaker = circuitBreaker({ failures: 1, openMs: 60_000, probes: 1 })
    const first = await broker.consume(jobs, () => Promise.reject(new Error('down')), { use: [breaker] })
    await send(jobs, ...range(5))
    await first.drain()
    await wait(clock, 30_000)
    const startedAt: number[] = []
    await broker.consume(jobs, () => void startedAt.push(clock.monotonic()), { use: [breaker] })
    await idle()
    expect([breaker.state, startedAt.length, (startedAt[0] ?? 0) >= 60_000, (startedAt[0] ?? 0) < 61_000]).toEqual(['closed', 5, true, true])
    await broker.drain()
    expect(clock.pending).toBe(0)
  })

  it('does not take the deadline of a drain for a failure', async () => {
    const { broker, clock, send } = setup()
    const breaker = circuitBreaker({ failures: 1 })
    const consumer = await broker.consume(jobs, (_message, { signal }) => wait(clock, 600_000, signal), { use: [breaker] })
    await send(jobs, { n: 1 })
    await consumer.drain({ timeoutMs: 1_000 })
    expect(breaker.state).toBe('closed')
    await broker.drain()
  })
})
