import { describe, expect, it } from 'vitest'
import type { Capabilities } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import type { Message, Settlement } from '../message.ts'
import { retryLater } from '../outcome.ts'
import { gate, setUp, type Order } from '../test-support/consumer-kit.ts'
import { turns } from '../test-support/turns.ts'

const gone = new BrokerError('ERR_TOO_LATE', 'gone')
const delayed = { redelivery: { immediate: true, delayed: { maxMs: 900_000, keepsOrder: true }, onReconnect: true } } as const

describe('consumer', () => {
  it('handles one message of a key at a time, keys in parallel', async () => {
    const { handler, started, open } = gate()
    const { send } = await setUp(handler)
    await send([1, 'a'], [2, 'a'], [3, 'b'])
    expect(started).toEqual(['1', '3'])
    await open(1)
    expect(started).toEqual(['1', '3', '2'])
  })

  it('runs no more handlers than concurrency, and a waiting retry takes no slot', async () => {
    const { handler, started, open } = gate()
    const { send, pass } = await setUp(handler, { concurrency: 1, maxInFlight: 10 })
    await send([1, 'a'], [2, 'b'])
    expect(started).toEqual(['1'])
    await open(1, new Error('again'))
    expect(started).toEqual(['1', '2'])
    await open(2)
    await pass(1_000)
    expect(started).toEqual(['1', '2', '1#2'])
  })

  it('keeps the later messages of a failed key waiting, and no others', async () => {
    const { handler, started, open } = gate()
    const { send, pass } = await setUp(handler)
    await send([1, 'a'], [2, 'a'], [3, 'b'])
    await open(1, retryLater(1_000))
    await open(3)
    expect(started).toEqual(['1', '3'])
    await pass(1_000)
    expect(started).toEqual(['1', '3', '1#2'])
    await open(1)
    expect(started.at(-1)).toBe('2')
  })

  it('dead-letters after three attempts by default, before the next message of the key', async () => {
    const order: string[] = []
    const { send, pass, driver } = await setUp((message) => {
      order.push(`${message.body.n}#${message.attempt}`)
      if (message.body.n === 1) throw new Error('poison')
    })
    await send([1, 'a'], [2, 'a'])
    await pass(5_000)
    expect(order).toEqual(['1#1', '1#2', '1#3', '2#1'])
    const [dead] = driver.queue('keyed.dead').ready
    expect(dead?.incoming.id).toBe('m1')
    expect(JSON.parse(dead?.incoming.headers['busbar-dead'] ?? '{}')).toMatchObject({
      v: 1,
      r: 'attempts exhausted',
      n: 'Error',
      m: 'poison',
      a: 3,
      s: 'keyed',
    })
    expect(driver.calls.indexOf('send keyed.dead 1')).toBeLessThan(driver.calls.findIndex((call) => call.startsWith('settle')))
  })

  it('does not settle a message until its dead letter is confirmed', async () => {
    const { send, pass, driver, receiver } = await setUp(() => {
      throw new Error('poison')
    })
    let refuse = true
    driver.onSend = (batch) => {
      if (batch[0]?.headers['busbar-dead'] === undefined || !refuse) return undefined
      return Promise.resolve(batch.map(() => ({ ok: false as const, error: new BrokerError('ERR_ACCESS_DENIED', 'no'), stored: 'no' as const })))
    }
    await send([1, 'a'])
    await pass(20_000)
    expect(receiver.unsettled.size).toBe(1)
    refuse = false
    await pass(60_000)
    expect(receiver.unsettled.size).toBe(0)
    expect(driver.queue('keyed.dead').ready).toHaveLength(1)
  })

  it('sends what cannot be decoded to the dead letters at once', async () => {
    const { driver } = await setUp(() => expect.unreachable())
    driver.queue('keyed').push({ id: 'x', body: '{', bodyBytes: 1, headers: {}, key: undefined, attempt: 0 } as never)
    await turns()
    await turns()
    expect(driver.queue('keyed.dead').ready.map(({ incoming }) => incoming.body)).toEqual(['{'])
  })

  it('aborts handlers whose scope is lost, forgets what was not started, and never settles it', async () => {
    const { handler, started, open } = gate()
    const signals: AbortSignal[] = []
    const { send, receiver, consumer } = await setUp((message, context) => {
      signals.push(context.signal)
      return handler(message, context)
    })
    await send([1, 'a'], [2, 'a'])
    receiver.intake.lost(receiver.scope, gone)
    expect(signals[0]?.aborted).toBe(true)
    await open(1)
    expect(receiver.settled).toEqual([])
    expect(started).toEqual(['1'])
    expect(consumer.stats).toMatchObject({ held: 0, running: 0, keys: 0 })
  })

  it('acks the redelivery of a message that was handled but lost, without handling it again', async () => {
    const { handler, started, open } = gate()
    const { send, receiver } = await setUp(handler)
    await send([1, 'a'])
    receiver.intake.lost(receiver.scope, gone)
    await open(1)
    receiver.drop()
    await turns()
    expect(started).toEqual(['1'])
    expect(receiver.settled.map((outcome) => outcome.action)).toEqual(['ack'])
  })

  it('lets each of several copies that run adopt one redelivery', async () => {
    const { handler, started, open } = gate()
    const { send, receiver } = await setUp(handler, {}, { ordering: 'none' }, { ordering: 'best-effort' })
    await send([1, 'a'], [1, 'b'])
    expect(started).toEqual(['1', '1'])
    receiver.intake.lost(receiver.scope, gone)
    receiver.drop()
    await turns()
    expect(started).toEqual(['1', '1'])
    await open(1)
  })

  it('lets a running handler adopt the redelivery of its lost message', async () => {
    const { handler, started, open } = gate()
    const { send, receiver } = await setUp(handler)
    await send([1, 'a'])
    receiver.intake.lost(receiver.scope, gone)
    receiver.drop()
    await turns()
    expect(started).toEqual(['1'])
    await open(1)
    expect(receiver.settled).toHaveLength(1)
    expect(receiver.unsettled.size).toBe(0)
  })

  it('counts handler starts across redeliveries, not deliveries', async () => {
    const { handler, started, open } = gate()
    const { send, receiver } = await setUp(handler)
    await send([1, 'a'], [2, 'a'])
    receiver.intake.lost(receiver.scope, gone)
    await open(1, new Error('aborted'))
    receiver.drop()
    await turns()
    await open(1)
    expect(started).toEqual(['1', '1#2', '2'])
  })

  it('gives long waits to a broker that keeps order, and releases the tail behind the head', async () => {
    const { handler, open } = gate()
    const { send, receiver, driver } = await setUp(handler, {}, { ...delayed, keyHold: 'broker' })
    driver.onSettle = (outcomes) => Promise.resolve(outcomes.map(() => 'durable'))
    await send([1, 'a'], [2, 'a'], [3, 'a'])
    await open(1, retryLater(60_000))
    expect(receiver.settled.map((outcome) => `${outcome.action} ${outcome.delivery.incoming.id}`)).toEqual(['retry m1', 'release m2', 'release m3'])
  })

  it('retries for ever with onExhausted block, holding the key', async () => {
    const order: string[] = []
    const { send, pass, driver } = await setUp(
      (message) => {
        order.push(`${message.body.n}#${message.attempt}`)
        if (message.body.n === 1) throw new Error('poison')
      },
      { onExhausted: 'block' },
      {},
      { nativeLimit: false },
    )
    await send([1, 'a'], [2, 'a'], [3, 'b'])
    await pass(100_000)
    expect(order).not.toContain('2#1')
    expect(order).toContain('3#1')
    expect(order).toContain('1#5')
    expect(driver.queue('keyed.dead').ready).toHaveLength(0)
  })

  it('settles once: a second settlement is a TypeError, one after the loss is too late', async () => {
    const answers: string[] = []
    const kept: Message<Order>[] = []
    const { send, receiver } = await setUp(async (message) => {
      kept.push(message)
      if (message.body.n === 1) {
        answers.push(await message.ack())
        await message.ack().catch((error: unknown) => answers.push((error as Error).name))
      } else {
        receiver.intake.lost(receiver.scope, gone)
        answers.push(await message.ack())
      }
    })
    await send([1, 'a'])
    await send([2, 'b'])
    expect(answers).toEqual(['durable', 'TypeError', 'too-late'])
  })

  it('answers a nack whose wait fits nowhere with unsupported, and lets the handler decide otherwise', async () => {
    const answers: Settlement[] = []
    const { send, receiver } = await setUp(
      async (message) => {
        answers.push(await message.nack({ delayMs: 3_600_000 }))
      },
      {},
      { lease: { kind: 'scope', maxHoldMs: 1_800_000 } },
    )
    await send([1, 'a'])
    expect(answers).toEqual(['unsupported'])
    expect(receiver.settled.map((outcome) => outcome.action)).toEqual(['ack'])
  })

  it('repeats settlements that fail with a retryable error', async () => {
    const { send, pass, driver, receiver } = await setUp(() => undefined)
    let failures = 2
    driver.onSettle = (outcomes) =>
      failures-- > 0 ? Promise.resolve(outcomes.map(() => ({ error: new BrokerError('ERR_THROTTLED', 'slow down') }))) : undefined
    await send([1, 'a'])
    await pass(5_000)
    expect(receiver.unsettled.size).toBe(0)
  })

  it('waits no longer for settlements that were on their way at once, and failed together, than for one', async () => {
    const { handler, started, open } = gate()
    const { send, pass, driver, receiver } = await setUp(handler)
    const down = Promise.withResolvers<void>()
    driver.onSettle = async (outcomes) => {
      await down.promise
      return outcomes.map(() => ({ error: new BrokerError('ERR_UNAVAILABLE', 'down') }))
    }
    const all = Array.from({ length: 10 }, (_, n) => n)
    await send(...all.map((n) => [n, String(n)] as const))
    expect(started).toHaveLength(10)
    for (const n of all) await open(n)
    expect(driver.calls.filter((call) => call === 'settle ack')).toHaveLength(10)
    driver.onSettle = undefined
    down.resolve()
    await turns()
    await pass(100)
    expect(receiver.unsettled.size).toBe(0)
  })

  it('drains: finishes what runs, starts nothing, settles, then hands the rest back', async () => {
    const { handler, started, open } = gate()
    const { send, consumer, driver } = await setUp(handler)
    await send([1, 'a'], [2, 'a'])
    const drained = consumer.drain()
    await turns()
    expect(driver.calls.at(-1)).toBe('pause')
    await open(1)
    await drained
    expect(started).toEqual(['1'])
    expect(driver.calls.slice(-3)).toEqual(['pause', 'settle ack', 'handBack 1'])
    await expect(consumer.closed).resolves.toBeUndefined()
  })

  it('fires the signals of handlers only at the deadline of a drain, and hands their messages back', async () => {
    const signals: AbortSignal[] = []
    const { send, consumer, pass, receiver, driver } = await setUp((_, { signal }) => {
      signals.push(signal)
      return new Promise(() => undefined)
    })
    await send([1, 'a'])
    const drained = consumer.drain({ timeoutMs: 5_000 })
    await pass(4_900)
    expect(signals[0]?.aborted).toBe(false)
    await pass(3_000)
    await drained
    expect(signals[0]?.aborted).toBe(true)
    expect(receiver.settled).toEqual([])
    expect(driver.calls).toContain('handBack 1')
  })

  it('hands a scope over: running handlers end and are settled, the rest is forgotten', async () => {
    const { handler, started, open } = gate()
    const { send, receiver, consumer } = await setUp(handler)
    await send([1, 'a'], [2, 'a'], [3, 'b'])
    let revoked = false
    const handedOver = receiver.intake.revoke(receiver.scope, 10_000).then(() => (revoked = true))
    await open(1)
    expect(revoked).toBe(false)
    await open(3)
    await handedOver
    expect(started).toEqual(['1', '3'])
    expect(receiver.settled).toHaveLength(2)
    expect(consumer.stats.held).toBe(0)
  })

  it('rejects closed when its receiver fails for good', async () => {
    const { consumer, receiver } = await setUp(() => undefined)
    receiver.intake.failed(new BrokerError('ERR_NOT_FOUND', 'the queue is gone'), true)
    await expect(consumer.closed).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })

  it('refuses policies that cannot hold, with the largest value that fits', async () => {
    const tight: Partial<Capabilities> = { lease: { kind: 'scope', maxHoldMs: 1_000 } }
    await expect(setUp(() => undefined, {}, tight)).rejects.toThrow(/2000 ms can neither be held here nor given to naive; the largest that fits is 800 ms/)
  })
})
