import { describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Capabilities, Delivery } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { retryLater } from '../outcome.ts'
import { gate, keyed, setUp, type Handle, type SetUp } from '../test-support/consumer-kit.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver, type NaiveReceiver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

const gone = new BrokerError('ERR_TOO_LATE', 'gone')
const delayed = { redelivery: { immediate: true, delayed: { maxMs: 900_000, keepsOrder: true }, onReconnect: true } } as const

describe('leases', () => {
  const lease: Partial<Capabilities> = { lease: { kind: 'message', ms: 30_000, maxMs: 3_600_000 } }

  async function withLeases(handler: Handle): Promise<Omit<SetUp, 'logged'> & { extended: Delivery[][]; answer: { value: 'durable' | 'too-late' } }> {
    const driver = new NaiveDriver(lease)
    const clock = new ManualClock()
    const extended: Delivery[][] = []
    const answer: { value: 'durable' | 'too-late' } = { value: 'durable' }
    const broker = createBroker({ driver, destinations: [keyed], clock, random: () => 0.5, log: () => undefined })
    const connect = driver.connect.bind(driver)
    driver.connect = async () => {
      const link = await connect()
      const make = link.receiver as Exclude<typeof link.receiver, false>
      return {
        ...link,
        receiver: (endpoint, intake, window) => {
          const deliver = intake.deliver.bind(intake)
          const receiver = make(
            endpoint,
            Object.assign(Object.create(intake) as typeof intake, {
              deliver: (deliveries: Delivery[]) => {
                for (const delivery of deliveries) delivery.leaseUntil = clock.monotonic() + 30_000
                deliver(deliveries)
              },
            }),
            window,
          )
          receiver.extend = async (deliveries, ms) => {
            extended.push([...deliveries])
            if (answer.value === 'durable') for (const delivery of deliveries) delivery.leaseUntil = clock.monotonic() + ms
            return deliveries.map(() => answer.value)
          }
          return receiver
        },
      }
    }
    const consumer = await broker.consume(keyed, handler)
    const rest = { driver, clock, broker, consumer, receiver: driver.receivers[0] as NaiveReceiver, extended, answer }
    const send: SetUp['send'] = async (...orders) => {
      await broker.producer(keyed).sendBatch(orders.map(([n, customer]) => ({ n, customer })))
      await turns()
    }
    const pass: SetUp['pass'] = async (ms) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(1_000)
        await turns()
      }
    }
    return { ...rest, send, pass }
  }

  it('are renewed for everything held, started or not, in one call', async () => {
    const { send, pass, extended } = await withLeases(() => new Promise(() => undefined))
    await send([1, 'a'], [2, 'a'], [3, 'b'])
    await pass(100_000)
    expect(extended.length).toBeGreaterThanOrEqual(4)
    expect(extended.every((call) => call.length === 3)).toBe(true)
  })

  it('that cannot be renewed abort the handler', async () => {
    let signal: AbortSignal | undefined
    const { send, pass, answer, receiver } = await withLeases((_, context) => {
      signal = context.signal
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal?.reason as Error)))
    })
    await send([1, 'a'])
    answer.value = 'too-late'
    await pass(40_000)
    expect(signal?.aborted).toBe(true)
    expect(receiver.settled).toEqual([])
  })
})

describe('a message lost alone', () => {
  it('gives back what waits behind it in its key, since it now comes first somewhere else', async () => {
    const { handler, started, open } = gate()
    const { send, driver, receiver } = await setUp(handler, {}, { lease: { kind: 'message', ms: 30_000, maxMs: 3_600_000 } })
    driver.onSettle = (outcomes) => Promise.resolve(outcomes.map(() => 'durable'))
    await send([1, 'a'], [2, 'a'], [3, 'b'])
    const [first] = receiver.unsettled.keys()
    receiver.intake.lost((first as Delivery).scope, gone)
    await open(1)
    expect(started).toEqual(['1', '3'])
    expect(receiver.settled.map((outcome) => `${outcome.action} ${outcome.delivery.incoming.id}`)).toContain('release m2')
  })

  it('gives back what is behind it also where it has not been started, and nothing that is before it', async () => {
    const { handler, started, open } = gate()
    const { send, driver, receiver } = await setUp(handler, {}, { lease: { kind: 'message', ms: 30_000, maxMs: 3_600_000 } })
    driver.onSettle = (outcomes) => Promise.resolve(outcomes.map(() => 'durable'))
    await send([0, 'z'])
    const [{ incoming } = {} as Delivery] = receiver.unsettled.keys()
    const deliveries = [1, 2, 3, 4, 5].map((n): Delivery => {
      const body = JSON.stringify({ n, customer: 'a' })
      return { scope: { id: `s${n}` }, incoming: { ...incoming, id: `m${n}`, key: 'a', body }, sameAs: `m${n}`, brokerAttempts: 1, leaseUntil: undefined }
    })
    receiver.intake.deliver(deliveries)
    receiver.intake.lost((deliveries[2] as Delivery).scope, gone)
    await open(1)
    expect(started).toEqual(['0', '1', '2'])
    await open(2)
    expect(started).toEqual(['0', '1', '2'])
    expect(receiver.settled.map((outcome) => `${outcome.action} ${outcome.delivery.incoming.id}`)).toEqual(['release m4', 'release m5', 'ack m1', 'ack m2'])
  })

  it('takes nothing from other keys with it, when the driver tells it while those before it are given back', async () => {
    const { handler, started, open } = gate()
    const capabilities = { lease: { kind: 'message', ms: 30_000, maxMs: 3_600_000 }, settlement: { mode: 'individual', maxBatch: 1, lingerMs: 0 } } as const
    const { driver, receiver, send } = await setUp(handler, { concurrency: 1 }, capabilities)
    await send([0, 'z'])
    const [{ incoming } = {} as Delivery] = receiver.unsettled.keys()
    const deliveries = ['a1', 'a2', 'a3', 'b4', 'c5'].map((id): Delivery => {
      const [key = '', n] = id
      const body = JSON.stringify({ n: Number(n), customer: key })
      return { scope: { id }, incoming: { ...incoming, id, key, body }, sameAs: id, brokerAttempts: 1, leaseUntil: undefined }
    })
    const [first, , last] = deliveries as [Delivery, Delivery, Delivery]
    driver.onSettle = (outcomes) => {
      if (outcomes[0]?.delivery.incoming.id === 'a2') receiver.intake.lost(last.scope, gone)
      return Promise.resolve(outcomes.map(() => 'durable'))
    }
    receiver.intake.deliver(deliveries)
    receiver.intake.lost(first.scope, gone)
    for (const n of [0, 4, 5]) await open(n)
    expect(started).toEqual(['0', '4', '5'])
  })

  it('does not adopt a redelivery into a task that is on its way back', async () => {
    const { handler, started, open } = gate()
    const { send, driver, receiver } = await setUp(handler, {}, { ...delayed, lease: { kind: 'message', ms: 30_000, maxMs: 3_600_000 } })
    const answer = Promise.withResolvers<readonly 'durable'[]>()
    driver.onSettle = () => answer.promise
    await send([1, 'a'])
    await open(1, retryLater(60_000))
    const [held] = receiver.unsettled.keys()
    receiver.intake.deliver([{ ...(held as Delivery), brokerAttempts: 2 }])
    answer.resolve(['durable'])
    await turns()
    expect(started).toEqual(['1', '1#2'])
  })
})

