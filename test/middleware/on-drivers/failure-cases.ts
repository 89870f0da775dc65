import type { Harness } from '@busbar/contract-tests'
import { BrokerError, constant, type ProcessMiddleware } from '@busbar/core'
import { memoryStore } from '@busbar/memory'
import {
  circuitBreaker,
  claimCheck,
  claimFetch,
  compression,
  decompression,
  decryption,
  encryption,
  idempotency,
  localKeys,
  retry,
  sendOnce,
  type BodyStore,
} from '@busbar/middleware'
import { expect, it } from 'vitest'
import { memoryBodyStore } from '../memory-body-store.ts'
import { storeWith } from './store-with.ts'
import { World } from './world.ts'

/** What the middleware promise while what they need fails, and of bodies, whatever driver is below. */
export function failureCases(harness: Harness): void {
  const test = (name: string, run: (world: World) => Promise<void>): void =>
    it(name, async () => {
      await using world = new World(harness)
      await run(world)
    })

  test("idempotency: with 'fail' a store that is down uses the attempts up", failsWithStore)
  test("idempotency: with 'go-on' messages are handled unprotected while the store is down, and counted", goesOn)
  test("idempotency: with onMismatch 'ignore' another body under a handled id is a copy", ignoresMismatch)
  test('sendOnce: another body under a sent id is refused, and nothing is sent while the store is down', refusesSends)
  test('circuitBreaker: opens by the rate of failures, and closes when they are over', opensByRate)
  test('encryption: what was sent before a rotation of keys is read after it', rotatesKeys)
  for (const algorithm of ['brotli', 'zstd'] as const) test(`compression: ${algorithm}`, (world) => compresses(world, algorithm))
  test('claim check: a message waits while its body cannot be had, using no attempt', waitsForBody)
  test('claim check: a body is deleted when its message is settled, not before', deletesWhenSettled)
}

const down = (): never => {
  throw new BrokerError('ERR_UNAVAILABLE', 'the store is down')
}

async function failsWithStore(world: World): Promise<void> {
  const broker = await world.broker()
  let asked = 0
  const store = storeWith(memoryStore({ clock: world.clock }), {
    claim: () => {
      asked++
      return down()
    },
  })
  await broker.consume(world.place.source, () => expect.unreachable(), {
    use: [idempotency({ store, whileUnavailable: 'fail' }), retry({ maxAttempts: 2, backoff: constant(600) })],
  })
  await broker.producer(world.place.destination).send('a', { id: 'a' })
  // The second attempt begins when the store is worth asking again.
  await world.until('both attempts have failed', () => asked === 2)
  if (!world.peeks) return
  const letters = broker.deadLetters(world.place.source)
  await world.until('it is a dead letter', async () => (await letters.peek()).length > 0)
  expect((await letters.peek()).map(({ id, info }) => [id, info?.attempts, info?.errorMessage])).toEqual([['a', 2, 'the store is down']])
}

async function goesOn(world: World): Promise<void> {
  const broker = await world.broker()
  let [isDown, told] = [true, 0]
  const memory = memoryStore({ clock: world.clock })
  const store = storeWith(memory, { claim: (request) => (isDown ? down() : memory.claim(request)) })
  const protection = idempotency({ store, whileUnavailable: 'go-on', onStoreFailure: () => void told++ })
  const handled: string[] = []
  await broker.consume(world.place.source, ({ body }) => void handled.push(body), { use: [protection] })
  const producer = broker.producer(world.place.destination)
  for (let copy = 0; copy < 2; copy++) await producer.send('a', { id: 'a' })
  await world.until('both copies are handled', () => handled.length === 2)
  expect([protection.unprotected, told]).toEqual([2, 2])
  isDown = false
  await world.wait(700)
  for (let copy = 0; copy < 2; copy++) await producer.send('b', { id: 'b' })
  await producer.send('c', { id: 'c' })
  await world.until('the last is handled', () => handled.includes('c') && handled.includes('b'))
  await world.silence()
  expect([handled.toSorted(), protection.unprotected]).toEqual([['a', 'a', 'b', 'c'], 2])
}

async function ignoresMismatch(world: World): Promise<void> {
  const broker = await world.broker()
  const handled: string[] = []
  await broker.consume(world.place.source, ({ body }) => void handled.push(body), {
    use: [idempotency({ store: memoryStore({ clock: world.clock }), onMismatch: 'ignore' })],
  })
  const producer = broker.producer(world.place.destination)
  await producer.send('one', { id: 'same' })
  await world.until('the first is handled', () => handled.length > 0)
  await producer.send('other', { id: 'same' })
  await producer.send('last', { id: 'last' })
  await world.until('the last is handled', () => handled.includes('last'))
  await world.silence()
  expect(handled).toEqual(['one', 'last'])
  if (world.peeks) expect(await broker.deadLetters(world.place.source).peek()).toEqual([])
}

async function refusesSends(world: World): Promise<void> {
  const broker = await world.broker()
  const received: string[] = []
  await broker.consume(world.place.source, ({ body }) => void received.push(body))
  let isDown = false
  const memory = memoryStore({ clock: world.clock })
  const store = storeWith(memory, { claim: (request) => (isDown ? down() : memory.claim(request)) })
  const producer = broker.producer(world.place.destination, { use: [sendOnce({ store })] })
  await producer.send('one', { id: 'same' })
  await expect(producer.send('other', { id: 'same' })).rejects.toMatchObject({ code: 'ERR_CONFLICT' })
  isDown = true
  await expect(producer.send('unsent', { id: 'next' })).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  isDown = false
  await world.wait(600)
  await producer.send('sent', { id: 'next' })
  await world.until('both have come', () => received.length >= 2)
  await world.silence()
  expect(received.toSorted()).toEqual(['one', 'sent'])
}

