import { describe, expect, it } from 'vitest'
import type { Capabilities, Delivery, Incoming, Outcome, Scope, SettleResult } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import type { Settlement } from '../message.ts'
import { deadLetter } from '../outcome.ts'
import { cpuMs } from '../test-support/cpu-time.ts'
import { gate, setUp } from '../test-support/consumer-kit.ts'
import type { NaiveReceiver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

const gone = new BrokerError('ERR_TOO_LATE', 'gone')
const busy = { error: new BrokerError('ERR_UNAVAILABLE', 'busy') }

/** A delivery that the test makes up, of a broker that does not count. */
function delivery(scope: Scope, n: number, customer: string, id: string): Delivery {
  const body = JSON.stringify({ n, customer })
  const incoming = { id, body, bodyBytes: body.length, headers: {}, key: customer, attempt: 0, timestamp: 1 } as unknown as Incoming
  return { scope, incoming, sameAs: id, brokerAttempts: undefined, leaseUntil: undefined }
}

async function deliver(receiver: NaiveReceiver, given: Delivery): Promise<void> {
  receiver.unsettled.set(given, { incoming: given.incoming, deliveries: 1 })
  receiver.intake.deliver([given])
  await turns()
}

describe('equal ids of different messages', () => {
  it('do not make the second pass for a redelivery of the first, which was handled but lost', async () => {
    const seen: number[] = []
    const { handler, open } = gate()
    const { receiver } = await setUp(async (message, context) => {
      seen.push(message.body.n)
      await handler(message, context)
    })
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    receiver.intake.lost(receiver.scope, gone)
    receiver.unsettled.clear()
    await open(1)
    await deliver(receiver, delivery(receiver.scope, 2, 'a', 'same'))
    expect(seen).toEqual([1, 2])
    await open(2)
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    expect(seen).toEqual([1, 2])
    expect(receiver.unsettled.size).toBe(0)
  })

  it('do not let a running handler adopt the other message', async () => {
    const { handler, started, open } = gate()
    const { receiver } = await setUp(handler)
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    receiver.intake.lost(receiver.scope, gone)
    receiver.unsettled.clear()
    await deliver(receiver, delivery(receiver.scope, 2, 'b', 'same'))
    expect(started).toEqual(['1', '2'])
    await open(1)
    expect(receiver.unsettled.size).toBe(1)
    await open(2)
    expect(receiver.unsettled.size).toBe(0)
  })

  it('do not make a redriven dead letter pass for a redelivery of the message that was given up, whose ack came too late', async () => {
    let starts = 0
    const { receiver } = await setUp(() => (++starts === 1 ? deadLetter('no') : undefined))
    receiver.intake.deliver([delivery(receiver.scope, 1, 'a', 'same')])
    for (let turn = 0; turn < 3; turn++) await turns()
    expect(receiver.settled.map(({ action }) => action)).toEqual(['ack'])
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    expect(starts).toBe(2)
  })

  it('do not let a message that was given up adopt its redriven dead letter while its ack is under way', async () => {
    let starts = 0
    const answer = Promise.withResolvers<readonly SettleResult[]>()
    const { driver, receiver } = await setUp(() => (++starts === 1 ? deadLetter('no') : undefined))
    driver.onSettle = () => answer.promise
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    for (let turn = 0; turn < 3; turn++) await turns()
    receiver.unsettled.clear()
    receiver.intake.lost(receiver.scope, gone)
    driver.onSettle = undefined
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    expect(starts).toBe(2)
    answer.resolve(['accepted'])
    await turns()
    expect(receiver.settled.map(({ action }) => action)).toEqual(['ack', 'ack'])
  })
})

describe('messages whose dead letter fits nowhere', () => {
  const delayed = { redelivery: { immediate: true, delayed: { maxMs: 60_000, keepsOrder: true }, onReconnect: true } } as const
  /** The test itself delivers again. */
  const forgetting = async (outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> => outcomes.map(() => 'durable')
  const tooLarge = { ok: false, stored: 'no', error: new BrokerError('ERR_TOO_LARGE', 'too large') } as const

  it('come until the limit of the broker without being handled again, and become dead letters as soon as there is room', async () => {
    let starts = 0
    const { driver, receiver } = await setUp(() => deadLetter(`no ${++starts}`), {}, delayed)
    driver.onSend = async (batch) => batch.map(() => tooLarge)
    driver.onSettle = forgetting
    for (const starting of [1, 2, 3]) {
      await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
      for (let turn = 0; turn < 5; turn++) await turns()
      expect(receiver.settled).toHaveLength(starting)
    }
    expect(receiver.settled).toMatchObject([1, 2, 3].map(() => ({ action: 'retry', delayMs: 1_000, attempt: 1 })))
    driver.onSend = undefined
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    for (let turn = 0; turn < 5; turn++) await turns()
    expect(receiver.settled.at(-1)).toMatchObject({ action: 'ack' })
    expect(driver.queue('keyed.dead').ready).toMatchObject([{ incoming: { key: 'a' } }])
    expect(starts).toBe(1)
  })

  it('do not keep another message with the same id from being handled', async () => {
    const seen: number[] = []
    const { driver, receiver } = await setUp(({ body }) => (seen.push(body.n) > 0 && body.n === 1 ? deadLetter('no') : undefined), {}, delayed)
    driver.onSend = async (batch) => batch.map(() => tooLarge)
    driver.onSettle = forgetting
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    for (let turn = 0; turn < 5; turn++) await turns()
    await deliver(receiver, delivery(receiver.scope, 2, 'a', 'same'))
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'same'))
    for (let turn = 0; turn < 5; turn++) await turns()
    expect(seen).toEqual([1, 2])
    expect(receiver.settled.map(({ action }) => action)).toEqual(['retry', 'ack', 'retry'])
  })
})

