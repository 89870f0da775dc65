import { beforeAll, describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { queue } from '../definitions/queue.ts'
import type { LinkHealth, Outgoing } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { loadEverything } from '../lazy.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

const orders = queue<{ readonly n: number }>('orders')
const mebibyte = 1_048_576

interface SetUp {
  readonly driver: NaiveDriver
  readonly broker: Broker
  readonly clock: ManualClock
  /** What the link says of itself. */
  readonly health: { value: LinkHealth }
  /** Lets time pass until `work` is done; how it ended, and after how many milliseconds. */
  readonly passing: (work: Promise<unknown>) => Promise<{ readonly value?: unknown; readonly error?: unknown; readonly afterMs: number }>
}

/** A broker whose queue `orders.dead` holds `count` dead letters that say to be of `bodyBytes` bytes. */
function setUp(count: number, bodyBytes = 10, maxMessageBytes = 2 * mebibyte): SetUp {
  const driver = new NaiveDriver({ maxMessageBytes })
  const clock = new ManualClock()
  const health: SetUp['health'] = { value: { state: 'connected' } }
  const connect = driver.connect.bind(driver)
  driver.connect = async () => ({ ...(await connect()), health: () => health.value })
  const broker = createBroker({ driver, destinations: [orders], clock, random: () => 0.5, log: () => undefined })
  for (let n = 1; n <= count; n++)
    driver.queue('orders.dead').push({ id: `d${n}`, body: '{}', bodyBytes, headers: {}, timestamp: 1, attempt: 0 } as unknown as Outgoing)
  const passing: SetUp['passing'] = async (work) => {
    let ended: { readonly value?: unknown; readonly error?: unknown } | undefined
    work.then(
      (value) => (ended = { value }),
      (error: unknown) => (ended = { error }),
    )
    for (let afterMs = 0; afterMs < 200_000; afterMs += 100) {
      await turns()
      if (ended) return { ...ended, afterMs }
      clock.advance(100)
    }
    throw new Error('not done after 200 s of the clock')
  }
  return { driver, broker, clock, health, passing }
}

// Loading takes real time, of which the clock of these tests knows nothing.
beforeAll(loadEverything)

describe('dead letters that together are more than is held at once', () => {
  it('are all sent back', async () => {
    const { driver, broker, passing } = setUp(90, 2 * mebibyte)
    expect(await passing(broker.deadLetters(orders).redrive())).toMatchObject({ value: { moved: 90, skipped: 0 } })
    expect(driver.queue('orders.dead').ready.length).toBe(0)
  })

  it('are all looked at where they are left alone', async () => {
    const { driver, broker, passing } = setUp(200, 2 * mebibyte)
    expect(await passing(broker.deadLetters(orders).discard({ where: ({ id }) => id === 'd200' }))).toMatchObject({ value: { discarded: 1, skipped: 199 } })
    expect(driver.queue('orders.dead').ready.length).toBe(199)
  })

  it('are no reason to refuse what is all there is, however large a message may be', async () => {
    const { broker, passing } = setUp(60, mebibyte, 256 * mebibyte)
    expect(((await passing(broker.deadLetters(orders).peek({ max: 100 }))).value as unknown[]).length).toBe(60)
  })

  it('are not left out in silence where they are too much', async () => {
    const { broker, passing } = setUp(600, mebibyte)
    const unsupported = { error: { code: 'ERR_UNSUPPORTED' } }
    expect(await passing(broker.deadLetters(orders).discard({ where: ({ id }) => id === 'd600' }))).toMatchObject(unsupported)
    expect(await passing(broker.deadLetters(orders).peek({ max: 600 }))).toMatchObject(unsupported)
  })

  it('are shown as far as they are asked for', async () => {
    const { broker, passing } = setUp(200, mebibyte)
    const { value } = await passing(broker.deadLetters(orders).peek({ max: 20 }))
    expect((value as unknown[]).length).toBe(20)
  })
})

describe('an operation whose connection is closed for good', () => {
  const closed: LinkHealth = { state: 'closed', error: new Error('by the broker') }

  it('ends at once, and says so', async () => {
    const { broker, health, passing } = setUp(0)
    await broker.start()
    const work = broker.deadLetters(orders).redrive()
    await turns()
    health.value = closed
    const { error, afterMs } = await passing(work)
    expect(error).toMatchObject({ code: 'ERR_CLOSED', cause: closed.error })
    expect(afterMs).toBeLessThan(5_000)
  })

  it('does not go on acking', async () => {
    const { driver, broker, health, passing } = setUp(3)
    await broker.start()
    driver.onSettle = (outcomes) => {
      health.value = closed
      return Promise.resolve(outcomes.map(() => ({ error: new BrokerError('ERR_UNAVAILABLE', 'closed') })))
    }
    const { error, afterMs } = await passing(broker.deadLetters(orders).discard())
    expect(error).toMatchObject({ code: 'ERR_CLOSED' })
    expect(afterMs).toBeLessThan(5_000)
  })
})

it('a filter that answers with a promise is refused: it would stand for all', async () => {
  const { driver, broker, passing } = setUp(3)
  const where = (async () => false) as unknown as () => boolean
  expect((await passing(broker.deadLetters(orders).discard({ where }))).error).toBeInstanceOf(TypeError)
  expect((await passing(broker.deadLetters(orders).redrive({ where }))).error).toBeInstanceOf(TypeError)
  await turns()
  expect(driver.queue('orders.dead').ready.length).toBe(3)
})
