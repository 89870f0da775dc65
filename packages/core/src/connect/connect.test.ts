import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { queue } from '../definitions/queue.ts'
import type { Driver, DriverFactory } from '../driver/index.ts'
import { isBrokerError } from '../errors.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { connect } from './connect.ts'
import type { BrokerConfiguration, ConnectOptions } from './types.ts'

interface Made {
  readonly by: string
  readonly from: unknown
  readonly driver: NaiveDriver
}

/** A factory that records what it was asked for. */
function factory(schemes: readonly string[], made: Made[]): DriverFactory<{ readonly host?: string }> {
  const make = (from: unknown): Driver => {
    const driver = new NaiveDriver()
    made.push({ by: schemes[0] ?? '', from, driver })
    return driver
  }
  return Object.assign((options: { readonly host?: string }) => make(options), {
    schemes,
    fromUrl: (url: URL) => make(url.href),
    fromConfiguration: (options: object) => make(options),
  })
}

const orders = queue<{ n: number }>('orders')
const payments = queue<{ n: number }>('payments')

function setup(options: Partial<ConnectOptions> = {}): { made: Made[]; options: ConnectOptions } {
  const made: Made[] = []
  return { made, options: { drivers: [factory(['memory'], made), factory(['amqp', 'amqps'], made)], destinations: [orders, payments], ...options } }
}

async function refusal(configuration: unknown, given: Partial<ConnectOptions> = {}): Promise<string> {
  try {
    await connect(configuration as string, setup(given).options)
  } catch (error) {
    expect(isBrokerError(error) && error.code).toBe('ERR_CONFIGURATION')
    // Nothing secret hides behind the message either.
    expect(JSON.stringify((error as Error).cause ?? '')).not.toContain('hunter2')
    return (error as Error).message
  }
  throw new Error('accepted')
}

describe('connect with a URL', () => {
  it.each(['memory:', 'amqp://localhost', 'AMQPS://user:hunter2@host/vhost', 'memory:?seed=5'])('gives %s to the driver of its scheme', async (url) => {
    const { made, options } = setup()
    await connect(url, options)
    expect(made.map(({ by, from }) => [by, from])).toEqual([[url.toLowerCase().startsWith('memory') ? 'memory' : 'amqp', new URL(url).href]])
  })

  it('takes a URL object', async () => {
    const { made, options } = setup()
    await connect(new URL('amqp://localhost/'), options)
    expect(made[0]?.from).toBe('amqp://localhost/')
  })

  it('connects nothing until it is needed, then sends and receives', async () => {
    const { made, options } = setup()
    const broker = await connect('memory:', options)
    expect(made[0]?.driver.connected).toBe(0)
    await broker.producer(orders).send({ n: 1 })
    const received: number[] = []
    await broker.consume(orders, (message) => void received.push(message.body.n))
    await expect.poll(() => received).toEqual([1])
    expect(made[0]?.driver.connected).toBe(1)
    await broker.close()
  })

  it.each([
    ['amqqs://user:hunter2@host', "driver: unknown scheme 'amqqs'; did you mean 'amqps'?"],
    ['kafka://hunter2', "driver: unknown scheme 'kafka'; known: memory, amqp, amqps; give connect the driver of another one: { drivers: [memory, amqp, …] }"],
    ['amqp://user:hunter2@ho st', 'driver is not a valid URL'],
    ['hunter2', "connect: the configuration must be a URL, such as 'memory:', a path ending in .json, or an object"],
    ['', 'connect: the configuration is empty'],
  ])('refuses %s', async (url, message) => {
    expect(await refusal(url)).toBe(message)
  })
})

