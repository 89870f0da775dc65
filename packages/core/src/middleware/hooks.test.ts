import { describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import { queue } from '../definitions/queue.ts'
import { deadLetter, retryLater } from '../outcome.ts'
import { gate, setUp } from '../test-support/consumer-kit.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'
import type { ProcessFunction, ProcessMiddleware, ProcessSettlement, SendFunction } from './types.ts'
import type { ProcessStage } from './stages.ts'

function at(stage: ProcessStage, process: ProcessFunction, more: Partial<ProcessMiddleware> = {}): ProcessMiddleware {
  return { name: stage, stage, process, ...more }
}

describe('middleware of the stages before decoding', () => {
  const secret = queue<{ readonly n: number }>('secret')

  const sealed = 'sealed:'
  const encryption: SendFunction = (context, next) => {
    const body = `${sealed}${String(context.outgoing.body)}`
    context.outgoing = { ...context.outgoing, body, bodyBytes: body.length }
    return next()
  }
  const decryption = at('decryption', (context, next) => {
    expect(context.message.body).toBeUndefined()
    context.incoming = { ...context.incoming, body: String(context.incoming.body).slice(sealed.length) }
    return next()
  })

  it('change what is decoded, and not what goes to the dead letters', async () => {
    const driver = new NaiveDriver()
    const broker = createBroker({ driver, destinations: [secret], clock: new ManualClock(), log: () => undefined })
    const seen: unknown[] = []
    const look: ProcessFunction = (context, next) => {
      seen.push(context.message.body)
      return next()
    }
    await broker.consume(secret, ({ body }) => (body.n === 2 ? deadLetter('no') : undefined), { use: [decryption, look] })
    await broker.producer(secret, { use: [encryption] }).sendBatch([{ n: 1 }, { n: 2 }])
    await turns()
    await turns()
    expect(seen).toEqual([{ n: 1 }, { n: 2 }])
    expect(driver.queue('secret.dead').ready.map(({ incoming }) => incoming.body)).toEqual([`${sealed}{"n":2}`])
  })

  it('are missed where the body is not what was sent: no handler sees it', async () => {
    const driver = new NaiveDriver()
    const broker = createBroker({ driver, destinations: [secret], clock: new ManualClock(), log: () => undefined })
    let handled = 0
    await broker.consume(secret, () => void handled++)
    await broker.start()
    driver.queue('secret').push({ id: 'x', body: '{"n":1}', bodyBytes: 7, headers: { 'busbar-claim': '{}' }, attempt: 0 } as never)
    await turns()
    await turns()
    expect([handled, driver.queue('secret.dead').ready.length]).toEqual([0, 1])
  })

  it('may answer for the message, which is then never decoded', async () => {
    const driver = new NaiveDriver()
    const broker = createBroker({ driver, destinations: [secret], clock: new ManualClock(), log: () => undefined })
    let handled = 0
    await broker.consume(secret, () => void handled++, { use: [at('claim-check', () => retryLater(60_000))] })
    driver.queue('secret').push({ id: 'x', body: 'not JSON', bodyBytes: 8, headers: {}, attempt: 0 } as never)
    await turns()
    expect([handled, driver.receivers[0]?.settled]).toEqual([0, []])
  })
})

describe('cancel', () => {
  it('fires the signal, and the attempt counts', async () => {
    const timeout = new Error('too long')
    const reasons: unknown[] = []
    const cancelling: ProcessFunction = (context, next) => {
      queueMicrotask(() => context.cancel(timeout))
      return next()
    }
    const { send, pass } = await setUp(
      (message, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push([message.attempt, signal.reason])
            reject(signal.reason as Error)
          })
        }),
      { use: [cancelling] },
    )
    await send([1, 'a'])
    await pass(10_000)
    expect(reasons).toEqual([1, 2, 3].map((attempt) => [attempt, timeout]))
  })
})

describe('suspend', () => {
  it('pauses intake and starts until all have let go; a pause of the user stays', async () => {
    const { handler, started, open } = gate()
    const holds: (() => void)[] = []
    const suspending: ProcessFunction = (context, next) => {
      holds.push(context.suspend())
      return next()
    }
    const { send, driver, consumer } = await setUp(handler, { use: [suspending] })
    await send([1, 'a'], [2, 'b'])
    expect(started).toEqual(['1'])
    expect(driver.calls.filter((call) => call === 'pause')).toHaveLength(1)
    await open(1)
    expect(started).toEqual(['1'])
    await consumer.pause()
    holds[0]?.()
    holds[0]?.()
    await turns()
    // What is held is finished; nothing new comes while the user has paused.
    expect(started).toEqual(['1', '2'])
    await send([3, 'c'])
    holds[1]?.()
    await open(2)
    expect(started).toEqual(['1', '2'])
    await consumer.resume()
    await turns()
    expect(started).toEqual(['1', '2', '3'])
  })
})

describe('settled', () => {
  it('is told once how each message ended', async () => {
    const told: [unknown, ProcessSettlement][] = []
    const settled: ProcessMiddleware['settled'] = (context, settlement) => {
      told.push([context.message.body, settlement])
      throw new Error('a bug of the middleware')
    }
    const { send, pass } = await setUp(
      (message) => {
        if (message.body.n === 2) throw new Error('always')
      },
      { use: [at('custom', (_, next) => next(), { settled })] },
    )
    await send([1, 'a'], [2, 'b'])
    await pass(10_000)
    expect(told).toEqual([
      [
        { n: 1, customer: 'a' },
        { action: 'ack', result: 'durable' },
      ],
      [
        { n: 2, customer: 'b' },
        { action: 'dead-letter', result: 'durable' },
      ],
    ])
  })
})
