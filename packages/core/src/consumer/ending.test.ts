import { describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { queue } from '../definitions/queue.ts'
import { BrokerError } from '../errors.ts'
import type { Message } from '../message.ts'
import { gate, keyed, setUp, type Order } from '../test-support/consumer-kit.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver, type NaiveReceiver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

interface Bare {
  readonly driver: NaiveDriver
  readonly clock: ManualClock
  readonly broker: Broker
  readonly pass: (ms: number) => Promise<void>
}

function bare(): Bare {
  const driver = new NaiveDriver()
  const clock = new ManualClock()
  const broker = createBroker({ driver, destinations: [keyed, queue('other')], clock, random: () => 0.5, log: () => undefined })
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      await turns()
      clock.advance(100)
      await turns()
    }
  }
  return { driver, clock, broker, pass }
}

/** Replaces how receivers start for as long as `during` takes. */
function starting(driver: NaiveDriver, start: (receiver: NaiveReceiver, original: () => Promise<void>) => Promise<void>): void {
  const connect = driver.connect.bind(driver)
  driver.connect = async () => {
    const link = await connect()
    const { receiver } = link
    return {
      ...link,
      receiver: (...parameters) => {
        const made = (receiver as Exclude<typeof receiver, false>)(...parameters) as NaiveReceiver
        const original = made.start.bind(made)
        made.start = () => start(made, original)
        return made
      },
    }
  }
}

function outcomeOf(work: Promise<unknown>): { value: unknown } {
  const outcome: { value: unknown } = { value: 'open' }
  work.then(
    () => (outcome.value = 'resolved'),
    (error: unknown) => (outcome.value = error),
  )
  return outcome
}

describe('a consumer that is starting', () => {
  it('starts no handler once the broker drains, and is handed back before the link closes', async () => {
    const { driver, broker, pass } = bare()
    let started!: () => void
    starting(driver, async (_, original) => {
      await new Promise<void>((resolve) => (started = resolve))
      await original()
    })
    await broker.producer(keyed).send({ n: 1, customer: 'a' })
    const seen: number[] = []
    const consuming = outcomeOf(broker.consume(keyed, (message) => void seen.push(message.body.n)))
    await turns()
    const draining = outcomeOf(broker.drain({ timeoutMs: 5_000 }))
    await turns()
    started()
    await pass(20_000)
    expect(seen).toEqual([])
    expect(consuming.value).toMatchObject({ code: 'ERR_CLOSED' })
    expect(draining.value).toBe('resolved')
    expect(driver.calls.findIndex((call) => call.startsWith('handBack'))).toBeGreaterThan(-1)
    expect(driver.calls.findIndex((call) => call.startsWith('handBack'))).toBeLessThan(driver.calls.indexOf('close'))
    expect(driver.queue('keyed').ready.length).toBe(1)
  })

  it.each(['drain', 'close'] as const)('never keeps %s from ending, however long it takes', async (how) => {
    const { driver, broker, pass, clock } = bare()
    starting(driver, () => new Promise(() => undefined))
    const consuming = outcomeOf(broker.consume(keyed, () => undefined))
    await turns()
    const ending = outcomeOf(how === 'drain' ? broker.drain({ timeoutMs: 1_000 }) : broker.close())
    await pass(20_000)
    expect(ending.value).toBe('resolved')
    expect(consuming.value).toMatchObject({ code: 'ERR_CLOSED' })
    expect(clock.timers).toBe(0)
  })

  it('ends with its signal, also while the broker cannot be reached', async () => {
    const { driver, broker, pass, clock } = bare()
    starting(driver, () => Promise.reject(new BrokerError('ERR_UNAVAILABLE', 'down')))
    const controller = new AbortController()
    const consuming = outcomeOf(broker.consume(keyed, () => undefined, { signal: controller.signal }))
    await pass(500)
    expect(consuming.value).toBe('open')
    controller.abort()
    await turns()
    expect(consuming.value).toMatchObject({ name: 'AbortError' })
    expect(clock.timers).toBe(0)
  })

  it('tells of a failure for good that comes while it starts', async () => {
    const { driver, broker } = bare()
    starting(driver, async (receiver, original) => {
      await original()
      receiver.intake.failed(new BrokerError('ERR_ACCESS_DENIED', 'no'), true)
    })
    const consumer = await broker.consume(keyed, () => undefined)
    await expect(consumer.closed).rejects.toThrow('no')
  })

  it('leaves no timers behind when a receiver that had delivered is made anew', async () => {
    const { driver, broker, clock, pass } = bare()
    Object.assign(driver.overrides, { lease: { kind: 'message', ms: 30_000, maxMs: 600_000 } })
    let failures = 0
    starting(driver, async (_, original) => {
      await original()
      await turns()
      if (failures++ === 0) throw new BrokerError('ERR_UNAVAILABLE', 'down')
    })
    await broker.producer(keyed).send({ n: 1, customer: 'a' })
    const consuming = broker.consume(keyed, () => new Promise(() => undefined))
    await pass(2_000)
    await consuming
    void broker.close()
    await pass(20_000)
    expect(clock.timers).toBe(0)
  })
})