describe('what cannot be settled', () => {
  it('keeps its key while its handler runs on, when it is lost after its dead letter was asked for', async () => {
    const { handler, started, open } = gate()
    let answer: Settlement | undefined
    const { send, receiver, driver } = await setUp(async (message, context) => {
      if (message.body.n === 1) void message.deadLetter().then((value) => (answer = value))
      await handler(message, context)
    })
    let confirm!: () => void
    driver.onSend = (batch) => (batch[0]?.headers['busbar-dead'] ? new Promise((resolve) => (confirm = () => resolve([{ ok: true }]))) : undefined)
    await send([1, 'a'])
    receiver.intake.lost(receiver.scope, gone)
    receiver.unsettled.clear()
    confirm()
    await turns()
    expect(answer).toBe('too-late')
    await deliver(receiver, delivery(receiver.scope, 2, 'a', 'other'))
    expect(started).toEqual(['1'])
    await open(1)
    expect(started).toEqual(['1', '2'])
  })

  it('is not asked for again once the consumer has ended, and the caller is told', async () => {
    const answers: unknown[] = []
    const { send, driver, clock, consumer, pass } = await setUp((message) => {
      message.ack().then(
        (value) => answers.push(value),
        (error: unknown) => answers.push(error),
      )
    })
    driver.onSettle = (outcomes) => Promise.resolve(outcomes.map(() => busy))
    await send([1, 'a'])
    let ended = false
    void consumer.drain({ timeoutMs: 100 }).then(() => (ended = true))
    await pass(20_000)
    expect(ended).toBe(true)
    expect(answers).toEqual(['too-late'])
    const settles = driver.calls.filter((call) => call.startsWith('settle')).length
    await pass(20_000)
    expect(driver.calls.filter((call) => call.startsWith('settle')).length).toBe(settles)
    expect(clock.timers).toBe(0)
  })

  it('is repeated when a driver breaks its promise and rejects', async () => {
    const { send, driver, receiver, pass } = await setUp(() => undefined)
    driver.onSettle = () => {
      driver.onSettle = undefined
      return Promise.reject(new Error('a bug of the driver'))
    }
    await send([1, 'a'])
    await pass(500)
    expect(receiver.unsettled.size).toBe(0)
  })

  it('that fails for good is made again, and not the message handled again, when that comes again', async () => {
    const seen: number[] = []
    const { driver, receiver, logged } = await setUp((message) => void seen.push(message.body.n))
    driver.onSettle = async (outcomes) => outcomes.map(() => ({ error: new BrokerError('ERR_ACCESS_DENIED', 'no') }))
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'one'))
    expect([seen, logged.some(([, event]) => event === 'settle:failed')]).toEqual([[1], true])
    driver.onSettle = undefined
    receiver.unsettled.clear()
    await deliver(receiver, delivery(receiver.scope, 1, 'a', 'one'))
    expect([seen, receiver.unsettled.size]).toEqual([[1], 0])
  })

  it('leaves no trace of a message when the ack fails and the scope is lost: the redelivery is acked unhandled', async () => {
    const seen: number[] = []
    const { send, driver, receiver, pass } = await setUp((message) => void seen.push(message.body.n))
    driver.onSettle = (outcomes) => Promise.resolve(outcomes.map(() => busy))
    await send([1, 'a'])
    receiver.intake.lost(receiver.scope, gone)
    await pass(1_000)
    driver.onSettle = undefined
    receiver.drop()
    await pass(1_000)
    expect(seen).toEqual([1])
    expect(receiver.unsettled.size).toBe(0)
  })
})

