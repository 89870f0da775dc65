import { BrokerError, createBroker, queue, type Broker, type Producer, type SendFunction } from '@busbar/core'
import { memory, memoryStore, virtualClock, type MemoryStore, type Spy, type VirtualClock } from '@busbar/memory'
import { sendOnce, type SendOnceOptions } from '@busbar/middleware'
import { describe, expect, it } from 'vitest'

interface Order {
  readonly id: string
  readonly total: number
}

const orders = queue<Order>('orders', { messageId: ({ id }) => id })

interface Setup {
  readonly broker: Broker
  readonly clock: VirtualClock
  readonly store: MemoryStore
  readonly spy: Spy
  readonly producer: (options?: Partial<SendOnceOptions>) => Producer<Order>
  /** Fails the next sends. */
  readonly failing: { times: number }
}

function setup(): Setup {
  const clock = virtualClock()
  const driver = memory({ clock })
  const broker = createBroker({ driver, destinations: [orders], provision: 'create', clock, log: () => {} })
  const store = memoryStore({ clock })
  const failing = { times: 0 }
  const producer: Setup['producer'] = (options = {}) =>
    broker.producer(orders, {
      use: [
        sendOnce({ store, ...options }),
        async (_, next) => {
          if (failing.times-- > 0) throw new BrokerError('ERR_UNCONFIRMED', 'no answer')
          return next()
        },
      ],
    })
  return { broker, clock, store, spy: driver.spy('orders'), producer, failing }
}

function sent(spy: Spy): unknown[] {
  return spy.events.filter(({ kind }) => kind === 'stored').map(({ message }) => message?.id)
}

