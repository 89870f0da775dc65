import { describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { queue } from '../definitions/queue.ts'
import type { Queue } from '../definitions/types.ts'
import type { Outgoing, SendResult } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import type { SendFunction } from '../middleware/types.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { cpuMs } from '../test-support/cpu-time.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'
import type { BatchResult } from './types.ts'

const plain = queue('plain')

interface SetUp {
  readonly driver: NaiveDriver
  readonly clock: ManualClock
  readonly broker: Broker
  /** Requests that wait for their answer. */
  readonly out: { readonly batch: readonly Outgoing[]; readonly resolve: (results: readonly SendResult[]) => void }[]
}

async function setUp(answering = true): Promise<SetUp> {
  const driver = new NaiveDriver()
  const clock = new ManualClock()
  const broker = createBroker({ driver, destinations: [plain], clock, random: () => 0.5, log: () => undefined })
  await broker.start()
  const out: SetUp['out'] = []
  if (!answering) driver.onSend = (batch) => new Promise((resolve) => out.push({ batch, resolve }))
  return { driver, clock, broker, out }
}

function outcomeOf(work: Promise<unknown>): { value: unknown } {
  const outcome: { value: unknown } = { value: 'open' }
  work.then(
    (value) => (outcome.value = value),
    (error: unknown) => (outcome.value = error),
  )
  return outcome
}

function schemaOf(validate: () => unknown): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } } as unknown as StandardSchema
}

describe('aborting', () => {
  it('a batch ends what was not handed over, the bodies that still waited for room too', async () => {
    const { broker, out } = await setUp(false)
    const controller = new AbortController()
    const batch = outcomeOf(
      broker.producer(plain, { maxBuffered: 20 }).sendBatch(
        Array.from({ length: 100 }, (_, n) => n),
        { signal: controller.signal },
      ),
    )
    await turns()
    const handedOver = out.flatMap((request) => request.batch).length
    controller.abort()
    await turns()
    for (const request of out) request.resolve(request.batch.map(() => ({ ok: true })))
    await turns()
    const results = batch.value as readonly BatchResult[]
    expect(results.filter((result) => result.ok).length).toBe(handedOver)
    expect(out.flatMap((request) => request.batch).length).toBe(handedOver)
    const failed = results.find((result) => !result.ok)
    expect(failed).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_TIMEOUT', cause: { name: 'AbortError' } } })
  })

  it('listens once per signal, however many messages share it, and leaves no listener', async () => {
    const { broker } = await setUp()
    let listeners = 0
    let added = 0
    const { signal } = new AbortController()
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...parameters: Parameters<typeof add>) => {
      listeners++
      added++
      add(...parameters)
    }
    signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
      listeners--
      remove(...parameters)
    }
    const producer = broker.producer(plain)
    await producer.sendBatch(
      Array.from({ length: 1_000 }, (_, n) => n),
      { signal },
    )
    await Promise.all([1, 2, 3].map((n) => producer.send(n, { signal })))
    expect(listeners).toBe(0)
    expect(added).toBeLessThan(10)
    await broker.close()
    await expect(producer.send(1, { signal })).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(listeners).toBe(0)
  })
})

