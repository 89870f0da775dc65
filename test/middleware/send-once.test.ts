import { BrokerError, createBroker, queue, type Broker, type Producer } from '@busbar/core'
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

  it.each([{ ttlMs: 5 }, { leaseMs: Number.NaN }, { store: undefined }, { ttl: 5 }])('refuses %o', (options) => {
    expect(() => sendOnce({ store: memoryStore({ clock: virtualClock() }), ...options } as SendOnceOptions)).toThrow(/^sendOnce: /)
  })
})
