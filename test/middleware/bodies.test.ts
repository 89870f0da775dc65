import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  deadLetter,
  bytes,
  constant,
  createBroker,
  queue,
  text,
  topic,
  type Broker,
  type ConsumeOptions,
  type DeadLetter,
  type ProcessMiddleware,
  type SendMiddleware,
} from '@busbar/core'
import { memory, memoryStore, virtualClock, type VirtualClock } from '@busbar/memory'
import {
  claimCheck,
  claimFetch,
  compression,
  decompression,
  decryption,
  encryption,
  fileStore,
  idempotency,
  localKeys,
  retry,
  type BodyStore,
} from '@busbar/middleware'
import { afterAll, describe, expect, it } from 'vitest'

interface Job {
  readonly n: number
  readonly text: string
}

const jobs = queue<Job>('jobs', { orderingKey: (job) => `k${job.n % 5}`, messageId: (job) => `job-${job.n}`, type: 'job' })
const raw = queue<Uint8Array>('raw', { codec: bytes })
const words = queue<string>('words', { codec: text })
const news = topic<Job>('news')
const readers = [news.subscription('a'), news.subscription('b')] as const

const keys = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 1) } })
const home = mkdtempSync(join(tmpdir(), 'busbar-bodies-'))
let folders = 0

afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Setup {
  readonly broker: Broker
  readonly clock: VirtualClock
  readonly store: BodyStore
  /** Bodies in the store. */
  readonly stored: () => number
  readonly idle: () => Promise<void>
}

function setup(): Setup {
  const clock = virtualClock()
  const driver = memory({ clock })
  const broker = createBroker({ driver, destinations: [jobs, raw, words, news, ...readers], provision: 'create', clock, log: () => {} })
  const directory = join(home, String(folders++))
  const stored = (): number => {
    try {
      return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
    } catch {
      return 0
    }
  }
  return { broker, clock, store: fileStore({ directory }), stored, idle: () => driver.idle({ timeoutMs: 3_600_000 }) }
}

function sendingWith(store: BodyStore): SendMiddleware[] {
  return [compression({ minBytes: 100 }), encryption({ keys, headers: ['tenant'] }), claimCheck({ store, minBytes: 500 })]
}

function receivingWith(store: BodyStore): ProcessMiddleware[] {
  return [claimFetch({ store }), decryption({ keys, headers: ['tenant'] }), decompression()]
}

/** Small, compressible and large bodies. */
function job(n: number): Job {
  return {
    n,
    text: n % 3 === 0 ? 'short' : n % 3 === 1 ? 'again '.repeat(1_000) : Array.from({ length: 500 }, (_, index) => (index * 7919 * n) % 10_007).join(),
  }
}

async function deadLetters(broker: Broker, source: typeof jobs | typeof raw | typeof words): Promise<readonly DeadLetter[]> {
  return broker.deadLetters(source as typeof jobs).peek({ max: 1_000 })
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !condition(); turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(condition()).toBe(true)
}

