import { beforeAll, describe, expect, it, vi } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { queue } from '../definitions/queue.ts'
import type { Outgoing, SettleResult } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { loadEverything } from '../lazy.ts'
import type { ProcessMiddleware } from '../middleware/types.ts'
import { deadLetter } from '../outcome.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver, NaiveReceiver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'
import { packDeadLetter } from './header.ts'

const orders = queue<{ readonly n: number }>('orders')
const repairs = queue<{ readonly n: number }>('repairs')
const info = { reason: 'attempts exhausted', errorName: 'Error', errorMessage: 'no', attempts: 3, source: 'orders', firstFailureAt: 1, lastFailureAt: 2 }

interface SetUp {
  readonly driver: NaiveDriver
  readonly broker: Broker
  /** Lets time pass until `work` is done. */
  readonly passing: <T>(work: Promise<T>) => Promise<T>
}

/** A broker whose queue `orders.dead` holds dead letters `d1` to `d<count>`. */
function setUp(count: number): SetUp {
  const driver = new NaiveDriver()
  const clock = new ManualClock()
  const broker = createBroker({ driver, destinations: [orders, repairs], clock, random: () => 0.5, log: () => undefined })
  for (let n = 1; n <= count; n++) driver.queue('orders.dead').push(deadLetterOf(n))
  return { driver, broker, passing: passingOn(clock) }
}

function passingOn(clock: ManualClock): SetUp['passing'] {
  return async (work) => {
    let done = false
    const ended = (): void => void (done = true)
    work.then(ended, ended)
    for (let steps = 0; steps < 2_000; steps++) {
      await turns()
      if (done) return work
      clock.advance(100)
    }
    throw new Error('not done after 200 s of the clock')
  }
}

function deadLetterOf(n: number): Outgoing {
  const body = `{"n":${n}}`
  return {
    id: `d${n}`,
    body,
    bodyBytes: body.length,
    headers: { tenant: 'acme', 'busbar-dead': packDeadLetter(info) },
    type: 'order',
    contentType: 'application/json',
    timestamp: 1,
    key: undefined,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
  }
}

function ids(driver: NaiveDriver, name: string): (string | undefined)[] {
  return driver.queue(name).ready.map(({ incoming }) => incoming.id)
}

/** Answers the first `times` settlements with an error. */
function failSettling(driver: NaiveDriver, times: number, error: BrokerError): void {
  let left = times
  driver.onSettle = (outcomes) => (left-- > 0 ? Promise.resolve(outcomes.map((): SettleResult => ({ error }))) : undefined)
}

