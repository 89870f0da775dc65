import { describe, expect, it } from 'vitest'
import type { ProcessFunction, ProcessMiddleware } from '../middleware/types.ts'
import { Directive } from '../outcome.ts'
import { setUp } from '../test-support/consumer-kit.ts'

const delayed = { redelivery: { immediate: true, delayed: { maxMs: 900_000, keepsOrder: true }, onReconnect: true } } as const

/** Asks for these waits, one after the other, and notes what it was told of the one before. */
function asking(waits: readonly { readonly delayMs: number; readonly counts?: boolean }[], told: (number | undefined)[]): ProcessFunction {
  let starts = 0
  return (context, next) => {
    told.push(context.previousWaitMs)
    const wait = waits[starts++]
    return wait === undefined ? next() : new Directive('retry', wait)
  }
}

describe('the wait before a start', () => {
  it('is known to middleware, and not changed by waits that use no attempt', async () => {
    const told: (number | undefined)[] = []
    const waits = [{ delayMs: 100 }, { delayMs: 300 }, { delayMs: 900, counts: false }]
    const { send, pass } = await setUp(() => undefined, { use: [asking(waits, told)] })
    await send([1, 'a'])
    await pass(2_000)
    expect(told).toEqual([undefined, 100, 300, 300])
  })

  it('is known after a wait at the broker', async () => {
    const told: (number | undefined)[] = []
    const { send, pass } = await setUp(() => undefined, { use: [asking([{ delayMs: 6_000 }, { delayMs: 100 }], told)] }, delayed)
    await send([1, 'a'])
    await pass(7_000)
    expect(told).toEqual([undefined, 6_000, 100])
  })
})

describe('a policy that cannot say how long to wait', () => {
  it.each([Number.NaN, Infinity, -1])('keeps the message, for 30 seconds, and is logged (%d)', async (delayMs) => {
    const told: (number | undefined)[] = []
    let handled = 0
    const error = new RangeError('no wait')
    const { send, pass, driver, logged } = await setUp(() => handled++, { use: [asking([{ delayMs, error } as Directive], told)] })
    await send([1, 'a'])
    await pass(29_900)
    expect(handled).toBe(0)
    await pass(200)
    expect(handled).toBe(1)
    expect(told).toEqual([undefined, undefined])
    expect(driver.queue('keyed.dead').ready).toEqual([])
    expect(logged.filter(([, event]) => event === 'retry:invalid-wait')).toEqual([
      ['error', 'retry:invalid-wait', { source: 'keyed', messageId: 'm1', error: 'RangeError: no wait' }],
    ])
  })

  it('uses attempts all the same, so that it ends', async () => {
    const invalid: ProcessMiddleware = {
      name: 'retry',
      stage: 'retry',
      process: ({ attempt }) =>
        attempt < 3 ? new Directive('retry', { delayMs: Number.NaN }) : new Directive('dead-letter', { reason: 'attempts exhausted' }),
    }
    const { send, pass, driver } = await setUp(() => undefined, { use: [invalid] })
    await send([1, 'a'])
    await pass(61_000)
    expect(driver.queue('keyed.dead').ready).toHaveLength(1)
  })
})

describe('a wait that uses no attempt', () => {
  const waiting = (logged: readonly (readonly unknown[])[]): unknown[] => logged.filter(([, event]) => event === 'message:waiting')

  it('is warned of with its error, at once and then once a minute, until it is over', async () => {
    let down = true
    let handled = 0
    const store: ProcessFunction = (_context, next) =>
      down ? new Directive('retry', { delayMs: 1_000, counts: false, error: new Error('the store is down') }) : next()
    const { send, pass, logged } = await setUp(() => handled++, { use: [store] })
    await send([1, 'a'], [2, 'b'])
    await pass(59_000)
    expect(waiting(logged)).toEqual([['warn', 'message:waiting', { source: 'keyed', messageId: 'm1', error: 'Error: the store is down' }]])
    await pass(120_000)
    expect(waiting(logged)).toHaveLength(3)
    down = false
    await pass(120_000)
    expect([handled, waiting(logged).length]).toEqual([2, 3])
  })

  it('is not where there is no error, or the attempt counts', async () => {
    const waits = [{ delayMs: 1_000, counts: false }, new Directive('retry', { delayMs: 1_000, error: new Error('no') })]
    const { send, pass, logged } = await setUp(() => undefined, { use: [asking(waits, [])] })
    await send([1, 'a'])
    await pass(10_000)
    expect(waiting(logged)).toEqual([])
  })
})

describe('a message of a key that has been held for so long that no wait fits', () => {
  it('goes back with what is behind it where the broker keeps no order, also without a wait', async () => {
    const handled: string[] = []
    const { promise: gate, resolve } = Promise.withResolvers<void>()
    const capabilities = {
      lease: { kind: 'scope', maxHoldMs: 60_000 },
      redelivery: { immediate: false, delayed: { maxMs: 900_000, keepsOrder: false }, onReconnect: true },
    } as const
    const { send, pass, receiver } = await setUp(
      async (message) => {
        handled.push(`${message.body.n}#${message.attempt}`)
        if (handled.length > 1) return
        await gate
        throw new Error('late')
      },
      { use: [(_, next) => Promise.resolve(next()).catch(() => new Directive('retry', { delayMs: 0 }))] },
      capabilities,
    )
    await send([1, 'a'], [2, 'a'])
    await pass(50_000)
    resolve()
    await pass(1_000)
    expect(receiver.settled.slice(0, 2).map(({ action }) => action)).toEqual(['release', 'release'])
    expect(handled).toEqual(['1#1', '1#2', '2#1'])
  })
})

describe('a retry at once', () => {
  const settledWith = async (holdMs: number | undefined, immediate: boolean, ordering?: 'best-effort'): Promise<readonly string[]> => {
    const attempts: number[] = []
    const again: ProcessMiddleware = {
      name: 'retry',
      stage: 'retry',
      retry: { maxAttempts: 3, maxWaitMs: 0, waitsMs: [0, 0], holdMs },
      process: ({ attempt }, next) => {
        attempts.push(attempt)
        return attempt < 3 ? new Directive('retry', { delayMs: 0 }) : next()
      },
    }
    const redelivery = { immediate, delayed: false, onReconnect: true } as const
    const { send, pass, receiver } = await setUp(() => undefined, { use: [again] }, { redelivery }, ordering && { ordering })
    await send([1, 'a'])
    await pass(1_000)
    expect(attempts).toEqual([1, 2, 3])
    return receiver.settled.map(({ action }) => action)
  }

  it('goes to the broker where nothing is to be held here, and the broker can do it', async () => {
    expect(await settledWith(0, true, 'best-effort')).toEqual(['retry', 'retry', 'ack'])
  })

  it('is made here where the broker cannot, where something may be held, and where others of its key would pass', async () => {
    expect(await settledWith(0, false, 'best-effort')).toEqual(['ack'])
    expect(await settledWith(undefined, true, 'best-effort')).toEqual(['ack'])
    expect(await settledWith(1, true, 'best-effort')).toEqual(['ack'])
    expect(await settledWith(0, true)).toEqual(['ack'])
  })
})