describe('compression, encryption and claim check in a broker', () => {
  it('carry every body in order and leave nothing behind', async () => {
    const { broker, clock, store, stored, idle } = setup()
    const handled: Job[] = []
    const use = [...receivingWith(store), idempotency({ store: memoryStore({ clock }) }), retry({ backoff: constant(10) })]
    const failedOnce = new Set<number>()
    await broker.consume(
      jobs,
      ({ body, headers }) => {
        expect({ ...headers }).toEqual({ tenant: 'acme' })
        if (body.n % 4 === 0 && !failedOnce.has(body.n)) {
          failedOnce.add(body.n)
          throw new Error('not yet')
        }
        handled.push(body)
      },
      { use },
    )
    const producer = broker.producer(jobs, { use: sendingWith(store) })
    await Promise.all(Array.from({ length: 60 }, (_, n) => producer.send(job(n), { headers: { tenant: 'acme' } })))
    await idle()
    expect(handled.toSorted((a, b) => a.n - b.n)).toEqual(Array.from({ length: 60 }, (_, n) => job(n)))
    for (let key = 0; key < 5; key++) {
      const numbers = handled.filter(({ n }) => n % 5 === key).map(({ n }) => n)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
    await until(() => stored() === 0)
    await broker.drain()
  })

  it.each(['rabbitmq', 'sqs-standard', 'sqs-fifo', 'kinesis', 'mqtt'] as const)('work within the limits of %s', async (profile) => {
    const clock = virtualClock()
    const driver = memory({ clock, profile })
    const routes = { words: { deadLetter: { destination: 'graveyard', driver: memory({ clock }) } } }
    const broker = createBroker({ driver, routes, destinations: [words], provision: 'create', clock, log: () => {} })
    const store = fileStore({ directory: join(home, String(folders++)) })
    const handled: string[] = []
    await broker.consume(words, ({ body }) => void handled.push(body), { use: receivingWith(store) })
    const producer = broker.producer(words, { use: [...sendingWith(store).slice(0, 2), claimCheck({ store, minBytes: 50_000_000 })] })
    const sizes = [1, 10_000, 300_000, 2_000_000]
    const bodies = sizes.map((size) => createHash('shake256', { outputLength: size }).update(profile).digest().toString('latin1'))
    await Promise.all(bodies.map((body) => producer.send(body)))
    await driver.idle({ timeoutMs: 3_600_000 })
    expect(handled.toSorted((a, b) => a.length - b.length)).toEqual(bodies)
    await broker.drain()
  })

  it('keep a dead letter as it was sent, and its body, until it is redriven and handled', async () => {
    const { broker, store, stored, idle } = setup()
    let broken = true
    const handled: Job[] = []
    await broker.consume(
      jobs,
      ({ body }) => {
        if (broken) throw new Error('down')
        handled.push(body)
      },
      { use: [...receivingWith(store), retry({ maxAttempts: 2, backoff: constant(10) })] },
    )
    const producer = broker.producer(jobs, { use: sendingWith(store) })
    for (let n = 0; n < 6; n++) await producer.send(job(n))
    await idle()
    const letters = await deadLetters(broker, jobs)
    expect(letters.map(({ info }) => info?.attempts)).toEqual([2, 2, 2, 2, 2, 2])
    for (const { headers, body } of letters) {
      expect(headers['busbar-encryption']).toBeDefined()
      expect(Buffer.from(body).toString('latin1')).not.toContain('short')
    }
    const inStore = letters.filter(({ headers }) => headers['busbar-claim'] !== undefined).length
    expect(inStore).toBeGreaterThan(0)
    expect(stored()).toBe(inStore)
    broken = false
    await broker.deadLetters(jobs).redrive()
    await idle()
    expect(handled.toSorted((a, b) => a.n - b.n)).toEqual(Array.from({ length: 6 }, (_, n) => job(n)))
    await until(() => stored() === 0)
    await broker.drain()
  })

  it('keep a body that other subscriptions need', async () => {
    const { broker, store, stored, idle } = setup()
    const handled: string[] = []
    const receiving: ConsumeOptions = { use: [claimFetch({ store })] }
    for (const reader of readers) await broker.consume(reader, ({ body }) => void handled.push(body.text), receiving)
    await broker.producer(news, { use: [claimCheck({ store, minBytes: 10 })] }).send(job(1))
    await idle()
    expect(handled).toEqual([job(1).text, job(1).text])
    expect(stored()).toBe(1)
    await broker.drain()
  })

  it('take a store that is down for no fault of the message', async () => {
    const { broker, clock, store, idle } = setup()
    const downUntil = clock.monotonic() + 60_000
    let asked = 0
    const flaky: BodyStore = {
      ...store,
      get: (key, options) => {
        asked++
        if (clock.monotonic() < downUntil) throw new Error('store down')
        return store.get(key, options)
      },
    }
    const attempts: number[] = []
    await broker.consume(jobs, ({ attempt }) => void attempts.push(attempt), { use: [claimFetch({ store: flaky }), retry({ maxAttempts: 2 })] })
    for (let n = 0; n < 3; n++) await broker.producer(jobs, { use: [claimCheck({ store, minBytes: 1 })] }).send(job(n))
    await idle()
    expect(attempts).toEqual([1, 1, 1])
    expect(clock.monotonic()).toBeGreaterThanOrEqual(downUntil)
    expect(asked).toBeLessThan(3 * 40)
    expect(await deadLetters(broker, jobs)).toEqual([])
    await broker.drain()
  })

  it('give up what can never be read at once, and start no handler for it', async () => {
    const { broker, store, idle } = setup()
    const use = [claimFetch({ store }), decryption({ keys, allowPlain: true }), decompression({ maxBytes: 100_000 })]
    await broker.consume(raw, () => expect.unreachable(), { use })
    const producer = broker.producer(raw)
    const gzip = { headers: { 'content-encoding': 'gzip' } }
    const bomb = gzipSync(Buffer.alloc(1_000_000))
    await producer.send(bomb, gzip)
    await producer.send(bomb.subarray(0, 500), gzip)
    await producer.send(Buffer.from('plain'), gzip)
    await producer.send(Buffer.from('plain'), { headers: { 'content-encoding': 'lzma' } })
    const lost: BodyStore = { put: () => {}, get: () => undefined, delete: () => {} }
    await broker.producer(raw, { use: [claimCheck({ store: lost, minBytes: 1 })] }).send(Buffer.from('lost'))
    const others = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 2) } })
    await broker.producer(raw, { use: [encryption({ keys: others })] }).send(Buffer.from('secret'))
    // The store is there, if empty: one that is not would be waited for.
    await store.put('2026/01/31/00112233445566778899aabbccddeeff', Buffer.from('x'), { signal: new AbortController().signal })
    await idle()
    const letters = await deadLetters(broker, raw)
    expect(letters.map(({ info }) => `${info?.reason} ${info?.attempts}`).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      ...Array.from({ length: 4 }, () => 'the body cannot be decompressed 1'),
      'the body cannot be fetched 1',
      'the message cannot be decrypted 1',
    ])
    await broker.drain()
  })

  it('refuse a plain message where encryption is required', async () => {
    const { broker, idle } = setup()
    await broker.consume(words, () => expect.unreachable(), { use: [decryption({ keys })] })
    await broker.producer(words).send('plain')
    await idle()
    expect((await deadLetters(broker, words))[0]).toMatchObject({ body: 'plain', info: { reason: 'the message is not encrypted' } })
    await broker.drain()
  })

  it('fail a send whose body cannot be stored, and nothing else', async () => {
    const { broker, idle } = setup()
    const handled: string[] = []
    await broker.consume(words, ({ body }) => void handled.push(body))
    const full: BodyStore = { put: () => Promise.reject(new Error('disk full')), get: () => undefined, delete: () => {} }
    const producer = broker.producer(words, { use: [claimCheck({ store: full, minBytes: 100 })] })
    const results = await producer.sendBatch(['one', 'x'.repeat(100), 'two'])
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true])
    expect(results[1]).toMatchObject({ stored: 'no', error: { code: 'ERR_UNAVAILABLE' } })
    await idle()
    expect(handled).toEqual(['one', 'two'])
    await broker.drain()
  })
})