describe('sendOnce', () => {
  it('sends a key once within its time, in whatever process, and answers with the first receipt', async () => {
    const { broker, clock, producer, spy } = setup()
    const [one, other] = [producer({ ttlMs: 10_000 }), producer({ ttlMs: 10_000 })]
    const first = await one.send({ id: 'o-1', total: 5 })
    expect(await one.send({ id: 'o-1', total: 5 })).toEqual(first)
    expect(await other.send({ id: 'o-1', total: 5 })).toEqual(first)
    await other.send({ id: 'o-2', total: 5 })
    expect(sent(spy)).toEqual(['o-1', 'o-2'])
    await new Promise<void>((resolve) => void clock.timer(clock.monotonic() + 10_000, resolve))
    await one.send({ id: 'o-1', total: 5 })
    expect(sent(spy)).toEqual(['o-1', 'o-2', 'o-1'])
    await broker.close()
  })

  it('lets sends of one key that are made at once wait for the first, and take its place if it fails', async () => {
    const { broker, producer, spy, failing } = setup()
    failing.times = 1
    const producers = [producer(), producer(), producer()]
    const answers = await Promise.allSettled(producers.map((each) => each.send({ id: 'o-1', total: 5 })))
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(sent(spy)).toHaveLength(1)
    await broker.close()
  })

  it('can be repeated after a failure, and refuses another body under a key that was sent', async () => {
    const { broker, producer, spy, failing } = setup()
    failing.times = 1
    await expect(producer().send({ id: 'o-1', total: 5 })).rejects.toMatchObject({ code: 'ERR_UNCONFIRMED' })
    await producer().send({ id: 'o-1', total: 5 })
    await expect(producer().send({ id: 'o-1', total: 6 })).rejects.toMatchObject({ code: 'ERR_CONFLICT', messageId: 'o-1' })
    expect(sent(spy)).toHaveLength(1)
    await broker.close()
  })

  it('does not unsend what was sent when the store fails afterwards, and tells', async () => {
    const { broker, store, producer, spy } = setup()
    const told: unknown[] = []
    const down = Object.assign(Object.create(store) as MemoryStore, {
      claim: store.claim.bind(store),
      complete: () => Promise.reject(new Error('down')),
    })
    const sending = producer({ store: down, onStoreFailure: ({ operation, key }) => told.push([operation, key]) })
    expect(await sending.send({ id: 'o-1', total: 5 })).toEqual({ id: 'o-1' })
    expect(sent(spy)).toHaveLength(1)
    expect(told).toEqual([['complete', 'send:orders:o-1']])
    await broker.close()
  })

  it.each([
    ['completion', false],
    ['release', true],
  ])('does not keep who sends again waiting for a claim whose %s has failed once', async (_, failsFirst) => {
    const { broker, clock, store, producer, spy, failing } = setup()
    let failures = 0
    const once = (call: () => unknown): unknown => {
      if (failures++ === 0) throw new BrokerError('ERR_UNAVAILABLE', 'down')
      return call()
    }
    const shaky = Object.assign(Object.create(store) as MemoryStore, {
      claim: store.claim.bind(store),
      complete: (...call: Parameters<MemoryStore['complete']>) => once(() => store.complete(...call)),
      release: (...call: Parameters<MemoryStore['release']>) => once(() => store.release(...call)),
    })
    const sending = producer({ store: shaky })
    const began = clock.monotonic()
    failing.times = failsFirst ? 1 : 0
    await sending.send({ id: 'o-1', total: 5 }).catch(() => undefined)
    await sending.send({ id: 'o-1', total: 5 })
    expect(sent(spy)).toEqual(['o-1'])
    expect(clock.monotonic() - began).toBeLessThan(1_000)
    await broker.close()
  })

  it('waits for a send of its key that hangs no longer than leaseMs', async () => {
    const { broker, clock, store, spy } = setup()
    let hanging = true
    const hangsOnce: SendFunction = (_, next) => {
      if (!hanging) return next()
      hanging = false
      return new Promise(() => {})
    }
    const sending = broker.producer(orders, { use: [sendOnce({ store, leaseMs: 5_000 }), hangsOnce] })
    await expect(sending.send({ id: 'o-1', total: 5 }, { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await sending.send({ id: 'o-1', total: 5 })
    expect(sent(spy)).toEqual(['o-1'])
    expect(clock.monotonic()).toBeLessThan(10_000)
    await broker.close()
  })

  describe('while the store cannot be reached', () => {
    /** The store, unreachable for the next `times` claims; `made`: the claim is made all the same, and its answer is lost. */
    function unreachable(store: MemoryStore, times: number, made = false): MemoryStore {
      return Object.assign(Object.create(store) as MemoryStore, {
        claim: async (request: Parameters<MemoryStore['claim']>[0]) => {
          const result = times > 0 && !made ? undefined : store.claim(request)
          if (times-- > 0 || result === undefined) throw new BrokerError('ERR_UNAVAILABLE', 'down')
          return result
        },
        complete: store.complete.bind(store),
        release: store.release.bind(store),
      })
    }
    const after = (clock: VirtualClock, ms: number): Promise<void> => new Promise((resolve) => void clock.timer(clock.monotonic() + ms, resolve))

    it('rejects, unsent, and asks no more than now and then', async () => {
      const { broker, clock, store, producer, spy } = setup()
      const told: unknown[] = []
      const sending = producer({ store: unreachable(store, 1), onStoreFailure: ({ operation }) => told.push(operation) })
      await expect(sending.send({ id: 'o-1', total: 5 })).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
      await expect(sending.send({ id: 'o-2', total: 5 })).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
      expect(told).toEqual(['claim'])
      await after(clock, 600)
      await sending.send({ id: 'o-1', total: 5 })
      expect(sent(spy)).toEqual(['o-1'])
      await broker.close()
    })

    it('waits where it is told to, and is not held up by a claim of its own whose answer was lost', async () => {
      const { broker, store, producer, spy } = setup()
      const sending = producer({ store: unreachable(store, 4, true), whileUnavailable: 'wait' })
      await Promise.all([sending.send({ id: 'o-1', total: 5 }), sending.send({ id: 'o-2', total: 5 })])
      await sending.send({ id: 'o-1', total: 5 })
      expect(new Set(sent(spy))).toEqual(new Set(['o-1', 'o-2']))
      expect(sent(spy)).toHaveLength(2)
      expect(sending.pending).toBe(0)
      await broker.close()
    })

    it.each([
      ['with an ordering key', queue<Order>('keyed', { messageId: ({ id }) => id, orderingKey: ({ id }) => id })],
      ['without', orders],
    ])('lets sends of one key that wait for it go in their order, which is that of the places they have taken: %s', async (_, destination) => {
      const clock = virtualClock()
      const broker = createBroker({ driver: memory({ clock }), destinations: [destination], provision: 'create', clock, log: () => {} })
      let backAt = 0
      const kept = memoryStore({ clock })
      const store = Object.assign(Object.create(kept) as MemoryStore, {
        claim: async (request: Parameters<MemoryStore['claim']>[0]) => {
          if (clock.monotonic() < backAt) throw new BrokerError('ERR_UNAVAILABLE', 'down')
          return kept.claim(request)
        },
        complete: kept.complete.bind(kept),
      })
      const producer = broker.producer(destination, { use: [sendOnce({ store, whileUnavailable: 'wait' })] })
      for (const id of Array.from({ length: 10 }, (__, round) => `o-${round}`)) {
        backAt = clock.monotonic() + 700
        expect(await Promise.all([producer.send({ id, total: 5 }), producer.send({ id, total: 5 })])).toEqual([{ id }, { id }])
      }
      await broker.close()
    })

    it('asks no longer than the send has time', async () => {
      const { broker, clock, store, producer } = setup()
      let asked = 0
      const counted = Object.assign(Object.create(store) as MemoryStore, {
        claim: () => {
          asked++
          throw new BrokerError('ERR_UNAVAILABLE', 'down')
        },
      })
      const sending = producer({ store: counted, whileUnavailable: 'wait' }).send({ id: 'o-1', total: 5 }, { timeoutMs: 2_000 })
      await expect(sending).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
      const askedInTime = asked
      await after(clock, 60_000)
      expect(asked).toBe(askedInTime)
      await broker.close()
    })

    it('waits no longer than leaseMs, and not for what is refused for good', async () => {
      const { broker, clock, store, producer, spy } = setup()
      const began = clock.monotonic()
      const waiting = producer({ store: unreachable(store, 100), whileUnavailable: 'wait', leaseMs: 10_000 })
      await expect(waiting.send({ id: 'o-1', total: 5 })).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
      expect(clock.monotonic() - began).toBeGreaterThan(4_000)
      expect(clock.monotonic() - began).toBeLessThanOrEqual(10_000)
      const refusing = Object.assign(Object.create(store) as MemoryStore, { claim: () => Promise.reject(new BrokerError('ERR_INVALID', 'no such key')) })
      await expect(producer({ store: refusing, whileUnavailable: 'wait' }).send({ id: 'o-2', total: 5 })).rejects.toMatchObject({ code: 'ERR_INVALID' })
      expect(sent(spy)).toEqual([])
      await broker.close()
    })

    it('goes on where it is told to, counts and tells', async () => {
      const { broker, store, spy } = setup()
      const told: unknown[] = []
      const middleware = sendOnce({
        store: unreachable(store, 1),
        whileUnavailable: 'go-on',
        onStoreFailure: ({ operation, key }) => told.push([operation, key]),
      })
      const sending = broker.producer(orders, { use: [middleware] })
      await sending.send({ id: 'o-1', total: 5 })
      await sending.send({ id: 'o-1', total: 5 })
      expect(sent(spy)).toEqual(['o-1', 'o-1'])
      expect(middleware.unprotected).toBe(2)
      expect(told).toEqual([
        ['claim', 'send:orders:o-1'],
        ['claim', 'send:orders:o-1'],
      ])
      await broker.close()
    })
  })

  it('refuses a key that is no text, or empty, and sends nothing', async () => {
    const { broker, producer, spy } = setup()
    const keys: [unknown, string][] = [
      [async () => 'o-1', 'key must return a text, not a promise'],
      [() => 5, 'key must return a text, not number'],
      [() => undefined, 'key must return a text, not undefined'],
      [() => '', 'key must not return an empty text'],
    ]
    for (const [key, message] of keys) {
      const sending = producer({ key: key as never }).send({ id: 'o-1', total: 5 })
      await expect(sending).rejects.toMatchObject({ code: 'ERR_INVALID', message: `sendOnce: ${message}`, destination: 'orders' })
    }
    expect(sent(spy)).toEqual([])
    await broker.close()
  })

  it('tells of a claim that was lost while the message was sent, which stays sent', async () => {
    const { broker, clock, store, spy } = setup()
    const told: unknown[] = []
    const slow = broker.producer(orders, {
      use: [
        sendOnce({ store, leaseMs: 1_000, onStoreFailure: (failure) => told.push(failure) }),
        async (_, next) => {
          await new Promise<void>((resolve) => void clock.timer(clock.monotonic() + 2_000, resolve))
          return next()
        },
      ],
    })
    await slow.send({ id: 'o-1', total: 5 })
    expect(sent(spy)).toEqual(['o-1'])
    expect(told).toMatchObject([{ operation: 'complete', key: 'send:orders:o-1', error: { code: 'ERR_TOO_LATE' } }])
    await broker.close()
  })

  const store = memoryStore({ clock: virtualClock() })
  it.each([
    { ttlMs: 5 },
    { ttlMs: Number.MAX_SAFE_INTEGER },
    { leaseMs: 3_153_600_000_001 },
    { leaseMs: Number.NaN },
    { timeoutMs: 99 },
    { store: undefined },
    ...(['claim', 'renew', 'complete', 'release', 'scan'] as const).map((name) => ({
      store: Object.assign(Object.create(store) as object, { [name]: undefined }),
    })),
    { ttl: 5 },
    { key: 'id' },
    { scope: 5 },
    { onStoreFailure: 5 },
    { whileUnavailable: 'never' },
    { whileUnavailable: 'go-on' },
  ])('refuses %o', (options) => {
    expect(() => sendOnce({ store, ...options } as SendOnceOptions)).toThrow(/^sendOnce: /)
  })
})
