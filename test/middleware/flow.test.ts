import { constant, createBroker, queue, type Broker, type ConsumeOptions } from '@busbar/core'
import { memory, memoryStore, virtualClock, type VirtualClock } from '@busbar/memory'
import { circuitBreaker, concurrencyLimit, idempotency, rateLimit, retry, timeout, type Overrun } from '@busbar/middleware'
import { describe, expect, it } from 'vitest'

interface Job {
  readonly n: number
  readonly key?: string
}

const jobs = queue<Job>('jobs')
const tasks = queue<Job>('tasks', { orderingKey: ({ key = 'none' }) => key })

interface Setup {
  readonly broker: Broker
  readonly clock: VirtualClock
  readonly send: (to: typeof jobs, ...all: Job[]) => Promise<void>
  readonly idle: () => Promise<void>
  readonly log: string[]
}

function setup(): Setup {
  const clock = virtualClock()
  const driver = memory({ clock })
  const log: string[] = []
  const broker = createBroker({ driver, destinations: [jobs, tasks], provision: 'create', clock, log: (_level, event) => log.push(event) })
  return {
    broker,
    clock,
    log,
    send: async (to, ...all) => {
      for (const job of all) await broker.producer(to).send(job, { id: `${to.name}-${job.n}` })
    },
    idle: () => driver.idle({ timeoutMs: 36_000_000 }),
  }
}

function wait(clock: VirtualClock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.timer(clock.monotonic() + ms, resolve)
    signal?.addEventListener('abort', () => {
      timer.cancel()
      reject(signal.reason as Error)
    })
  })
}

function range(length: number, from = 0): Job[] {
  return Array.from({ length }, (_, index) => ({ n: from + index }))
}

/** More than any part of any window allows for: starts less what may be started in it. */
function excess(starts: readonly number[], perSecond: number, burst: number): number {
  let worst = -Infinity
  for (const [from, first] of starts.entries())
    for (const [to, last] of starts.entries()) if (to >= from) worst = Math.max(worst, to - from + 1 - burst - ((last - first) * perSecond) / 1_000)
  return worst
}

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
