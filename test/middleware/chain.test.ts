import { BrokerError, constant, createBroker, exponential, queue, type Broker, type ConsumeOptions } from '@busbar/core'
import type { FencedStore } from '@busbar/core/driver'
import { memory, memoryStore, virtualClock, type MemoryStore, type VirtualClock } from '@busbar/memory'
import { idempotency, retry } from '@busbar/middleware'
import { describe, expect, it } from 'vitest'

interface Job {
  readonly n: number
}

const jobs = queue<Job>('jobs')

/** The same store, answering in a later turn. */
function later(store: FencedStore): FencedStore {
  return {
    claim: async (request) => store.claim(request),
    renew: async (claims, leaseMs) => store.renew(claims, leaseMs),
    complete: async (claim, value, ttlMs) => store.complete(claim, value, ttlMs),
    release: async (claim) => store.release(claim),
    scan: async (prefix, options) => store.scan(prefix, options),
  }
}

interface Setup {
  readonly broker: Broker
  readonly clock: VirtualClock
  readonly store: MemoryStore
  readonly idle: () => Promise<void>
}

function setup(): Setup {
  const clock = virtualClock()
  const driver = memory({ clock })
  const broker = createBroker({ driver, destinations: [jobs], provision: 'create', clock, log: () => {} })
  return { broker, clock, store: memoryStore({ clock }), idle: () => driver.idle({ timeoutMs: 3_600_000 }) }
}

function wait(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.timer(clock.monotonic() + ms, resolve))
}

describe.each([
  ['a synchronous store', (store: MemoryStore): FencedStore => store],
  ['an asynchronous store', later],
] as const)('idempotency and retry in a broker, with %s', (_name, wrap) => {
  function use(store: MemoryStore, maxAttempts: number): NonNullable<ConsumeOptions['use']> {
    return [idempotency({ store: wrap(store) }), retry({ maxAttempts, backoff: exponential({ initialMs: 10, maxMs: 100 }) })]
  }

  it('starts each message until it succeeds, and no copy of it afterwards', async () => {
    const { broker, store, idle } = setup()
    const starts = new Map<number, number>()
    await broker.consume(
      jobs,
      async ({ body: { n } }) => {
        const start = (starts.get(n) ?? 0) + 1
        starts.set(n, start)
        await Promise.resolve()
        if (start <= n % 3) throw new Error('not yet')
      },
      { use: use(store, 5) },
    )
    const producer = broker.producer(jobs)
    for (let n = 0; n < 300; n++) await Promise.all([1, 2].map(() => producer.send({ n }, { id: `job-${n}` })))
    await idle()
    await broker.drain()
    expect([...starts]).toEqual(Array.from({ length: 300 }, (_, n) => [n, (n % 3) + 1]))
    const { claims } = store.scan('jobs:', { limit: 1000 })
    expect(claims.length).toBe(300)
    expect(claims.every((claim) => claim.state === 'done')).toBe(true)
  })

  it('gives up after its attempts, and handles the message again when it is redriven', async () => {
    const { broker, store, idle } = setup()
    let starts = 0
    let broken = true
    await broker.consume(
      jobs,
      () => {
        starts++
        if (broken) throw new Error('down')
      },
      { use: use(store, 4) },
    )
    await broker.producer(jobs).send({ n: 1 }, { id: 'job-1' })
    await idle()
    expect(starts).toBe(4)
    expect((await broker.deadLetters(jobs).peek())[0]?.info).toMatchObject({ reason: 'attempts exhausted', attempts: 4, errorMessage: 'down' })
    broken = false
    await broker.deadLetters(jobs).redrive()
    await idle()
    expect(starts).toBe(5)
    await broker.drain()
  })

  it('keeps the claim of a handler that runs much longer than the claim lasts', async () => {
    const { broker, clock, store, idle } = setup()
    let starts = 0
    await broker.consume(
      jobs,
      async () => {
        starts++
        await wait(clock, 300_000)
      },
      { use: [idempotency({ store: wrap(store), leaseMs: 20_000 }), retry({ backoff: constant(1) })] },
    )
    const producer = broker.producer(jobs)
    await producer.send({ n: 1 }, { id: 'job-1' })
    await producer.send({ n: 1 }, { id: 'job-1' })
    await idle()
    expect(starts).toBe(1)
    expect((await broker.deadLetters(jobs).peek()).length).toBe(0)
    await broker.drain()
  })

  it('gives up a different body under the same id', async () => {
    const { broker, store, idle } = setup()
    const handled: Job[] = []
    await broker.consume(jobs, ({ body }) => void handled.push(body), { use: use(store, 3) })
    await broker.producer(jobs).send({ n: 1 }, { id: 'same' })
    await broker.producer(jobs).send({ n: 2 }, { id: 'same' })
    await idle()
    expect(handled).toEqual([{ n: 1 }])
    expect((await broker.deadLetters(jobs).peek())[0]).toMatchObject({ body: '{"n":2}', info: { reason: 'different body under a handled key', attempts: 1 } })
    await broker.drain()
  })
})

