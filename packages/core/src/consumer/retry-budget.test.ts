import { describe, expect, it } from 'vitest'
import type { Capabilities } from '../driver/index.ts'
import type { ProcessMiddleware, RetryDeclaration } from '../middleware/types.ts'
import { retryLater } from '../outcome.ts'
import { setUp } from '../test-support/consumer-kit.ts'

const minute = 60_000
const scope = (maxHoldMs: number): Partial<Capabilities> => ({ lease: { kind: 'scope', maxHoldMs } })

function retry(declared: Partial<RetryDeclaration>): ProcessMiddleware {
  const { maxAttempts = 3, waitsMs = [] } = declared
  return {
    name: 'retry',
    stage: 'retry',
    process: (_, next) => next(),
    retry: { maxAttempts, waitsMs, maxWaitMs: Math.max(0, ...waitsMs), holdMs: undefined, ...declared },
  }
}

function retryAfter(ms: number): ProcessMiddleware {
  return {
    name: 'after',
    stage: 'custom',
    process: async (_, next) => {
      try {
        return await next()
      } catch (error) {
        return retryLater(ms, error)
      }
    },
  }
}

describe('the retry budget', () => {
  it('of the default policy is on the consumer', async () => {
    const { consumer } = await setUp(() => undefined)
    expect(consumer.retryBudget).toEqual({
      attempts: 3,
      longestWaitMs: 2_000,
      totalWaitMs: 3_000,
      attemptMs: undefined,
      heldMs: 3_000,
      holdLimitMs: Infinity,
      nativeDeliveries: 100,
    })
  })

  it('is logged when the consumer starts, once however many messages follow', async () => {
    const { consumer, send, pass, logged } = await setUp(() => {
      throw new Error('no')
    })
    await send([1, 'a'], [2, 'b'])
    await pass(minute)
    expect(logged.filter(([, event]) => event === 'retry:budget')).toEqual([['info', 'retry:budget', { source: 'keyed', ...consumer.retryBudget }]])
  })

  it('adds up what is held on one lease: waits here and bounded attempts, until the broker has the message', async () => {
    const timeout: ProcessMiddleware = { name: 'timeout', stage: 'timeout', process: (_, next) => next(), attemptMs: 10_000 }
    const delayed = { immediate: true, delayed: { maxMs: 900_000, keepsOrder: true }, onReconnect: true }
    const use = [retry({ maxAttempts: 5, waitsMs: [1_000, 2_000, minute, 3_000] }), timeout]
    const { consumer } = await setUp(() => undefined, { use }, { redelivery: delayed })
    // Three attempts and two waits, then a wait at the broker, then two attempts and a wait.
    expect(consumer.retryBudget).toMatchObject({ attempts: 5, totalWaitMs: 66_000, elapsedMs: 116_000, attemptMs: 10_000, heldMs: 33_000 })
  })

  it('knows of a limit of elapsed time: no attempt begins after it', async () => {
    const timeout: ProcessMiddleware = { name: 'timeout', stage: 'timeout', process: (_, next) => next(), attemptMs: 10_000 }
    const use = [retry({ maxAttempts: 5, waitsMs: [1_000, 2_000, minute, 3_000], maxElapsedMs: 30_000 }), timeout]
    const { consumer } = await setUp(() => undefined, { use })
    expect(consumer.retryBudget).toMatchObject({ totalWaitMs: 30_000, elapsedMs: 40_000 })
  })

  it('is refused when it cannot hold, with what would', async () => {
    const use = [retry({ maxAttempts: 9, waitsMs: Array.from({ length: 8 }, () => minute) })]
    await expect(setUp(() => undefined, { use }, scope(5 * minute))).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining('may hold a message for 480000 ms, and this backend lets it be held for 240000'),
    })
    await expect(setUp(() => undefined, { use: [retry({ waitsMs: [10 * minute, 0] })] }, scope(5 * minute))).rejects.toMatchObject({
      message: expect.stringContaining('the largest that fits is 240000 ms'),
    })
    await expect(setUp(() => undefined, { use: [retry({ maxAttempts: 11 })] })).rejects.toMatchObject({
      message: expect.stringContaining('maxAttempts of 11 is above the 10 that native limits are provisioned for'),
    })
  })

  it('without an end needs the native limit off', async () => {
    await expect(setUp(() => undefined, { onExhausted: 'block' })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining('nativeLimit: false'),
    })
    const { consumer } = await setUp(() => undefined, { onExhausted: 'block' }, {}, { nativeLimit: false })
    expect(consumer.retryBudget).toMatchObject({ attempts: Infinity, totalWaitMs: Infinity, nativeDeliveries: false })
  })

  it('needs it said that it is off also where dead letters go nowhere: the driver then looks whether it is', async () => {
    await expect(setUp(() => undefined, { onExhausted: 'block' }, {}, { deadLetter: 'drop' })).rejects.toMatchObject({
      message: expect.stringContaining('nativeLimit: false'),
    })
    const { consumer } = await setUp(() => undefined, { use: [retry({ maxAttempts: 50 })] }, {}, { deadLetter: 'block' })
    expect(consumer.retryBudget).toMatchObject({ attempts: Infinity })
  })
})