describe('connect with an object', () => {
  it('takes a URL alone for a route to its driver', async () => {
    const { made, options } = setup()
    const broker = await connect({ driver: { name: 'amqp', host: 'a' }, routes: { orders: 'memory:' } }, options)
    await broker.producer(orders).send({ n: 1 })
    const stored = made.map(({ by, driver }) => [by, [...driver.queues.keys()].includes('orders')])
    expect(Object.fromEntries(stored)).toEqual({ amqp: false, memory: true })
    await broker.close()
  })

  it('makes drivers by name and URL, one for equal configurations', async () => {
    const { made, options } = setup()
    const broker = await connect(
      {
        driver: { name: 'amqp', host: 'a' },
        routes: {
          orders: { driver: 'memory:', name: 'prod-orders', deadLetter: { destination: 'graveyard', driver: { name: 'amqp', host: 'a' } } },
          payments: { deadLetter: { destination: 'dead-payments', driver: 'memory:' }, options: {} },
        },
      },
      options,
    )
    expect(made.map(({ by, from }) => [by, from])).toEqual([
      ['amqp', { host: 'a' }],
      ['memory', 'memory:'],
    ])
    await broker.producer(orders).send({ n: 1 })
    await broker.producer(payments).send({ n: 2 })
    expect([...(made[1]?.driver.queues.keys() ?? [])]).toContain('prod-orders')
    expect([...(made[0]?.driver.queues.keys() ?? [])]).toContain('payments')
    await broker.close()
  })

  it('keeps drivers apart whose configurations hold more than JSON', async () => {
    const { made, options } = setup()
    const credentials = (): string => 'a'
    await connect({ driver: { name: 'amqp', credentials }, routes: { orders: { driver: { name: 'amqp', credentials: () => 'b' } } } }, options)
    expect(made.length).toBe(2)
  })

  const driver = 'memory:'
  it.each<[string, unknown, string]>([
    ['no driver', { routes: {} }, 'configuration: driver is missing'],
    ['a driver that is not set', { driver: undefined }, 'configuration: driver is missing'],
    ['null', null, 'configuration must be an object with a driver'],
    ['a list', [], 'configuration must be an object with a driver'],
    ['an unknown key', { driver, route: {} }, "configuration: unknown option 'route'; did you mean 'routes'?"],
    ['a driver that is no URL', { driver: 'hunter2' }, "driver must be a URL, such as 'memory:'"],
    ['a driver without a colon', { driver: 'amqp' }, "driver must be a URL, such as 'amqp:'"],
    ['a driver without a name', { driver: { host: 'hunter2' } }, 'configuration: driver must be a URL or an object with the name of a driver'],
    ['an unknown driver', { driver: { name: 'ampq', password: 'hunter2' } }, "driver: unknown driver 'ampq'; did you mean 'amqp'?"],
    ['a second scheme as a name', { driver: { name: 'amqps' } }, "driver: unknown driver 'amqps'; did you mean 'amqp'?"],
    ['an unknown provision', { driver, provision: 'hunter2' }, "configuration: provision must be 'create' or 'verify' or 'none'"],
    ['an unknown emulation', { driver, emulate: ['delay'] }, "configuration: emulate must be 'filter'"],
    ['emulation that is no list', { driver, emulate: 'filter' }, "configuration: emulate must be a list: ['filter']"],
    ['routes that are a list', { driver, routes: [] }, 'configuration: routes must be an object'],
    ['a route for nothing', { driver, routes: { order: {} } }, "did you mean 'orders'?"],
    ['a route that is no URL', { driver, routes: { orders: 'hunter2' } }, "routes.orders must be a URL, such as 'memory:'"],
    ['a route that is a number', { driver, routes: { orders: 5 } }, 'configuration: routes.orders must be a URL or an object with the name of a driver'],
    [
      'an unknown route option',
      { driver, routes: { orders: { deadletter: 'hunter2' } } },
      "configuration: routes.orders: unknown option 'deadletter'; did you mean 'deadLetter'?",
    ],
    [
      'an unknown route driver',
      { driver, routes: { orders: { driver: 'memry:hunter2' } } },
      "routes.orders.driver: unknown scheme 'memry'; did you mean 'memory'?",
    ],
    [
      'an unknown dead-letter driver',
      { driver, routes: { orders: { deadLetter: { driver: { name: 'x' } } } } },
      "routes.orders.deadLetter.driver: unknown driver 'x'",
    ],
    [
      'an unknown dead-letter option',
      { driver, routes: { orders: { deadLetter: { queue: 'x' } } } },
      "configuration: routes.orders.deadLetter: unknown option 'queue'",
    ],
    [
      'an unknown dead-letter word',
      { driver, routes: { orders: { deadLetter: 'hunter2' } } },
      "configuration: routes.orders.deadLetter must be 'drop' or 'block'",
    ],
    [
      'a wrong dead-letter destination',
      { driver, routes: { orders: { deadLetter: { destination: 5 } } } },
      'configuration: routes.orders.deadLetter.destination must be a text',
    ],
    ['a wrong ordering', { driver, routes: { orders: { ordering: 'none' } } }, "configuration: routes.orders.ordering must be 'best-effort'"],
    ['a wrong delivery', { driver, routes: { orders: { delivery: 'exactly-once' } } }, "configuration: routes.orders.delivery must be 'at-most-once'"],
    ['a wrong name', { driver, routes: { orders: { name: 5 } } }, 'configuration: routes.orders.name must be a text'],
    ['wrong attempts', { driver, routes: { orders: { maxAttempts: 0 } } }, 'configuration: routes.orders.maxAttempts must be a whole number from 1 to 100'],
    ['wrong options', { driver, routes: { orders: { options: [] } } }, 'configuration: routes.orders.options must be an object'],
  ])('refuses %s', async (_case, configuration, message) => {
    const text = await refusal(configuration)
    expect(text).toContain(message)
    expect(text).not.toContain('hunter2')
  })
})

