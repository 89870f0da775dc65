import { beforeAll, describe, expect, it } from 'vitest'
import { queue } from '../definitions/queue.ts'
import type { Link, Outgoing } from '../driver/index.ts'
import { loadEverything } from '../lazy.ts'
import type { ProcessFunction, SendFunction } from '../middleware/types.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'
import { createBroker } from './create-broker.ts'
import type { Broker } from './types.ts'

const orders = queue<number>('orders', { orderingKey: () => 'a' })
const pass: ProcessFunction = (_, next) => next()
const passOn: SendFunction = (_, next) => next()

/** So many turns of the microtask queue after a call, one after the other, something else happens. */
const moments = Array.from({ length: 60 }, (_, moment) => moment)

async function wait(microtasks: number): Promise<void> {
  for (let passed = 0; passed < microtasks; passed++) await Promise.resolve()
}

// Loading takes real time, of which the clock of these tests knows nothing.
beforeAll(loadEverything)

it('no handler starts after drain() or close() was called, at whatever moment of the start of its consumer', async () => {
  const late: string[] = []
  for (const ending of ['drain', 'close'] as const) {
    for (const moment of moments) {
      const driver = new NaiveDriver()
      const broker = createBroker({ driver, destinations: [orders], log: () => undefined })
      await broker.producer(orders).send(1)
      let ended = false
      const consuming = broker.consume(orders, () => void (ended && late.push(`${ending} ${moment}`)), { use: [pass] }).catch(() => undefined)
      await wait(moment)
      ended = true
      await broker[ending]()
      await consuming
    }
  }
  expect(late).toEqual([])
})

/** A broker whose driver counts what it has given out and what was closed. */
function counting(): { broker: Broker; clock: ManualClock; open: () => number } {
  const driver = new NaiveDriver()
  let open = 0
  const connect = driver.connect.bind(driver)
  driver.connect = async (): Promise<Link> => {
    const link = await connect()
    open++
    let closed = false
    return {
      ...link,
      health: () => ({ state: closed ? 'closed' : 'connected' }),
      close: async () => {
        closed = true
        open--
      },
      sender: (endpoint) => {
        open++
        return Object.assign(link.sender(endpoint), { close: async () => void open-- })
      },
    }
  }
  const clock = new ManualClock()
  for (const name of ['orders', 'orders.dead'])
    for (let n = 0; n < 3; n++)
      driver.queue(name).push({ id: `${n}`, body: `${n}`, bodyBytes: 1, headers: {}, key: 'a', timestamp: 1, attempt: 0 } as unknown as Outgoing)
  return { broker: createBroker({ driver, destinations: [orders], clock, random: () => 0.5, log: () => undefined }), clock, open: () => open }
}

type Call = (broker: Broker, signal: AbortSignal) => Promise<unknown>

const calls: Readonly<Record<string, Call>> = {
  start: (broker, signal) => broker.start({ signal }),
  send: (broker, signal) => broker.producer(orders).send(1, { signal }),
  'send with middleware': (broker, signal) => broker.producer(orders, { use: [passOn] }).send(1, { signal }),
  sendBatch: (broker, signal) => broker.producer(orders, { maxBuffered: 2 }).sendBatch([1, 2, 3, 4, 5], { signal }),
  consume: async (broker, signal) => (await broker.consume(orders, () => undefined, { use: [pass], signal })).closed,
  consumeBatches: async (broker, signal) => (await broker.consumeBatches(orders, () => undefined, { signal })).closed,
  messages: async (broker, signal) => {
    for await (const message of broker.messages(orders, { signal })) await message.ack()
  },
  provision: (broker, signal) => broker.provision({ signal }),
  stats: (broker, signal) => broker.stats(orders, { signal }),
  peek: (broker, signal) => broker.deadLetters(orders).peek({ signal }),
  redrive: (broker, signal) => broker.deadLetters(orders).redrive({ signal }),
  discard: (broker, signal) => broker.deadLetters(orders).discard({ signal }),
}

const endings: Readonly<Record<string, (broker: Broker, controller: AbortController) => Promise<void>>> = {
  drain: (broker) => broker.drain(),
  close: (broker) => broker.close(),
  'drain cut short': async (broker) => {
    void broker.drain()
    await wait(3)
    await broker.close()
  },
  'abort and drain': (broker, controller) => {
    controller.abort()
    return broker.drain()
  },
}

describe.each(Object.entries(calls))('%s', (_, call) => {
  it.each(Object.entries(endings))('is settled, and nothing is left open, at whatever moment there is a %s', async (ending, end) => {
    const problems: string[] = []
    for (const moment of moments) {
      const { broker, clock, open } = counting()
      const controller = new AbortController()
      const progress = { settled: 0 }
      const count = (): void => void progress.settled++
      call(broker, controller.signal).then(count, (error: unknown) => {
        count()
        const { code, name } = error as { readonly code?: string; readonly name: string }
        if (code !== 'ERR_CLOSED' && name !== 'AbortError') problems.push(`${ending} ${moment}: ${String(error)}`)
      })
      await wait(moment)
      end(broker, controller).then(count, (error: unknown) => problems.push(`${ending} ${moment}: ${String(error)}`))
      for (let passed = 0; passed < 2_500 && progress.settled < 2; passed += 100) {
        await turns()
        clock.advance(100)
      }
      const { settled } = progress
      if (settled < 2 || open() > 0 || clock.timers > 0) problems.push(`${ending} ${moment}: settled ${settled}, open ${open()}, timers ${clock.timers}`)
    }
    expect(problems).toEqual([])
  })
})