describe('validation', () => {
  it('in a later turn does not bring the process down when encoding fails first', async () => {
    const driver = new NaiveDriver()
    const refusing = queue('refusing', { schema: schemaOf(async () => ({ issues: [{ message: 'no' }] })) })
    const broker = createBroker({ driver, destinations: [refusing], clock: new ManualClock() })
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', onUnhandled)
    await expect(broker.producer(refusing).send({ big: 1n })).rejects.toBeInstanceOf(Error)
    await turns()
    await turns()
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  it('is waited for, whatever kind of thenable it answers with', async () => {
    const driver = new NaiveDriver()
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested.
    const refusing = queue('refusing', { schema: schemaOf(() => ({ then: (resolve: (value: unknown) => void) => resolve({ issues: [{ message: 'no' }] }) })) })
    const broker = createBroker({ driver, destinations: [refusing], clock: new ManualClock() })
    await expect(broker.producer(refusing).send({})).rejects.toMatchObject({ code: 'ERR_INVALID' })
    expect(driver.queue('refusing').ready.length).toBe(0)
  })
})

describe('lingering', () => {
  it('ends when a request is full', async () => {
    const { broker, driver } = await setUp()
    const producer = broker.producer(plain, { lingerMs: 1_000 })
    const sends = [producer.send(0)]
    await turns()
    expect(driver.calls).toEqual([])
    for (let n = 1; n < 10; n++) sends.push(producer.send(n))
    await turns()
    expect(driver.calls).toEqual(['send plain 10'])
    await Promise.all(sends)
  })

  it('leaves no timer when the broker closes', async () => {
    const { broker, clock } = await setUp()
    const sending = outcomeOf(broker.producer(plain, { lingerMs: 60_000 }).send(1))
    await turns()
    const closing = broker.close()
    await turns()
    clock.advance(1)
    await closing
    expect(sending.value).toMatchObject({ code: 'ERR_CLOSED' })
    expect(clock.timers).toBe(0)
  })
})

describe('middleware that hangs or misbehaves', () => {
  it('does not keep later messages of a pipelined producer once its own message has timed out', async () => {
    const { broker, clock } = await setUp()
    const hang: SendFunction = (context, next) => (context.body === 'hang' ? new Promise(() => undefined) : next())
    const producer = broker.producer(plain, { sendOrder: 'pipelined', use: [hang] })
    const hanging = outcomeOf(producer.send('hang', { timeoutMs: 1_000 }))
    const later = outcomeOf(producer.send('later', { timeoutMs: 10_000 }))
    await turns()
    clock.advance(1_500)
    await turns()
    expect(hanging.value).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(later.value).toMatchObject({ id: expect.any(String) })
  })

  it('is told when its message ended before it called next()', async () => {
    const { broker, clock } = await setUp()
    let told: unknown
    let goOn!: () => void
    const late: SendFunction = async (_, next) => {
      await new Promise<void>((resolve) => (goOn = resolve))
      try {
        return await next()
      } catch (error) {
        told = error
        throw error
      }
    }
    const sending = outcomeOf(broker.producer(plain, { use: [late] }).send(1, { timeoutMs: 1_000 }))
    await turns()
    clock.advance(1_000)
    await turns()
    expect(sending.value).toMatchObject({ code: 'ERR_TIMEOUT' })
    goOn()
    await turns()
    expect(told).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('does not make a stored message look unsent', async () => {
    const { broker } = await setUp()
    const forgetful = (async (_: unknown, next: () => Promise<unknown>) => void (await next())) as unknown as SendFunction
    await expect(broker.producer(plain, { use: [forgetful] }).send(1)).resolves.toMatchObject({ id: expect.any(String) })
    const clumsy: SendFunction = async (_, next) => {
      await next()
      throw new Error('after the send')
    }
    const [result] = await broker.producer(plain, { use: [clumsy] }).sendBatch([1])
    expect(result).toMatchObject({ ok: false, stored: 'unknown' })
  })

  it('counts the bytes of what it prepares', async () => {
    const { broker } = await setUp(false)
    const hang: SendFunction = () => new Promise(() => undefined)
    const producer = broker.producer(plain, { use: [hang], maxBufferedBytes: 100 })
    void producer.send('x'.repeat(200)).catch(() => undefined)
    await expect(producer.send('y')).rejects.toMatchObject({ code: 'ERR_THROTTLED' })
    void broker.close()
  })
})

describe('a sender', () => {
  it('that breaks its promise and rejects costs one request, not the producer', async () => {
    const { broker, driver, clock } = await setUp()
    driver.onSend = () => {
      driver.onSend = () => Promise.resolve([])
      return Promise.reject(new Error('a bug of the driver'))
    }
    const sending = outcomeOf(broker.producer(plain).send(1))
    await turns()
    clock.advance(100)
    await turns()
    driver.onSend = undefined
    clock.advance(1_000)
    await turns()
    expect(sending.value).toMatchObject({ id: expect.any(String) })
  })
})

describe('many messages', () => {
  it('of a batch wait for room in bounded memory and linear time, also when one alone exceeds the bytes', async () => {
    const { broker } = await setUp()
    const results = await broker.producer(plain, { maxBuffered: 100, maxBufferedBytes: 1 }).sendBatch(Array.from({ length: 1_000 }, (_, n) => n))
    expect(results.every((result) => result.ok)).toBe(true)
    const began = cpuMs()
    const more = await broker.producer(plain, { maxBuffered: 1_000 }).sendBatch(Array.from({ length: 200_000 }, (_, n) => n))
    expect(more.every((result) => result.ok)).toBe(true)
    expect(cpuMs() - began).toBeLessThan(4_000)
  })

  it('are put back after failed requests without going through all that wait', async () => {
    const { broker, driver, clock } = await setUp()
    const producer = broker.producer(plain, { maxBuffered: 400_000 })
    driver.onSend = (batch) => Promise.resolve(batch.map(() => ({ ok: false, error: new BrokerError('ERR_THROTTLED', 'slow down'), stored: 'no' })))
    const sends = producer.sendBatch(
      Array.from({ length: 300_000 }, (_, n) => n),
      { timeoutMs: 3_600_000 },
    )
    await turns()
    const began = cpuMs()
    for (let n = 0; n < 200; n++) {
      clock.advance(5_000)
      await turns()
    }
    expect(cpuMs() - began).toBeLessThan(400)
    const closing = broker.close()
    await turns()
    clock.advance(10_000)
    await closing
    await sends
  })
})

describe('wrong types', () => {
  it.each([undefined, null, 'abc', {}, new Set([1])])('%o is no batch', async (bodies) => {
    const { broker, driver } = await setUp()
    await expect(broker.producer(plain).sendBatch(bodies as never)).rejects.toThrow(/^sendBatch: an array of bodies is needed, not /)
    expect(driver.calls).toEqual([])
  })

  it.each<[string, object | null, string]>([
    ['signal', { signal: {} }, 'send: signal must be an AbortSignal, not object'],
    ['headers', { headers: 'xy' }, 'headers must be an object of texts, not string'],
    ['headers', { headers: ['x'] }, 'headers must be an object of texts, not an array'],
    ['headers', { headers: null }, 'headers must be an object of texts, not null'],
    ['options', null, 'send: options must be an object, not null'],
    ['delay', { delayMs: '5' }, 'delayMs must be a number ≥ 0, not 5'],
  ])('of %s are refused, and nothing is sent', async (_what, options, message) => {
    const { broker, driver } = await setUp()
    await expect(broker.producer(plain).send(1, options as never)).rejects.toThrow(new TypeError(message).message)
    await turns()
    expect(driver.calls).toEqual([])
    expect(broker.producer(plain).pending).toBe(0)
  })
})

describe('what a definition throws', () => {
  const boom = (): never => {
    throw new Error('boom')
  }

  it.each<[string, Queue<string>]>([
    ['its codec', queue<string>('odd', { codec: { contentType: 'text/plain', json: false, encode: boom, decode: boom } })],
    ['its ordering key', queue<string>('odd', { orderingKey: boom })],
    ['its schema', queue('odd', { schema: schemaOf(boom) }) as Queue<string>],
  ])('by %s is ERR_INVALID of the send, with its cause', async (_, odd) => {
    const broker = createBroker({ driver: new NaiveDriver(), destinations: [odd], log: () => undefined })
    await expect(broker.producer(odd).send('x')).rejects.toMatchObject({
      code: 'ERR_INVALID',
      message: expect.stringContaining('boom'),
      cause: new Error('boom'),
    })
    await broker.close()
  })
})

describe('a middleware that fails after it has called next()', () => {
  it('does not make of what is on its way something that is not stored', async () => {
    const { driver, broker } = await setUp()
    const impatient: SendFunction = (_context, next) => {
      void next()
      return Promise.reject(new Error('too slow'))
    }
    const [result] = await broker.producer(plain, { use: [impatient] }).sendBatch([1])
    await turns()
    expect(driver.queue('plain').ready.length).toBe(1)
    expect(result).toMatchObject({ ok: false, stored: 'unknown' })
  })
})

describe('aborting while others fill the buffer', () => {
  it('ends a batch that waits for room', async () => {
    const { broker } = await setUp(false)
    const producer = broker.producer(plain, { maxBuffered: 2, timeoutMs: 3_600_000 })
    void producer.sendBatch([1, 2])
    const controller = new AbortController()
    const batch = outcomeOf(producer.sendBatch([3, 4], { signal: controller.signal }))
    await turns()
    controller.abort()
    await turns()
    expect(batch.value).toMatchObject([
      { ok: false, stored: 'no' },
      { ok: false, stored: 'no' },
    ])
  })
})
