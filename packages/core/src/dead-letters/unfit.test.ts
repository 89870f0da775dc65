import { beforeAll, describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { queue } from '../definitions/queue.ts'
import { BrokerError } from '../errors.ts'
import { loadEverything } from '../lazy.ts'
import { deadLetter } from '../outcome.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

const orders = queue<{ readonly n: number }>('orders')

describe('dead letters that fit nowhere, where the broker can put nothing aside itself,', () => {
  beforeAll(loadEverything)

  interface Stuck {
    readonly driver: NaiveDriver
    readonly broker: Broker
    readonly logged: string[]
    readonly place: { full: boolean }
    readonly blockedKeys: () => Promise<number>
    /** Lets time pass until it holds. */
    readonly until: (holds: () => boolean | Promise<boolean>) => Promise<void>
  }

  async function stuck(): Promise<Stuck> {
    const driver = new NaiveDriver({ deliveryAttempt: 'none' })
    const clock = new ManualClock()
    const logged: string[] = []
    const place = { full: true }
    const broker = createBroker({ driver, destinations: [orders], clock, random: () => 0.5, log: (_, event) => void logged.push(event) })
    driver.onSend = (batch) =>
      place.full && batch[0]?.headers['busbar-dead']
        ? Promise.resolve([{ ok: false, error: new BrokerError('ERR_TOO_LARGE', 'too large'), stored: 'no' }])
        : undefined
    await broker.consume(orders, ({ body }) => (body.n === 1 ? deadLetter('no') : undefined))
    await broker.producer(orders).sendBatch([{ n: 1 }, { n: 2 }])
    const until: Stuck['until'] = async (holds) => {
      for (let steps = 0; steps < 2_000 && !(await holds()); steps++) {
        await turns()
        clock.advance(100)
      }
      expect(await holds()).toBe(true)
    }
    const blockedKeys = async (): Promise<number> => (await broker.blockedKeys(orders).list()).length
    await until(async () => (await blockedKeys()) > 0)
    return { driver, broker, logged, place, blockedKeys, until }
  }

  it('are listed as blocked and told once, and go as soon as their place takes them', async () => {
    const { driver, broker, logged, place, blockedKeys, until } = await stuck()
    const [blocked] = await broker.blockedKeys(orders).list()
    expect(blocked).toMatchObject({ attempts: 1, reason: 'its dead letter does not fit: too large' })
    expect(driver.receivers[0]?.settled.map(({ delivery }) => delivery.incoming.body)).toEqual(['{"n":2}'])
    await until(() => logged.filter((event) => event === 'dead-letter:failed').length > 3)
    place.full = false
    await until(async () => (await blockedKeys()) === 0)
    expect(driver.queue('orders.dead').ready).toHaveLength(1)
    expect(logged.filter((event) => event === 'key:blocked')).toHaveLength(1)
    expect(logged).not.toContain('message:dropped')
  })

  it('are dropped when an operator skips them, and not before', async () => {
    const { driver, broker, logged, blockedKeys, until } = await stuck()
    expect(logged).not.toContain('message:dropped')
    expect(await broker.blockedKeys(orders).skip({ reason: 'written down by hand' })).toBe(1)
    await until(async () => (await blockedKeys()) === 0)
    expect(logged).toContain('message:dropped')
    expect(driver.receivers[0]?.settled.map(({ action }) => action)).toEqual(['ack', 'ack'])
    expect(driver.queue('orders.dead').ready).toHaveLength(0)
  })
})