describe('a broker', () => {
  it('drains although its connection never comes about', async () => {
    const { driver, broker, pass, clock } = bare()
    driver.connect = () => new Promise(() => undefined)
    const sending = outcomeOf(broker.producer(keyed).send({ n: 1, customer: 'a' }))
    const consuming = outcomeOf(broker.consume(keyed, () => undefined))
    const draining = outcomeOf(broker.drain({ timeoutMs: 1_000 }))
    await pass(20_000)
    expect(draining.value).toBe('resolved')
    expect(sending.value).toMatchObject({ code: 'ERR_CLOSED' })
    expect(consuming.value).toMatchObject({ code: 'ERR_CLOSED' })
    expect(clock.timers).toBe(0)
  })

  it('cuts its drain short when it is closed', async () => {
    const { handler } = gate()
    const { send, broker, consumer, pass } = await setUp(handler)
    await send([1, 'a'])
    const draining = outcomeOf(broker.drain({ timeoutMs: 60_000 }))
    await pass(100)
    void broker.close()
    await pass(2_000)
    expect(draining.value).toBe('resolved')
    await consumer.closed
  })

  it('says in its health that a consumer has failed, until another one takes its place', async () => {
    const { broker, receiver } = await setUp(() => undefined)
    expect(await broker.health()).toMatchObject({ ok: true })
    receiver.intake.failed(new BrokerError('ERR_ACCESS_DENIED', 'no'), true)
    await turns()
    expect(await broker.health()).toMatchObject({ ok: false })
    await broker.consume(keyed, () => undefined)
    expect(await broker.health()).toMatchObject({ ok: true })
  })

  it('closes a sender only when its last request has been answered', async () => {
    const { driver, broker, pass } = bare()
    const order: string[] = []
    const connect = driver.connect.bind(driver)
    driver.connect = async () => {
      const link = await connect()
      return { ...link, sender: (endpoint) => Object.assign(link.sender(endpoint), { close: async () => void order.push('closed') }) }
    }
    driver.onSend = (_, signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          setImmediate(() => {
            order.push('answered')
            resolve([{ ok: false, error: new BrokerError('ERR_CLOSED', 'aborted'), stored: 'unknown' }])
          })
        }),
      )
    const sending = outcomeOf(broker.producer(keyed).send({ n: 1, customer: 'a' }))
    await turns()
    void broker.close()
    await pass(5_000)
    expect(sending.value).toMatchObject({ code: 'ERR_CLOSED' })
    expect(order).toEqual(['answered', 'closed'])
  })

  it('survives telemetry and loggers that throw', async () => {
    const driver = new NaiveDriver()
    const broken = (): never => {
      throw new Error('broken')
    }
    const telemetry = { create: broken, send: broken, receive: broken, settle: broken, call: broken }
    const broker = createBroker({ driver, destinations: [keyed], clock: new ManualClock(), log: broken, telemetry })
    const seen: number[] = []
    await broker.consume(keyed, (message) => void seen.push(message.body.n), { concurrency: 1 })
    await broker.producer(keyed).sendBatch([1, 2, 3].map((n) => ({ n, customer: 'a' })))
    await turns()
    driver.receivers[0]?.intake.failed(new BrokerError('ERR_UNAVAILABLE', 'down'), false)
    driver.receivers[0]?.intake.lost({ id: 'unknown' }, new BrokerError('ERR_TOO_LATE', 'gone'))
    expect(seen).toEqual([1, 2, 3])
    expect(driver.receivers[0]?.unsettled.size).toBe(0)
  })
})

