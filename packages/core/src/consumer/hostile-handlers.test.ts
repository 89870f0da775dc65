import { describe, expect, it } from 'vitest'
import type { Settlement } from '../message.ts'
import type { ProcessContext, ProcessMiddleware } from '../middleware/types.ts'
import { deadLetter, retryLater } from '../outcome.ts'
import { gate, setUp } from '../test-support/consumer-kit.ts'

describe('handlers', () => {
  it('may answer with any thenable: it is waited for', async () => {
    let begun = false
    const { handler, open } = gate()
    const { send, receiver } = await setUp((message, context) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is what query builders are.
      then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
        begun = true
        void (handler(message, context) as Promise<unknown>).then(resolve, reject)
      },
    }))
    await send([1, 'a'])
    expect(begun).toBe(true)
    expect(receiver.settled).toEqual([])
    await open(1)
    expect(receiver.settled).toMatchObject([{ action: 'ack' }])
  })

  it('that ask for another start at once do not keep the program from doing anything else', async () => {
    let starts = 0
    const { send, pass } = await setUp((message) => {
      if (++starts < 1_000) return retryLater(0)
      void message.ack()
      return undefined
    })
    await send([1, 'a'])
    expect(starts).toBeLessThan(10)
    await pass(50)
    expect(starts).toBeGreaterThan(1)
  })

  it('that nack at once are started again, one start per turn of the clock', async () => {
    const attempts: number[] = []
    const { send, pass } = await setUp(async (message) => {
      attempts.push(message.attempt)
      if (message.attempt < 3) await message.nack()
    })
    await send([1, 'a'])
    await pass(100)
    expect(attempts).toEqual([1, 2, 3])
  })

  it('may throw what nobody can read, and it goes to the dead letters like any failure', async () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const broken = Object.assign(new Error('x'), { name: undefined, message: 5 })
    const unreadable = Object.defineProperty(new Error('x'), 'message', {
      get: (): never => {
        throw new Error('no')
      },
    })
    const thrown: unknown[] = [circular, broken, unreadable, { big: 1n }, null, Symbol('s')]
    const { send, pass, driver, consumer } = await setUp((message) => {
      throw thrown[message.body.n]
    })
    await send(...thrown.map((_, n) => [n, `k${n}`] as const))
    await pass(5_000)
    expect(driver.queue('keyed.dead').ready.length).toBe(thrown.length)
    expect(consumer.stats.held).toBe(0)
  })

  it('may throw and return proxies that answer nothing', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const secretive = new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('no')
        },
      },
    )
    const ends: Record<string, () => unknown> = {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is what is tested.
      a: () => Promise.reject(proxy),
      b: () => {
        throw proxy as Error
      },
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is what is tested.
      c: () => Promise.reject(secretive),
      d: () => deadLetter('no use', proxy),
      e: async () => secretive,
      f: () => secretive,
    }
    const { send, pass, driver, consumer } = await setUp((message) => ends[message.body.customer]?.(), { concurrency: 1 })
    await send([1, 'a'], [2, 'b'], [3, 'c'], [4, 'd'], [5, 'e'], [6, 'f'])
    await pass(100_000)
    expect(consumer.stats).toMatchObject({ held: 0, running: 0 })
    expect(driver.queue('keyed.dead').ready.map(({ incoming }) => incoming.id)).toEqual(['m4', 'm6', 'm1', 'm2', 'm3'])
  })

  it('may meet a policy that throws, or decides nothing: the message is kept, the attempts count, and the reason is logged', async () => {
    const decisions: Record<string, () => unknown> = {
      a: () => {
        throw new Error('a bug')
      },
      b: () => undefined,
      c: () => {
        throw Object.create(null)
      },
    }
    const declared = { maxAttempts: 2, maxWaitMs: 10, waitsMs: [1], holdMs: undefined }
    const policy = {
      name: 'mine',
      stage: 'retry',
      process: (_: unknown, next: () => unknown) => next(),
      retry: { ...declared, decide: (context: ProcessContext) => decisions[context.message.orderingKey as string]?.() },
    } as unknown as ProcessMiddleware
    const attempts: string[] = []
    const { send, pass, driver, consumer, logged } = await setUp(
      (message) => {
        attempts.push(`${message.body.customer}${message.attempt}`)
        throw new Error('failed')
      },
      { use: [policy], concurrency: 1 },
    )
    await send([1, 'a'], [2, 'b'], [3, 'c'])
    expect(consumer.stats).toMatchObject({ running: 0, waiting: 3 })
    await pass(30_100)
    expect(attempts).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2'])
    expect(driver.queue('keyed.dead').ready.length).toBe(3)
    const reasons = logged.filter(([, event]) => event === 'retry:invalid-wait').map(([, , data]) => (data as { error: unknown }).error)
    expect(reasons).toEqual(['Error: a bug', 'TypeError: retry.decide returned undefined', 'unreadable'])
  })

  it('may ack and then throw, or nack and then return: the settle call holds, and what came after it is logged', async () => {
    const settlements: Settlement[] = []
    const { send, pass, receiver, logged } = await setUp(async (message) => {
      if (message.body.n === 1) {
        settlements.push(await message.ack())
        throw new Error('after the ack')
      }
      if (message.attempt === 1) settlements.push(await message.nack({ delayMs: 100 }))
    })
    await send([1, 'a'], [2, 'b'])
    expect(settlements.toSorted()).toEqual(['accepted', 'durable'])
    expect(receiver.settled.map((outcome) => outcome.action)).toEqual(['ack'])
    await pass(200)
    expect(receiver.settled.map((outcome) => outcome.action)).toEqual(['ack', 'ack'])
    const ignored = logged.filter(([, event]) => event === 'outcome:ignored')
    expect(ignored).toEqual([['warn', 'outcome:ignored', { source: 'keyed', messageId: 'm1', settled: 'ack', error: 'Error: after the ack' }]])
  })
})