describe('many messages', () => {
  const alone: Partial<Capabilities> = { lease: { kind: 'message', ms: 30_000, maxMs: 600_000 } }
  const count = 20_000

  async function held(): Promise<{ receiver: NaiveReceiver; deliveries: Delivery[] }> {
    const { receiver } = await setUp(() => new Promise(() => undefined), { concurrency: 1, maxInFlight: count }, alone)
    const deliveries = Array.from({ length: count }, (_, n) => delivery({ id: String(n) }, n, `k${n}`, `m${n}`))
    receiver.intake.deliver(deliveries)
    return { receiver, deliveries }
  }

  it('may be lost one by one', async () => {
    const { receiver, deliveries } = await held()
    const began = cpuMs()
    for (const { scope } of deliveries) receiver.intake.lost(scope, gone)
    expect(cpuMs() - began).toBeLessThan(500)
  })

  it('may be redelivered one by one', async () => {
    const { receiver, deliveries } = await held()
    const began = cpuMs()
    for (const given of deliveries) receiver.intake.deliver([{ ...given, scope: { id: 'again' } }])
    expect(cpuMs() - began).toBeLessThan(500)
  })

  it('may be settled while their scope moves to another process', async () => {
    const { handler } = gate()
    const { receiver, consumer } = await setUp((message) => (message.body.n < 0 ? handler(message, { signal: new AbortController().signal }) : turns()), {
      concurrency: 10_000,
      maxInFlight: 10_000,
    })
    receiver.intake.deliver(Array.from({ length: 10_000 }, (_, n) => delivery(receiver.scope, n, `k${n}`, `m${n}`)))
    const began = cpuMs()
    await receiver.intake.revoke(receiver.scope, 1_000)
    expect(cpuMs() - began).toBeLessThan(500)
    expect(consumer.stats.held).toBe(0)
  })

  it('leave nothing behind when their scopes are lost again and again while all slots are taken', async () => {
    const { receiver, consumer } = await setUp(() => new Promise(() => undefined), { concurrency: 1, maxInFlight: 100 })
    const collected: WeakRef<Delivery>[] = []
    receiver.intake.deliver([delivery({ id: 'first' }, 0, 'stuck', 'm0')])
    for (let round = 0; round < 100; round++) {
      const scope = { id: String(round) }
      const batch = Array.from({ length: 100 }, (_, n) => delivery(scope, n, n % 2 ? 'stuck' : `k${n}`, `r${round}-${n}`))
      for (const given of batch) collected.push(new WeakRef(given))
      receiver.intake.deliver(batch)
      receiver.intake.lost(scope, gone)
    }
    expect(consumer.stats.held).toBe(1)
    await turns()
    globalThis.gc?.()
    if (globalThis.gc) expect(collected.filter((ref) => ref.deref()).length).toBeLessThan(3_000)
  })
})