describe('pausing', () => {
  it('is undone once: a consumer that is not paused has nothing to resume', async () => {
    const { consumer, receiver } = await setUp(() => undefined)
    const calls: string[] = []
    receiver.pause = async () => void calls.push('pause')
    receiver.resume = async () => void calls.push('resume')
    await consumer.resume()
    await Promise.all([consumer.pause(), consumer.pause(), consumer.resume(), consumer.resume()])
    expect(calls).toEqual(['pause', 'resume'])
  })

  it('does nothing during a drain, after which nothing is resumed', async () => {
    const { consumer } = await setUp(() => undefined)
    const draining = consumer.drain()
    await Promise.all([draining, consumer.pause()])
    await expect(consumer.resume()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})

describe('iteration', () => {
  it('fails every next() when it cannot start, and can be left', async () => {
    const { driver, broker } = bare()
    starting(driver, () => Promise.reject(new BrokerError('ERR_ACCESS_DENIED', 'no')))
    const messages = broker.messages(keyed)[Symbol.asyncIterator]() as AsyncIterableIterator<Message<Order>> & AsyncDisposable
    const calls = [outcomeOf(messages.next()), outcomeOf(messages.next())]
    await turns()
    await turns()
    calls.push(outcomeOf(messages.next()))
    await turns()
    for (const call of calls) expect(call.value).toMatchObject({ code: 'ERR_ACCESS_DENIED' })
    await messages[Symbol.asyncDispose]()
  })

  it('starts nothing once it has been left', async () => {
    const { driver, broker } = bare()
    const messages = broker.messages(keyed)[Symbol.asyncIterator]() as AsyncIterableIterator<Message<Order>>
    await messages.return?.()
    expect(await messages.next()).toEqual({ done: true, value: undefined })
    expect(driver.receivers.length).toBe(0)
  })

  it('does not hand out what was lost before anybody asked for it', async () => {
    const { driver, broker } = bare()
    const messages = broker.messages(keyed)[Symbol.asyncIterator]()
    await broker.producer(keyed).sendBatch([1, 2, 3].map((n) => ({ n, customer: `k${n}` })))
    const first = await messages.next()
    await turns()
    const receiver = driver.receivers[0] as NaiveReceiver
    receiver.intake.lost(receiver.scope, new BrokerError('ERR_TOO_LATE', 'gone'))
    await turns()
    receiver.drop()
    await turns()
    const second = await messages.next()
    expect([(first.value as Message<Order>).body.n, (second.value as Message<Order>).body.n]).toEqual([1, 1])
    expect(await (second.value as Message<Order>).ack()).toBe('durable')
    void broker.close()
  })
})

describe('batches', () => {
  it('are handled no more at once than concurrency says', async () => {
    const { driver, broker, pass } = bare()
    const sizes: number[] = []
    let finish!: () => void
    await broker.consumeBatches(
      keyed,
      async (messages) => {
        sizes.push(messages.length)
        await new Promise<void>((resolve) => (finish = resolve))
      },
      { batchSize: 4, lingerMs: 100 },
    )
    await broker.producer(keyed).send({ n: 1, customer: 'a' })
    await pass(200)
    await broker.producer(keyed).sendBatch([2, 3, 4, 5, 6, 7].map((n) => ({ n, customer: `k${n}` })))
    await pass(1_000)
    expect(sizes).toEqual([1])
    finish()
    await pass(200)
    expect(sizes).toEqual([1, 3])
    finish()
    await pass(200)
    expect(sizes).toEqual([1, 3, 1])
    finish()
    await pass(200)
    expect(sizes).toEqual([1, 3, 1, 2])
    expect(driver.queue('keyed').ready.length).toBe(0)
    finish()
  })

  it.each(['drain', 'close'] as const)('are not begun after %s, and leave no timer', async (how) => {
    const { driver, broker, pass, clock } = bare()
    let calls = 0
    const consumer = await broker.consumeBatches(keyed, () => void calls++, { batchSize: 10, lingerMs: 10_000 })
    await broker.producer(keyed).send({ n: 1, customer: 'a' })
    await turns()
    const ending = outcomeOf(how === 'drain' ? consumer.drain({ timeoutMs: 60_000 }) : consumer.close())
    await pass(3_000)
    expect(ending.value).toBe('resolved')
    expect(calls).toBe(0)
    expect(driver.queue('keyed').ready.length).toBe(1)
    void broker.close()
    await pass(3_000)
    expect(clock.timers).toBe(0)
  })

  it('do not hold what was lost while they filled', async () => {
    const { driver, broker, pass } = bare()
    const batches: number[][] = []
    await broker.consumeBatches(keyed, (messages) => void batches.push(messages.map((message) => message.body.n)), { batchSize: 10, lingerMs: 1_000 })
    await broker.producer(keyed).sendBatch([1, 2].map((n) => ({ n, customer: `k${n}` })))
    await turns()
    const receiver = driver.receivers[0] as NaiveReceiver
    receiver.intake.lost(receiver.scope, new BrokerError('ERR_TOO_LATE', 'gone'))
    await turns()
    receiver.drop()
    await pass(2_000)
    expect(batches).toEqual([[1, 2]])
    expect(receiver.unsettled.size).toBe(0)
  })
})