async function opensByRate(world: World): Promise<void> {
  const broker = await world.broker()
  const states: string[] = []
  const handled = new Set<string>()
  let [isDown, starts] = [false, 0]
  await broker.consume(
    world.place.source,
    ({ body }) => {
      starts++
      if (isDown) throw new Error('down')
      handled.add(body)
    },
    {
      concurrency: 1,
      use: [
        retry({ maxAttempts: 10, backoff: constant(50) }),
        circuitBreaker({ failureRate: 0.5, minimum: 10, openMs: 300, probes: 1, onChange: ({ state }) => states.push(state) }),
      ],
    },
  )
  const producer = broker.producer(world.place.destination)
  const send = async (from: number): Promise<void> => void (await producer.sendBatch(Array.from({ length: 10 }, (_, index) => `m${from + index}`)))
  await send(0)
  await world.until('the first are handled', () => handled.size === 10)
  isDown = true
  const before = starts
  await send(10)
  await world.until('it opens', () => states.includes('open'))
  // Ten have succeeded, so that it takes as many failures.
  expect(starts - before).toBeGreaterThanOrEqual(10)
  isDown = false
  await world.until('all are handled', () => handled.size === 20)
  expect(states.at(-1)).toBe('closed')
}

async function rotatesKeys(world: World): Promise<void> {
  const broker = await world.broker()
  const secrets = { k1: Buffer.alloc(32, 1), k2: Buffer.alloc(32, 2) }
  const sending = (current: 'k1' | 'k2'): Promise<unknown> =>
    broker
      .producer(world.place.destination, { use: [encryption({ keys: localKeys({ current, keys: { [current]: secrets[current] } }) })] })
      .send(`with ${current}`, { id: current })
  const handled: string[] = []
  await broker.consume(world.place.source, ({ body }) => void handled.push(body), { use: [decryption({ keys: localKeys({ current: 'k2', keys: secrets }) })] })
  for (const key of ['k1', 'k2', 'k1'] as const) await sending(key)
  await world.until('all are read', () => handled.length >= 3)
  expect(handled.toSorted()).toEqual(['with k1', 'with k1', 'with k2'])
}

async function compresses(world: World, algorithm: 'brotli' | 'zstd'): Promise<void> {
  const broker = await world.broker()
  const body = 'again and '.repeat(2_000)
  const bytes: number[] = []
  const handled: string[] = []
  await broker.consume(world.place.source, (message) => void handled.push(message.body), {
    use: [
      (context, next) => {
        bytes.push(context.incoming.bodyBytes)
        return next()
      },
      decompression(),
    ],
  })
  await broker.producer(world.place.destination, { use: [compression({ algorithm })] }).send(body)
  await world.until('it is read', () => handled.length > 0)
  expect(handled[0]).toBe(body)
  expect(bytes[0]).toBeLessThan(body.length / 10)
}

async function waitsForBody(world: World): Promise<void> {
  const broker = await world.broker()
  const stored = new Map<string, Uint8Array>()
  const sound = memoryBodyStore(stored)
  let [isDown, asked] = [true, 0]
  const store: BodyStore = {
    ...sound,
    get: (key, context) => {
      asked++
      return isDown ? down() : sound.get(key, context)
    },
  }
  const handled: string[] = []
  await broker.consume(world.place.source, ({ body, attempt }) => void handled.push(`${body.length} ${attempt}`), {
    use: [claimFetch({ store }), retry({ maxAttempts: 2, backoff: constant(20) })],
  })
  await broker.producer(world.place.destination, { use: [claimCheck({ store, minBytes: 100 })] }).send('b'.repeat(500))
  await world.until('the store is asked more often than there are attempts', () => asked >= 3)
  expect(handled).toEqual([])
  expect(world.logged.filter(({ event }) => event === 'message:waiting')).toHaveLength(1)
  isDown = false
  await world.until('it is handled', () => handled.length > 0)
  expect(handled).toEqual(['500 1'])
}

async function deletesWhenSettled(world: World): Promise<void> {
  const broker = await world.broker()
  const stored = new Map<string, Uint8Array>()
  const store = memoryBodyStore(stored)
  const sizes: number[] = []
  const settled: string[] = []
  // Outermost, so that it is told first.
  const observer: ProcessMiddleware = {
    name: 'observer',
    stage: 'telemetry',
    process: (_context, next) => next(),
    settled: (_context, { action }) => void settled.push(`${action} ${stored.size}`),
  }
  let attempts = 0
  await broker.consume(
    world.place.source,
    async () => {
      await world.wait(100)
      sizes.push(stored.size)
      if (++attempts === 1) throw new Error('not yet')
    },
    { use: [observer, claimFetch({ store, deleteAfterAck: true }), retry({ backoff: constant(100) })] },
  )
  await broker.producer(world.place.destination, { use: [claimCheck({ store, minBytes: 100 })] }).send('b'.repeat(500))
  await world.until('it is deleted', () => stored.size === 0 && attempts > 0)
  // It was there at the end of both attempts, so that a message which comes again has its body.
  expect(sizes).toEqual([1, 1])
  expect(settled.at(-1)).toBe('ack 1')
}