describe('dead letters', () => {
  // Loading takes real time, of which the clock of these tests knows nothing.
  beforeAll(loadEverything)

  it('are shown with the reason, and stay', async () => {
    const { driver, broker, passing } = setUp(2)
    const found = await passing(broker.deadLetters(orders).peek())
    expect(found.map(({ id, body, type }) => [id, body, type])).toEqual([
      ['d1', '{"n":1}', 'order'],
      ['d2', '{"n":2}', 'order'],
    ])
    expect(found[0]?.info).toEqual(info)
    expect(found[0]?.headers).toEqual({ tenant: 'acme' })
    expect(ids(driver, 'orders.dead')).toEqual(['d1', 'd2'])
  })

  it('go back with their identity and without the reason', async () => {
    const { driver, broker, passing } = setUp(2)
    expect(await passing(broker.deadLetters(orders).redrive())).toEqual({ moved: 2, skipped: 0 })
    expect(ids(driver, 'orders')).toEqual(['d1', 'd2'])
    expect({ ...driver.queue('orders').ready[0]?.incoming.headers }).toEqual({ tenant: 'acme' })
    expect(ids(driver, 'orders.dead')).toEqual([])
  })

  it('go elsewhere where asked', async () => {
    const { driver, broker, passing } = setUp(2)
    expect(await passing(broker.deadLetters(orders).redrive({ to: repairs }))).toEqual({ moved: 2, skipped: 0 })
    expect([ids(driver, 'repairs'), ids(driver, 'orders'), ids(driver, 'orders.dead')]).toEqual([['d1', 'd2'], [], []])
    await expect(passing(broker.deadLetters(orders).redrive({ to: queue('unlisted') }))).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
  })

  it('are shown page by page, and stay', async () => {
    const { driver, broker, passing } = setUp(7)
    const sizes: number[] = []
    await passing(
      (async () => {
        for await (const page of broker.deadLetters(orders).pages({ pageSize: 3 })) sizes.push(page.length)
      })(),
    )
    expect(sizes).toEqual([3, 3, 1])
    expect(ids(driver, 'orders.dead')).toHaveLength(7)
  })

  it('go back in part, where asked', async () => {
    const { driver, broker, passing } = setUp(3)
    expect(await passing(broker.deadLetters(orders).redrive({ where: ({ id }) => id === 'd2' }))).toMatchObject({ moved: 1 })
    expect(ids(driver, 'orders')).toEqual(['d2'])
    expect(new Set(ids(driver, 'orders.dead'))).toEqual(new Set(['d1', 'd3']))
  })

  it('are all looked at when some of those left alone are there more than once', async () => {
    const { driver, broker, passing } = setUp(0)
    for (const n of [1, 1, 1, 2, 1, 3, 2]) driver.queue('orders.dead').push(deadLetterOf(n))
    expect(await passing(broker.deadLetters(orders).redrive({ where: ({ id }) => id !== 'd1' }))).toMatchObject({ moved: 3 })
    expect(ids(driver, 'orders')).toEqual(['d2', 'd3', 'd2'])
    expect(ids(driver, 'orders.dead')).toEqual(['d1', 'd1', 'd1', 'd1'])
  })

  it('are discarded', async () => {
    const { driver, broker, passing } = setUp(3)
    expect(await passing(broker.deadLetters(orders).discard({ max: 2 }))).toEqual({ discarded: 2, skipped: 0 })
    expect(ids(driver, 'orders.dead')).toEqual(['d3'])
    expect(ids(driver, 'orders')).toEqual([])
  })

  it('are acked once more when the broker could not take it for now', async () => {
    const { driver, broker, passing } = setUp(2)
    failSettling(driver, 2, new BrokerError('ERR_UNAVAILABLE', 'the connection was lost'))
    expect(await passing(broker.deadLetters(orders).redrive())).toEqual({ moved: 2, skipped: 0 })
    expect(ids(driver, 'orders')).toEqual(['d1', 'd2'])
    expect(ids(driver, 'orders.dead')).toEqual([])
  })

  it('stay, and the error is told, when the broker refuses or never answers', async () => {
    const refused = new BrokerError('ERR_ACCESS_DENIED', 'no')
    const down = new BrokerError('ERR_UNAVAILABLE', 'down')
    for (const error of [refused, down]) {
      const { driver, broker, passing } = setUp(1)
      failSettling(driver, Infinity, error)
      await expect(passing(broker.deadLetters(orders).discard())).rejects.toBe(error)
      expect(ids(driver, 'orders.dead')).toEqual(['d1'])
    }
  })

  it('stay when they cannot be sent back', async () => {
    const { driver, broker, passing } = setUp(1)
    const error = new BrokerError('ERR_NOT_FOUND', 'the queue is gone')
    driver.onSend = (batch) => Promise.resolve(batch.map(() => ({ ok: false, stored: 'no', error })))
    await expect(passing(broker.deadLetters(orders).redrive())).rejects.toBe(error)
    expect(ids(driver, 'orders.dead')).toEqual(['d1'])
  })

  describe('that a connection keeps away', () => {
    function awayFor(ms: number): SetUp {
      const driver = new NaiveDriver()
      const clock = new ManualClock()
      const away = (): boolean => clock.monotonic() < ms
      const connect = driver.connect.bind(driver)
      driver.connect = async () => {
        const link = await connect()
        const { receiver } = link
        if (!receiver) return link
        return {
          ...link,
          health: () => ({ state: away() ? 'reconnecting' : 'connected' }),
          receiver: (endpoint, intake, window) => {
            const delivers: typeof intake.deliver = (deliveries) => void clock.timer(ms, () => intake.deliver(deliveries))
            return receiver(endpoint, Object.assign(Object.create(intake) as typeof intake, { deliver: delivers }), window)
          },
        }
      }
      const broker = createBroker({ driver, destinations: [orders, repairs], clock, log: () => undefined })
      driver.queue('orders.dead').push(deadLetterOf(1))
      return { driver, broker, passing: passingOn(clock) }
    }

    it('are waited for: its silence is not taken for an empty place', async () => {
      const { broker, passing } = awayFor(5_000)
      expect(await passing(broker.deadLetters(orders).redrive())).toEqual({ moved: 1, skipped: 0 })
    })

    it('for long make the operation fail, and are not reported as none', async () => {
      const { broker, passing } = awayFor(60_000)
      await expect(passing(broker.deadLetters(orders).discard())).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    })
  })

  it('behind more than can be left alone are not reported as none', async () => {
    const { broker, passing } = setUp(10_200)
    const last = ({ id }: { readonly id: string | undefined }): boolean => id === 'd10200'
    await expect(passing(broker.deadLetters(orders).redrive({ where: last }))).rejects.toThrow(/10100 dead letters were left alone/)
    await expect(passing(broker.deadLetters(orders).peek({ where: last }))).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
  })

  it('of sources that share a place go back each to its own', async () => {
    const driver = new NaiveDriver()
    const clock = new ManualClock()
    const others = queue<{ readonly n: number }>('others')
    const route = { deadLetter: { destination: 'graveyard' } }
    const broker = createBroker({
      driver,
      destinations: [orders, others],
      routes: { orders: route, others: route },
      clock,
      log: () => undefined,
    })
    const passing = passingOn(clock)
    for (let n = 0; n < 150; n++) {
      const source = n % 3 ? 'others' : 'orders'
      driver.queue('graveyard').push({ ...deadLetterOf(n), headers: { 'busbar-dead': packDeadLetter({ ...info, source }) } })
    }
    expect((await passing(broker.deadLetters(orders).peek({ max: 5 }))).map(({ info: found }) => found?.source)).toEqual(Array(5).fill('orders'))
    expect(await passing(broker.deadLetters(orders).redrive())).toEqual({ moved: 50, skipped: 100 })
    expect(driver.queue('orders').ready.length).toBe(50)
    expect(await passing(broker.deadLetters(others).discard())).toEqual({ discarded: 100, skipped: 0 })
    expect(driver.queue('others').ready.length).toBe(0)
  })

  it('that the broker itself put into a shared place are told apart by where they came from', async () => {
    const driver = new NaiveDriver()
    const clock = new ManualClock()
    const others = queue<{ readonly n: number }>('others')
    const route = { deadLetter: { destination: 'graveyard' } }
    const broker = createBroker({ driver, destinations: [orders, others], routes: { orders: route, others: route }, clock, log: () => undefined })
    const passing = passingOn(clock)
    for (const [n, deadLetteredFrom] of [
      [1, 'orders'],
      [2, 'others'],
      [3, undefined],
    ] as const) {
      driver.queue('graveyard').push({ ...deadLetterOf(n), headers: {} })
      const [stored] = driver.queue('graveyard').ready.splice(-1)
      if (stored) driver.queue('graveyard').ready.push({ ...stored, incoming: { ...stored.incoming, deadLetteredFrom } })
    }
    expect(await passing(broker.deadLetters(others).redrive())).toMatchObject({ moved: 1 })
    expect([ids(driver, 'orders'), ids(driver, 'others')]).toEqual([[], ['d2']])
    expect(await passing(broker.deadLetters(orders).discard())).toMatchObject({ discarded: 1 })
    expect(ids(driver, 'graveyard')).toEqual(['d3'])
  })

  it('are made smaller by middleware that can, before anything else becomes of them', async () => {
    const driver = new NaiveDriver({ deadLetter: 'native' })
    const broker = createBroker({ driver, destinations: [orders], clock: new ManualClock(), log: () => undefined })
    driver.onSend = (batch) =>
      (batch[0]?.bodyBytes ?? 0) > 3 && batch[0]?.headers['busbar-dead']
        ? Promise.resolve([{ ok: false, error: new BrokerError('ERR_TOO_LARGE', 'too large'), stored: 'no' }])
        : undefined
    const claim: ProcessMiddleware = {
      name: 'claim',
      stage: 'claim-check',
      process: (_, next) => next(),
      shrink: async (outgoing) => ({ ...outgoing, body: 'ref', bodyBytes: 3, headers: { ...outgoing.headers, claim: 'x' } }),
    }
    await broker.consume(orders, () => deadLetter('no'), { use: [claim] })
    await broker.producer(orders).send({ n: 1 })
    await turns()
    await turns()
    expect(driver.receivers[0]?.settled.map(({ action }) => action)).toEqual(['ack'])
    const [dead] = driver.queue('orders.dead').ready
    expect(dead?.incoming).toMatchObject({ body: 'ref', headers: { claim: 'x' } })
    expect(JSON.parse(dead?.incoming.headers['busbar-dead'] ?? '')).toMatchObject({ r: 'no' })
  })

  it('are rejected natively when their place refuses the copy for good, so that nothing waits behind them', async () => {
    const driver = new NaiveDriver({ deadLetter: 'native' })
    const broker = createBroker({ driver, destinations: [orders], clock: new ManualClock(), log: () => undefined })
    driver.onSend = (batch) =>
      batch[0]?.headers['busbar-dead'] ? Promise.resolve([{ ok: false, error: new BrokerError('ERR_INVALID', 'its id is too long'), stored: 'no' }]) : undefined
    await broker.consume(orders, ({ body }) => (body.n === 1 ? deadLetter('no') : undefined), { concurrency: 1, maxInFlight: 1 })
    await broker.producer(orders).sendBatch([{ n: 1 }, { n: 2 }])
    await turns()
    await turns()
    expect(driver.receivers[0]?.settled.map(({ action }) => action)).toEqual(['discard', 'ack'])
  })

  it('go back for the native limit to end them, where there is no other native way and the copy does not fit', async () => {
    const redelivery = { immediate: true, delayed: { maxMs: 900_000, keepsOrder: true }, onReconnect: true } as const
    const driver = new NaiveDriver({ deliveryAttempt: 'exact', redelivery })
    const broker = createBroker({ driver, destinations: [orders], clock: new ManualClock(), log: () => undefined })
    driver.onSend = (batch) =>
      batch[0]?.headers['busbar-dead'] ? Promise.resolve([{ ok: false, error: new BrokerError('ERR_TOO_LARGE', 'too large'), stored: 'no' }]) : undefined
    driver.onSettle = (outcomes) => Promise.resolve(outcomes.map(() => 'durable'))
    await broker.consume(orders, ({ body }) => (body.n === 1 ? deadLetter('no') : undefined))
    await broker.producer(orders).sendBatch([{ n: 1 }, { n: 2 }])
    await turns()
    await turns()
    expect(driver.receivers[0]?.settled.map((outcome) => [outcome.delivery.incoming.body, outcome.action])).toEqual([
      ['{"n":2}', 'ack'],
      ['{"n":1}', 'retry'],
    ])
  })

  it.each(['ERR_NOT_FOUND', 'ERR_UNROUTABLE', 'ERR_ACCESS_DENIED'] as const)('wait for a place that answers %s: it may be put right', async (code) => {
    const driver = new NaiveDriver({ deadLetter: 'native' })
    const clock = new ManualClock()
    const broker = createBroker({ driver, destinations: [orders], clock, random: () => 0.5, log: () => undefined })
    let gone = true
    driver.onSend = (batch) =>
      gone && batch[0]?.headers['busbar-dead'] ? Promise.resolve([{ ok: false, error: new BrokerError(code, 'no such place'), stored: 'no' }]) : undefined
    await broker.consume(orders, () => deadLetter('no'))
    await broker.producer(orders).send({ n: 1 })
    const later = async (): Promise<void> => {
      for (let steps = 0; steps < 300; steps++) {
        await turns()
        clock.advance(100)
      }
    }
    await later()
    expect(driver.receivers[0]?.settled).toEqual([])
    gone = false
    await later()
    expect(driver.receivers[0]?.settled.map(({ action }) => action)).toEqual(['ack'])
    expect(driver.queue('orders.dead').ready).toHaveLength(1)
  })

  it('are not touched because of an option that nobody knows, or a filter that is none', async () => {
    const { driver, broker, passing } = setUp(2)
    const letters = broker.deadLetters(orders)
    await expect(passing(letters.discard({ were: () => false } as never))).rejects.toBeInstanceOf(TypeError)
    await expect(passing(letters.discard({ where: { id: 'd1' } } as never))).rejects.toBeInstanceOf(TypeError)
    await expect(passing(letters.redrive({ rate: 1 } as never))).rejects.toBeInstanceOf(TypeError)
    await expect(passing(letters.peek({ limit: 1 } as never))).rejects.toBeInstanceOf(TypeError)
    expect(ids(driver, 'orders.dead')).toEqual(['d1', 'd2'])
  })

  it('cannot be looked at through a receiver that does not start, which is left alone', async () => {
    const { driver, broker, passing } = setUp(1)
    await broker.start()
    const start = vi.spyOn(NaiveReceiver.prototype, 'start').mockRejectedValue(new BrokerError('ERR_ACCESS_DENIED', 'no'))
    await expect(passing(broker.deadLetters(orders).discard())).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
    start.mockRestore()
    expect(driver.calls.filter((call) => call.startsWith('pause') || call.startsWith('handBack'))).toEqual([])
  })

  it('stop moving when the signal fires, and keep to the rate', async () => {
    const { driver, broker, passing } = setUp(100)
    const controller = new AbortController()
    const progress: number[] = []
    const onProgress = ({ moved }: { readonly moved: number }): void => {
      progress.push(moved)
      if (moved >= 20) controller.abort()
    }
    await expect(passing(broker.deadLetters(orders).redrive({ ratePerSecond: 50, onProgress, signal: controller.signal }))).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(progress).toEqual([5, 10, 15, 20])
    expect(ids(driver, 'orders').length + ids(driver, 'orders.dead').length).toBe(100)
  })

  it('that fail again while others are redriven stay', async () => {
    const { driver, broker, passing } = setUp(60)
    await passing(broker.consume(orders, () => deadLetter('still broken')))
    const { moved, skipped } = await passing(broker.deadLetters(orders).redrive({ ratePerSecond: 100 }))
    // Those that fail before the clock moves may be new or not.
    expect([60 <= moved && moved <= 70, skipped > 0]).toEqual([true, true])
    await passing(broker.drain())
    expect(driver.queue('orders.dead').ready).toHaveLength(60)
  })

  it('may be consumed and sent to like any queue', async () => {
    const { driver, broker } = setUp(1)
    const { queue: dead } = broker.deadLetters(orders)
    const seen: unknown[] = []
    await broker.consume(dead, (message) => void seen.push(message.body))
    await broker.producer(dead).send({ n: 7 })
    await turns()
    expect(seen).toEqual([{ n: 1 }, { n: 7 }])
    expect(ids(driver, 'orders.dead')).toEqual([])
  })
})