describe('connect with a file', () => {
  let folder = ''
  const file = (name: string): string => join(folder, name)
  const configuration: BrokerConfiguration = { driver: { name: 'amqp', host: 'from file' }, provision: 'none' }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'busbar-connect-'))
    await writeFile(file('busbar.json'), `\ufeff${JSON.stringify(configuration)}`)
    await writeFile(file('broken.json'), '{"driver": "amqp://user:hunter2@host" oops}')
    await writeFile(file('wrong.json'), JSON.stringify({ driver: 'memory:', emulation: [] }))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('reads paths and file: URLs', async () => {
    for (const location of [file('busbar.json'), pathToFileURL(file('busbar.json')).href, pathToFileURL(file('busbar.json')), `file:${file('busbar.json')}`]) {
      const { made, options } = setup()
      await connect(location, options)
      expect(made.map(({ from }) => from)).toEqual([{ host: 'from file' }])
    }
  })

  it('names the file and never quotes it', async () => {
    expect(await refusal(file('absent.json'))).toBe(`configuration file ${file('absent.json')} cannot be read: ENOENT`)
    expect(await refusal(file('broken.json'))).toBe(`configuration file ${file('broken.json')} is not valid JSON at position 38 (line 1 column 39)`)
    expect(await refusal(file('wrong.json'))).toBe(`configuration file ${file('wrong.json')}: unknown option 'emulation'; did you mean 'emulate'?`)
  })
})

describe('misuse of connect', () => {
  it('refuses what is written twice', async () => {
    expect(await refusal({ driver: 'memory:', provision: 'none' }, { provision: 'verify' })).toBe(
      'connect: provision is in the configuration and in the code; write it once',
    )
  })

  it('refuses two drivers for a scheme', async () => {
    expect(await refusal('memory:', { drivers: [factory(['a', 'x'], []), factory(['x'], [])] })).toBe(
      "connect: two drivers claim the scheme 'x'; give only one of them",
    )
  })

  it.each([[], [new NaiveDriver()], undefined])('refuses drivers that are none (case %#)', async (...drivers) => {
    await expect(connect('memory:', setup({ drivers: drivers as never }).options)).rejects.toThrow(TypeError)
  })

  it('refuses to do without options', async () => {
    for (const options of [undefined, null])
      await expect(connect('memory:', options as never)).rejects.toThrow(`connect: options must be an object, not ${String(options)}`)
  })

  it('gives what is no JSON to the driver, which says what is wrong with it', async () => {
    const { made, options } = setup()
    const cyclic: Record<string, unknown> = { name: 'memory' }
    cyclic['self'] = cyclic
    await connect({ driver: cyclic } as never, options)
    await connect({ driver: { name: 'memory', seed: 5n } }, options)
    expect(made.map(({ from }) => from)).toEqual([{ self: cyclic }, { seed: 5n }])
  })

  it('names an unknown option', async () => {
    await expect(connect('memory:', { ...setup().options, driver: 5 } as ConnectOptions)).rejects.toThrow(
      "connect: unknown option 'driver'; did you mean 'drivers'?",
    )
  })
})