describe('a message that has been held too long', () => {
  it('goes back with what waits behind it, comes again with its count of attempts, and waits as long as asked', async () => {
    const starts: string[] = []
    const { send, pass, receiver } = await setUp(
      async (message) => {
        starts.push(`${message.body.n}#${message.attempt}`)
        if (message.body.n !== 1) return
        if (message.attempt === 2) return
        // As long as the handler of the first attempt takes, nobody can know how much of the lease will be left.
        await held
        throw new Error('no')
      },
      { use: [retry({ maxAttempts: 3, waitsMs: [30_000, 30_000] }), retryAfter(30_000)] },
      scope(100_000),
    )
    const { promise: held, resolve } = Promise.withResolvers<void>()
    await send([1, 'a'], [2, 'a'], [3, 'b'])
    expect(starts).toEqual(['1#1', '3#1'])
    await pass(60_000)
    resolve()
    await pass(1_000)
    expect(receiver.settled.map(({ action }) => action)).toEqual(['ack', 'release', 'release'])
    await pass(28_900)
    expect(starts).toEqual(['1#1', '3#1'])
    await pass(200)
    expect(receiver.settled.map(({ action }) => action)).toEqual(['ack', 'release', 'release', 'ack', 'ack'])
    expect(starts).toEqual(['1#1', '3#1', '1#2', '2#1'])
  })

  it('goes back if the broker counts a wait from the receipt, and is given the rest when it has come anew', async () => {
    const starts: number[] = []
    const limits: Partial<Capabilities> = {
      lease: { kind: 'message', ms: 30_000, maxMs: 100_000 },
      redelivery: { immediate: true, delayed: { maxMs: 100_000, keepsOrder: true }, onReconnect: true },
    }
    const { promise: held, resolve } = Promise.withResolvers<void>()
    const { send, pass, receiver } = await setUp(
      async (message) => {
        starts.push(message.attempt)
        if (starts.length > 1) return
        await held
        throw new Error('no')
      },
      { use: [retry({ maxAttempts: 3, waitsMs: [90_000, 90_000] }), retryAfter(90_000)] },
      limits,
    )
    await send([1, 'a'])
    await pass(20_000)
    resolve()
    await pass(500)
    // The driver here gives back at once what it is asked to keep.
    expect(receiver.settled.map(({ action }) => action)).toEqual(['release', 'retry', 'ack'])
    expect(receiver.settled[1]).toMatchObject({ delayMs: expect.closeTo(90_000, -3), attempt: 1 })
    expect(starts).toEqual([1, 2])
  })
})
