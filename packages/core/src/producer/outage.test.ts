import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { text } from '../codec/text.ts'
import { queue } from '../definitions/queue.ts'
import type { Driver, Link } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'
import type { Producer, SendOptions } from './types.ts'

const plain = queue<string>('plain', { codec: text })
/** The body begins with its key. */
const keyed = queue<string>('keyed', { codec: text, orderingKey: (body) => body.split(' ', 1)[0] as string })

const rounds = 20
const sendsPerRound = 1_000
/** 20,000 bodies of 2,000 characters are 40 MB; what is not forgotten stays far below that. */
const bodyLength = 2_000
const maxGrowthBytes = 10_000_000

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

/** A link that is never writable. */
function unwritable(driver: NaiveDriver): Driver {
  return {
    name: driver.name,
    capabilities: (endpoint) => driver.capabilities(endpoint),
    address: (endpoint) => driver.address(endpoint),
    connect: async (): Promise<Link> => {
      const link = await driver.connect()
      return { ...link, sender: (endpoint) => ({ ...link.sender(endpoint), writable: false }) }
    },
  }
}

function refusing(driver: NaiveDriver): Driver {
  return { ...unwritable(driver), connect: () => Promise.reject(new BrokerError('ERR_ACCESS_DENIED', 'no')) }
}

interface Round {
  readonly producer: Producer<string>
  readonly clock: ManualClock
  readonly bodies: readonly string[]
}

/** Bytes by which the heap has grown when all sends have their answer, and the codes of those. */
async function growth(
  broker: Broker,
  clock: ManualClock,
  producer: Producer<string>,
  key: (n: number) => string,
  sendAll: (round: Round) => Promise<string[]>,
) {
  const codes = new Set<string>()
  const before = heapUsed()
  for (let round = 0; round < rounds; round++) {
    const bodies = Array.from({ length: sendsPerRound }, (_, n) => `${key(round * sendsPerRound + n)} ${'x'.repeat(bodyLength)}`)
    for (const code of await sendAll({ producer, clock, bodies })) codes.add(code)
  }
  expect(producer.pending).toBeLessThan(2)
  const grown = heapUsed() - before
  await broker.close()
  return { grown, codes: [...codes].toSorted() }
}

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'sent',
    (error: unknown) => (error instanceof BrokerError ? error.code : (error as Error).name),
  )

function send({ producer, bodies }: Round, options: SendOptions): Promise<string>[] {
  return bodies.map((body) => codeOf(producer.send(body, options)))
}

async function timeOut(round: Round): Promise<string[]> {
  const sends = send(round, { timeoutMs: 1 })
  await turns()
  round.clock.advance(20)
  return Promise.all(sends)
}

async function abort(round: Round): Promise<string[]> {
  const controller = new AbortController()
  const sends = send(round, { signal: controller.signal })
  await turns()
  controller.abort()
  return Promise.all(sends)
}

function setUp(driver: Driver): { broker: Broker; clock: ManualClock } {
  const clock = new ManualClock()
  return { clock, broker: createBroker({ driver, destinations: [plain, keyed], clock, random: () => 0.5, log: () => undefined }) }
}

describe('during an outage, sends that have their answer are forgotten', () => {
  const cases = [
    { what: 'timed out', key: () => 'a', destination: plain, sendAll: timeOut, codes: ['ERR_TIMEOUT'] },
    { what: 'timed out, of one key', key: () => 'a', destination: keyed, sendAll: timeOut, codes: ['ERR_ORDER', 'ERR_TIMEOUT'] },
    { what: 'timed out, each of a key of its own', key: (n: number) => `k${n}`, destination: keyed, sendAll: timeOut, codes: ['ERR_TIMEOUT'] },
    { what: 'aborted', key: () => 'a', destination: plain, sendAll: abort, codes: ['AbortError'] },
    { what: 'aborted, of one key', key: () => 'a', destination: keyed, sendAll: abort, codes: ['AbortError'] },
  ]
  for (const { what, key, destination, sendAll, codes } of cases) {
    it(what, async () => {
      const { broker, clock } = setUp(unwritable(new NaiveDriver()))
      await broker.start()
      const result = await growth(broker, clock, broker.producer(destination), key, sendAll)
      expect(result.codes).toEqual(codes)
      expect(result.grown).toBeLessThan(maxGrowthBytes)
    })
  }

  it('behind one of their key that still waits', async () => {
    const { broker, clock } = setUp(unwritable(new NaiveDriver()))
    await broker.start()
    const producer = broker.producer(keyed)
    const waiting = codeOf(producer.send('a first', { timeoutMs: 3_600_000 }))
    const result = await growth(broker, clock, producer, () => 'a', timeOut)
    expect(result.codes).toEqual(['ERR_ORDER', 'ERR_TIMEOUT'])
    expect(result.grown).toBeLessThan(maxGrowthBytes)
    expect(await waiting).toBe('ERR_CLOSED')
  })

  it('while the broker cannot start', async () => {
    const { broker, clock } = setUp(refusing(new NaiveDriver()))
    const result = await growth(
      broker,
      clock,
      broker.producer(keyed),
      (n) => `k${n}`,
      (round) => Promise.all(send(round, {})),
    )
    expect(result.codes).toEqual(['ERR_ACCESS_DENIED'])
    expect(result.grown).toBeLessThan(maxGrowthBytes)
  })
})

describe('a start that failed', () => {
  /** Refuses once. */
  function reluctant(driver: NaiveDriver): Driver {
    let refused = false
    return {
      ...unwritable(driver),
      connect: async () => {
        if (refused) return driver.connect()
        refused = true
        throw new BrokerError('ERR_NOT_FOUND', 'no such queue')
      },
    }
  }

  const slow = async <T>(value: T): Promise<T> => {
    await turns()
    await turns()
    return value
  }
  const slowSchema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => slow({ value }) } } as StandardSchema<string, string>
  const validated = queue('validated', { schema: slowSchema, codec: text, orderingKey: () => 'a' })

  it.each(['schema', 'middleware'])('leaves a key sendable whose first message was still being prepared by its %s', async (by) => {
    const broker = createBroker({ driver: reluctant(new NaiveDriver()), destinations: [validated, keyed], clock: new ManualClock(), log: () => undefined })
    const producer =
      by === 'schema'
        ? broker.producer(validated)
        : broker.producer(keyed, {
            use: [
              async (_, next) => {
                await slow(undefined)
                return next()
              },
            ],
          })
    expect(await codeOf(producer.send('a 1'))).toBe('ERR_NOT_FOUND')
    await broker.provision()
    expect(await Promise.all(['a 2', 'a 3'].map((body) => codeOf(producer.send(body))))).toEqual(['sent', 'sent'])
    await broker.close()
  })
})
