import { describe, expect, it } from 'vitest'
import { queue } from '../definitions/queue.ts'
import { stream } from '../definitions/stream.ts'
import { topic } from '../definitions/topic.ts'
import { BrokerError } from '../errors.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'
import { createBroker } from './create-broker.ts'
import type { Broker } from './types.ts'

const orders = queue<{ readonly id: string }>('orders', { orderingKey: (order) => order.id })
const events = topic<{ readonly total: number }>('events')
const large = events.subscription('large', { filter: { total: [{ numeric: ['>=', 10] }] } })

describe('the start of a broker', () => {
  it('lists every mismatch of every destination with its remedy, in one error, before it connects', async () => {
    const driver = new NaiveDriver({ ordering: 'none', confirms: false })
    const delayed = queue('delayed', { requires: { delayMs: 60_000 } })
    const broker = createBroker({ driver, destinations: [orders, large, delayed] })
    const error: unknown = await broker.start().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'ERR_UNSUPPORTED', retryable: false })
    const { message } = error as Error
    expect(message).toContain('- orders on naive: it needs messages in order')
    expect(message).toContain("ordering: 'best-effort'")
    expect(message).toContain('- events.large on naive: it has a filter on the body')
    expect(message).toContain("emulate: ['filter']")
    expect(message).toContain('- delayed on naive: it needs delays of up to 60000 ms')
    expect(driver.connected).toBe(0)
  })

  it('refuses what the driver refuses, with its words', async () => {
    const driver = new NaiveDriver()
    const capabilities = driver.capabilities.bind(driver)
    driver.capabilities = ((endpoint) =>
      endpoint.kind === 'stream' ? { refused: 'it has no streams', remedy: 'use a topic' } : capabilities(endpoint)) as typeof driver.capabilities
    const broker = createBroker({ driver, destinations: [stream('log')] })
    await expect(broker.start()).rejects.toThrow('log on naive: it has no streams. Remedy: use a topic.')
  })

  it('says in which route a place for dead letters is set, where the driver refuses it', async () => {
    const driver = new NaiveDriver()
    const capabilities = driver.capabilities.bind(driver)
    driver.capabilities = ((endpoint) =>
      endpoint.kind === 'queue' ? { refused: 'it has no queues', remedy: 'route it to another driver' } : capabilities(endpoint)) as typeof driver.capabilities
    const broker = createBroker({ driver, destinations: [events, large], emulate: ['filter'] })
    await expect(broker.start()).rejects.toThrow(
      "events.large.dead on naive: it has no queues. Remedy: set deadLetter: { driver } in the route of events, or { destination } if it is the name, or deadLetter: 'drop' or 'block'.",
    )
    const place = new NaiveDriver()
    for (const deadLetter of [{ driver: place }, 'drop', 'block'] as const) {
      const followed = createBroker({ driver, destinations: [events, large], emulate: ['filter'], routes: { events: { deadLetter } } })
      await followed.start()
      await followed.close()
    }
  })

  it('evaluates filters itself when it is told to', async () => {
    const driver = new NaiveDriver()
    const broker = createBroker({ driver, destinations: [large], emulate: ['filter'] })
    const seen: number[] = []
    await broker.consume(large, (message) => void seen.push(message.body.total))
    await broker.producer(events).sendBatch([{ total: 5 }, { total: 15 }])
    await broker.idle()
    expect(seen).toEqual([15])
    await broker.close()
  })

  it('keeps trying a broker that cannot be reached, and gives up at once where that is no use', async () => {
    const driver = new NaiveDriver()
    const clock = new ManualClock()
    const connect = driver.connect.bind(driver)
    const failures = [new BrokerError('ERR_UNAVAILABLE', 'refused'), new BrokerError('ERR_UNAVAILABLE', 'refused')]
    driver.connect = () => {
      const failure = failures.shift()
      return failure ? Promise.reject(failure) : connect()
    }
    const broker = createBroker({ driver, destinations: [orders], clock, random: () => 0.5, log: () => undefined })
    const started = broker.start()
    // Parts of core are loaded first, which takes real time and no virtual time; then two attempts fail.
    while (driver.connected === 0) {
      await turns()
      clock.advance(100)
    }
    await started
    expect(failures).toEqual([])
    await broker.close()
    failures.push(new BrokerError('ERR_ACCESS_DENIED', 'wrong password'))
    const second = createBroker({ driver, destinations: [orders], clock, log: () => undefined })
    await expect(second.start()).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
  })

  it('waits at its end for a broker that cannot be reached only if something is still to be sent', async () => {
    const endedAfter = async (begin: (broker: Broker) => Promise<unknown>): Promise<number> => {
      const driver = new NaiveDriver()
      const clock = new ManualClock()
      driver.connect = () => Promise.reject(new BrokerError('ERR_UNAVAILABLE', 'refused'))
      const broker = createBroker({ driver, destinations: [orders], clock, random: () => 0.5, log: () => undefined })
      const begun = begin(broker).catch(() => undefined)
      const ended: number[] = []
      void broker.drain({ timeoutMs: 10_000 }).then(() => ended.push(clock.monotonic()))
      while (ended.length === 0) {
        await turns()
        clock.advance(100)
      }
      await begun
      return ended[0] as number
    }
    expect(await endedAfter((broker) => broker.start())).toBeLessThan(1_000)
    expect(await endedAfter((broker) => broker.consume(orders, () => undefined))).toBeLessThan(1_000)
    expect(await endedAfter((broker) => broker.producer(orders).send({ id: 'a' }))).toBeGreaterThan(9_000)
  })

  it('plans anew and looks again when an outage begins between connecting and starting', async () => {
    const driver = new NaiveDriver()
    const clock = new ManualClock()
    const connect = driver.connect.bind(driver)
    const calls: string[] = []
    const failing = new Set(['plan', 'apply', 'inspect'])
    const call = (name: string): void => {
      calls.push(name)
      if (failing.delete(name)) throw new BrokerError('ERR_UNAVAILABLE', `cut in ${name}`)
    }
    driver.connect = async () => ({
      ...(await connect()),
      topology: {
        plan: async () => {
          call('plan')
          return [{ resource: 'queue orders', kind: 'create', text: 'make it' }]
        },
        apply: async () => call('apply'),
      },
      inspect: async (endpoint) => {
        if (endpoint.name === 'orders') call('inspect')
        return driver.capabilities(endpoint)
      },
    })
    const broker = createBroker({ driver, destinations: [orders], provision: 'create', clock, random: () => 0.5, log: () => undefined })
    const starting = broker.start()
    while (calls.length < 7) {
      await turns()
      clock.advance(100)
    }
    await starting
    expect(calls).toEqual(['plan', 'plan', 'apply', 'plan', 'apply', 'inspect', 'inspect'])
    expect((await broker.provision()).changes.map(({ resource }) => resource)).toEqual(['queue orders'])
    await broker.close()
  })

  it('names the nearest match for unlisted destinations, routes and options', () => {
    const driver = new NaiveDriver()
    expect(() => createBroker({ driver, destinations: [orders], routes: { order: {} } })).toThrow("there is no destination 'order'; did you mean 'orders'?")
    expect(() => createBroker({ driver, destinations: [orders], routs: {} } as never)).toThrow("did you mean 'routes'?")
    expect(() => createBroker({ driver, destinations: [orders] }).producer(queue('orderz'))).toThrow(
      "'orderz' is not in the broker's destinations; did you mean 'orders'?",
    )
  })

  it('refuses two definitions of one name, and two names for one resource', () => {
    const driver = new NaiveDriver()
    expect(() => createBroker({ driver, destinations: [orders, queue('orders')] })).toThrow(/two different definitions named 'orders'/)
    expect(() => createBroker({ driver, destinations: [orders, queue('other')], naming: () => 'same' })).toThrow(/orders and other both take same on naive/)
  })

  it('fails the sends that wait for a start that fails, and starts again with the next', async () => {
    const driver = new NaiveDriver()
    const connect = driver.connect.bind(driver)
    driver.connect = () => Promise.reject(new BrokerError('ERR_ACCESS_DENIED', 'wrong password'))
    const broker = createBroker({ driver, destinations: [orders] })
    await expect(broker.producer(orders).send({ id: 'a' })).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
    driver.connect = connect
    await expect(broker.producer(orders).send({ id: 'a' })).resolves.toMatchObject({})
    await broker.close()
  })
})

describe('the end of a broker', () => {
  it('drains consumers, then sends what is buffered, then disconnects', async () => {
    const driver = new NaiveDriver()
    const broker = createBroker({ driver, destinations: [orders, events] })
    let confirmed = false
    await broker.consume(orders, async () => {
      await turns()
      void broker
        .producer(events)
        .send({ total: 1 })
        .then(() => (confirmed = true))
    })
    await broker.producer(orders).send({ id: 'a' })
    driver.onSend = async (batch) => {
      for (let i = 0; i < 20; i++) await turns()
      return batch.map(() => ({ ok: true }))
    }
    await broker.drain()
    expect(confirmed).toBe(true)
    expect(driver.calls).toEqual(['send orders 1', 'pause', 'send events 1', 'settle ack', 'handBack 0', 'close'])
    expect((await broker.health()).state).toBe('closed')
  })

  it('refuses everything afterwards with ERR_CLOSED', async () => {
    const broker = createBroker({ driver: new NaiveDriver(), destinations: [orders] })
    await broker.drain()
    await broker.drain()
    await expect(broker.producer(orders).send({ id: 'a' })).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(broker.consume(orders, () => undefined)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})