describe('a dead letter that its place is too small for', () => {
  it('is put into the body store, and can be redriven', async () => {
    const clock = virtualClock()
    const driver = memory({ clock })
    const small = memory({ clock, profile: 'sqs-standard' })
    const broker = createBroker({
      driver,
      destinations: [words],
      routes: { words: { deadLetter: { driver: small } } },
      provision: 'create',
      clock,
      log: () => {},
    })
    const store = fileStore({ directory: join(home, String(folders++)) })
    const body = 'x'.repeat(2_000_000)
    const handled: number[] = []
    let refusing = true
    await broker.consume(
      words,
      (message) => {
        if (refusing) return deadLetter('not now')
        handled.push(message.body.length)
        return undefined
      },
      { use: [claimFetch({ store })] },
    )
    await broker.producer(words).send(body)
    await driver.idle({ timeoutMs: 3_600_000 })
    expect(await deadLetters(broker, words)).toMatchObject([{ headers: { 'busbar-claim': expect.any(String) }, info: { reason: 'not now' } }])
    refusing = false
    expect(await broker.deadLetters(words).redrive()).toMatchObject({ moved: 1 })
    await driver.idle({ timeoutMs: 3_600_000 })
    expect(handled).toEqual([2_000_000])
    await broker.drain()
  })
})

describe('a chain in a wrong order', () => {
  it('is refused when the consumer starts', async () => {
    const { broker, store } = setup()
    for (const use of [
      [decompression(), decryption({ keys })],
      [decryption({ keys }), claimFetch({ store })],
      [idempotency({ store: memoryStore({ clock: virtualClock() }) }), decompression()],
    ])
      await expect(broker.consume(jobs, () => {}, { use })).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
    await broker.close()
  })

  it('is refused by every send, and nothing is sent', async () => {
    const { broker, store } = setup()
    for (const use of [
      [encryption({ keys }), compression()],
      [claimCheck({ store }), encryption({ keys })],
    ])
      await expect(broker.producer(words, { use }).send('plain')).rejects.toMatchObject({
        code: 'ERR_CONFIGURATION',
        message: expect.stringContaining('must stand inside'),
      })
    expect(await broker.stats(words)).toMatchObject({ ready: 0 })
    await broker.close()
  })
})