describe('a store that cannot be reached', () => {
  function failing(store: FencedStore, until: () => boolean): FencedStore {
    const claim: FencedStore['claim'] = async (request) => {
      if (until()) return store.claim(request)
      throw new BrokerError('ERR_UNAVAILABLE', 'the store is down')
    }
    return { ...later(store), claim }
  }

  it('makes messages wait, without an attempt, however long it takes', async () => {
    const { broker, clock, store, idle } = setup()
    const attempts: number[] = []
    const use = [idempotency({ store: failing(store, () => clock.monotonic() > 3_600_000) }), retry({ maxAttempts: 2 })]
    await broker.consume(jobs, ({ attempt }) => void attempts.push(attempt), { use })
    for (let n = 0; n < 20; n++) await broker.producer(jobs).send({ n }, { id: `job-${n}` })
    await wait(clock, 3_610_000)
    await idle()
    expect(attempts).toEqual(Array.from({ length: 20 }, () => 1))
    expect((await broker.deadLetters(jobs).peek()).length).toBe(0)
    await broker.drain()
  })

  it('keeps what was handled when it went down until that is remembered', async () => {
    const { broker, clock, store, idle } = setup()
    const down = (): boolean => clock.monotonic() >= 1_000 && clock.monotonic() < 25_000
    const reach = <T>(answer: () => T): T => {
      if (down()) throw new BrokerError('ERR_UNAVAILABLE', 'the store is down')
      return answer()
    }
    const faulty: FencedStore = {
      claim: async (request) => reach(() => store.claim(request)),
      renew: async (claims, leaseMs) => reach(() => store.renew(claims, leaseMs)),
      complete: async (claim, value, ttlMs) => reach(() => store.complete(claim, value, ttlMs)),
      release: async (claim) => reach(() => store.release(claim)),
      scan: async (prefix, options) => store.scan(prefix, options),
    }
    const failures: string[] = []
    let starts = 0
    await broker.consume(
      jobs,
      async () => {
        starts++
        await wait(clock, 2_000)
      },
      { use: [idempotency({ store: faulty, onStoreFailure: ({ operation }) => failures.push(operation) }), retry()] },
    )
    const producer = broker.producer(jobs)
    for (let n = 0; n < 5; n++) await Promise.all([1, 2].map(() => producer.send({ n }, { id: `job-${n}` })))
    await wait(clock, 10_000)
    expect(starts).toBe(5)
    expect((await broker.stats(jobs)).inFlight).toBe(10)
    await idle()
    expect(starts).toBe(5)
    expect(failures.includes('complete')).toBe(false)
    expect(store.scan('jobs:', { limit: 10 }).claims.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'done'])
    await broker.drain()
  })

  it('does not keep a drain from ending', async () => {
    const { broker, clock, store } = setup()
    const failures: string[] = []
    const faulty: FencedStore = { ...later(store), complete: () => Promise.reject(new BrokerError('ERR_UNAVAILABLE', 'the store is down')) }
    await broker.consume(jobs, () => {}, { use: [idempotency({ store: faulty, onStoreFailure: ({ operation }) => failures.push(operation) }), retry()] })
    await broker.producer(jobs).send({ n: 1 }, { id: 'job-1' })
    await wait(clock, 10_000)
    expect(failures).toEqual([])
    const since = clock.monotonic()
    await broker.drain({ timeoutMs: 5_000 })
    expect(clock.monotonic() - since).toBeLessThan(7_000)
    expect(failures).toEqual(['complete'])
  })

  it("fails attempts by the consumer's own retry policy where it shall", async () => {
    const { broker, clock, store, idle } = setup()
    let claims = 0
    const down = failing(store, () => {
      claims++
      return false
    })
    const use = [idempotency({ store: down, whileUnavailable: 'fail' }), retry({ maxAttempts: 5, backoff: constant(10_000) })]
    await broker.consume(jobs, () => expect.unreachable(), { use })
    await broker.producer(jobs).send({ n: 1 }, { id: 'job-1' })
    await idle()
    expect(claims).toBe(5)
    expect(clock.monotonic()).toBeGreaterThanOrEqual(40_000)
    expect((await broker.deadLetters(jobs).peek())[0]?.info).toMatchObject({ reason: 'attempts exhausted', attempts: 5, errorMessage: 'the store is down' })
    await broker.drain()
  })
})

it('refuses retry outside idempotency when the consumer starts', async () => {
  const { broker, store } = setup()
  const consuming = broker.consume(jobs, () => {}, { use: [retry(), idempotency({ store })] })
  await expect(consuming).rejects.toThrow('retry must stand inside idempotency')
  await broker.close()
})