describe('batches and iteration', () => {
  it('hands out batches of one message per key, and shares their outcome', async () => {
    const batches: number[][] = []
    const driver = new NaiveDriver()
    const clock = new ManualClock()
    const broker = createBroker({ driver, destinations: [keyed], clock, random: () => 0.5, log: () => undefined })
    await broker.producer(keyed).sendBatch([1, 2, 3, 4].map((n) => ({ n, customer: n === 4 ? 'a' : `c${n}` })).concat({ n: 5, customer: 'a' }))
    await broker.consumeBatches(keyed, (messages) => void batches.push(messages.map((message) => message.body.n)), { batchSize: 3, lingerMs: 100 })
    await turns()
    clock.advance(100)
    await turns()
    clock.advance(100)
    await turns()
    expect(batches).toEqual([[1, 2, 3], [4], [5]])
    expect(driver.receivers[0]?.unsettled.size).toBe(0)
  })

  it('iterates; leaving the loop hands back what was not settled', async () => {
    const driver = new NaiveDriver()
    const broker = createBroker({ driver, destinations: [keyed], log: () => undefined })
    await broker.producer(keyed).sendBatch([1, 2, 3].map((n) => ({ n, customer: `c${n}` })))
    for await (const message of broker.messages(keyed)) {
      if (message.body.n === 2) break
      expect(await message.ack()).toBe('durable')
    }
    expect(driver.queue('keyed').ready.map(({ incoming }) => incoming.id)).toEqual(['m2', 'm3'])
    await broker.close()
  })
})

describe('what the broker would not take back', () => {
  it('is held and handled again here, where it would otherwise stay unsettled on its scope', async () => {
    const starts: number[] = []
    const { driver, send, pass, consumer, receiver } = await setUp(
      (message) => {
        starts.push(message.attempt)
        if (message.attempt === 1) return retryLater(10_000)
        return undefined
      },
      {},
      delayed,
    )
    const error = new BrokerError('ERR_INVALID', 'the copy does not fit')
    driver.onSettle = (outcomes) => (outcomes.some(({ action }) => action === 'retry') ? Promise.resolve(outcomes.map(() => ({ error }))) : undefined)
    await send([1, 'a'])
    expect(consumer.stats).toMatchObject({ held: 1, waiting: 1 })
    await pass(10_050)
    expect(starts).toEqual([1, 2])
    expect([consumer.stats.held, receiver.unsettled.size]).toEqual([0, 0])
  })

  it('comes again by itself where each message has a lease', async () => {
    const lease = { kind: 'message', ms: 30_000, maxMs: 60_000 } as const
    const { driver, send, consumer } = await setUp(() => retryLater(10_000), {}, { ...delayed, lease })
    driver.onSettle = (outcomes) => Promise.resolve(outcomes.map(() => ({ error: new BrokerError('ERR_INVALID', 'no') })))
    await send([1, 'a'])
    expect(consumer.stats).toMatchObject({ held: 0, waiting: 0 })
  })
})

describe('extending a message', () => {
  it('that is settled comes too late', async () => {
    const answers: unknown[] = []
    const { send } = await setUp(async (message) => {
      answers.push(await message.extend(1_000), await message.ack(), await message.extend(1_000))
    })
    await send([1, 'a'])
    expect(answers).toEqual(['accepted', 'durable', 'too-late'])
  })
})
