import type { Harness } from '@busbar/contract-tests'
import { BrokerError, constant, type ProcessFunction } from '@busbar/core'
import { memoryStore } from '@busbar/memory'
import { idempotency, rateLimit, retry, sendOnce, timeout, type Overrun } from '@busbar/middleware'
import { expect, it } from 'vitest'
import { excess } from '../flow-kit.ts'
import { storeWith } from './store-with.ts'
import { World } from './world.ts'

/** What options of the middleware promise, whatever driver is below. */
export function optionCases(harness: Harness): void {
  const test = (name: string, run: (world: World) => Promise<void>): void =>
    it(name, async () => {
      await using world = new World(harness)
      await run(world)
    })

  test('idempotency: another body under a handled id is given up, and not handled', givesUpMismatch)
  test('idempotency: a copy that comes after ttlMs is handled again, and none before', forgetsAfterTtl)
  test('idempotency: while the store is down messages wait, and are handled once when it is back', waitsForStore)
  test('idempotency: a message whose claim the store refuses for good is given up, and the others go on', givesUpRefused)
  test('sendOnce: a repeated send reaches nobody, from another broker neither', sendsOnce)
  test('retry: maxElapsedMs ends the attempts of a message', endsByTime)
  test('retry: giveUpIf ends them for a class of errors', endsByClass)
  test('rateLimit: each key has an allowance of its own', limitsPerKey)
  test('timeout: abandonAfterMs lets a message go on whose handler hangs', abandons)
  test('dead letters: a redrive keeps its rate, tells how far it is, and can be aborted', redrivesSlowly)
}

async function givesUpMismatch(world: World): Promise<void> {
  const broker = await world.broker()
  const handled: string[] = []
  await broker.consume(world.place.source, ({ body }) => void handled.push(body), { use: [idempotency({ store: memoryStore({ clock: world.clock }) })] })
  const producer = broker.producer(world.place.destination)
  await producer.send('one', { id: 'same' })
  await world.until('the first is handled', () => handled.length > 0)
  await producer.send('other', { id: 'same' })
  await producer.send('one', { id: 'same' })
  await world.silence()
  expect(handled).toEqual(['one'])
  if (!world.peeks) return
  const letters = await broker.deadLetters(world.place.source).peek()
  expect(letters.map(({ id, info }) => [id, info?.reason])).toEqual([['same', 'different body under a handled key']])
}

async function forgetsAfterTtl(world: World): Promise<void> {
  const broker = await world.broker()
  let [handled, seen] = [0, 0]
  const counting: ProcessFunction = (_context, next) => {
    seen++
    return next()
  }
  await broker.consume(world.place.source, () => void handled++, {
    use: [counting, idempotency({ store: memoryStore({ clock: world.clock }), ttlMs: 2_000 })],
  })
  const producer = broker.producer(world.place.destination)
  await producer.send('copy', { id: 'copy' })
  await world.until('the first is handled', () => handled === 1)
  const handledAt = world.now
  await producer.send('copy', { id: 'copy' })
  await world.until('the copy has come', () => seen === 2)
  await world.wait(handledAt + 2_100 - world.now)
  expect(handled).toBe(1)
  await producer.send('copy', { id: 'copy' })
  await world.until('the late copy is handled', () => handled === 2)
}

async function waitsForStore(world: World): Promise<void> {
  const broker = await world.broker()
  const store = memoryStore({ clock: world.clock })
  let [down, asked] = [true, 0]
  const failing = storeWith(store, {
    claim: (request) => {
      asked++
      if (down) throw new Error('the store is down')
      return store.claim(request)
    },
  })
  const handled: string[] = []
  await broker.consume(world.place.source, ({ body, attempt }) => void handled.push(`${body} ${attempt}`), {
    use: [idempotency({ store: failing }), retry({ maxAttempts: 2, backoff: constant(20) })],
  })
  const all = ['a', 'b', 'c']
  for (const body of all) await broker.producer(world.place.destination).send(body, { id: body })
  await world.until('the store has been asked', () => asked > 0)
  await world.wait(1_000)
  expect(handled).toEqual([])
  // Said once, not for each message and try.
  expect(world.logged.filter(({ event }) => event === 'message:waiting')).toMatchObject([{ error: 'Error: the store is down' }])
  down = false
  await world.until('all are handled', () => handled.length >= all.length)
  await world.silence()
  // Waiting has used no attempt.
  expect(handled.toSorted()).toEqual(['a 1', 'b 1', 'c 1'])
  if (world.peeks) expect(await broker.deadLetters(world.place.source).peek()).toEqual([])
}

async function givesUpRefused(world: World): Promise<void> {
  const broker = await world.broker()
  const store = memoryStore({ clock: world.clock })
  let refused = 0
  const refusing = storeWith(store, {
    claim: (request) => {
      if (!request.key.endsWith(':bad')) return store.claim(request)
      refused++
      throw new BrokerError('ERR_CONFLICT', 'the key holds what no store of claims has written')
    },
  })
  const handled: string[] = []
  await broker.consume(world.place.source, ({ body }) => void handled.push(body), {
    use: [idempotency({ store: refusing }), retry({ maxAttempts: 2, backoff: constant(20) })],
  })
  for (const body of ['bad', 'good', 'fine']) await broker.producer(world.place.destination).send(body, { id: body })
  await world.until('the others are handled and the attempts used up', () => handled.length === 2 && refused === 2)
  await world.silence()
  expect([handled.toSorted(), refused]).toEqual([['fine', 'good'], 2])
  if (!world.peeks) return
  const letters = await broker.deadLetters(world.place.source).peek()
  expect(letters.map(({ id, info }) => [id, info?.attempts])).toEqual([['bad', 2]])
}

async function sendsOnce(world: World): Promise<void> {
  const store = memoryStore({ clock: world.clock })
  const [one, two] = [await world.broker(), await world.broker()]
  const received: string[] = []
  await one.consume(world.place.source, ({ body }) => void received.push(body))
  const [first, second] = [one, two].map((broker) => broker.producer(world.place.destination, { use: [sendOnce({ store })] }))
  const receipt = await first?.send('once', { id: 'once' })
  for (const producer of [first, second]) expect(await producer?.send('once', { id: 'once' })).toEqual(receipt)
  await second?.send('last', { id: 'last' })
  await world.until('the last has come', () => received.includes('last'))
  await world.silence()
  expect(received.toSorted()).toEqual(['last', 'once'])
}

async function endsByTime(world: World): Promise<void> {
  const broker = await world.broker()
  let starts = 0
  await broker.consume(
    world.place.source,
    () => {
      starts++
      throw new Error('not yet')
    },
    // A timestamp of whole seconds may have used up one of them before the first start.
    { use: [retry({ maxAttempts: 10, backoff: constant(500), maxElapsedMs: 2_900 })] },
  )
  await broker.producer(world.place.destination).send('late')
  await world.until('the second attempt', () => starts >= 2)
  await world.wait(3_000)
  await world.silence()
  // At 0, 500, 1,000 … 2,500 ms, at most.
  expect(starts).toBeLessThanOrEqual(6)
  if (!world.peeks) return
  const letters = await broker.deadLetters(world.place.source).peek()
  expect(letters.map(({ info }) => [info?.reason, info?.attempts])).toEqual([['not handled within 2900 ms', starts]])
}

async function endsByClass(world: World): Promise<void> {
  class Declined extends Error {}
  const broker = await world.broker()
  const starts: string[] = []
  await broker.consume(
    world.place.source,
    ({ body, attempt }) => {
      starts.push(`${body} ${attempt}`)
      if (body === 'declined') throw new Declined('no')
      if (attempt === 1) throw new Error('not yet')
    },
    { use: [retry({ maxAttempts: 4, backoff: constant(20), giveUpIf: Declined })] },
  )
  for (const body of ['declined', 'slow']) await broker.producer(world.place.destination).send(body)
  await world.until('both have come to an end', () => starts.includes('declined 1') && starts.includes('slow 2'))
  await world.silence()
  expect(starts.toSorted()).toEqual(['declined 1', 'slow 1', 'slow 2'])
  if (!world.peeks) return
  const letters = await broker.deadLetters(world.place.source).peek()
  expect(letters.map(({ info }) => [info?.reason, info?.errorMessage])).toEqual([['not retryable', 'no']])
}

async function limitsPerKey(world: World): Promise<void> {
  const broker = await world.broker()
  const startedAt = new Map<string, number[]>([
    ['a', []],
    ['b', []],
  ])
  const handled = new Set<string>()
  await broker.consume(
    world.place.source,
    ({ body }) => {
      startedAt.get(body.charAt(0))?.push(world.now)
      handled.add(body)
    },
    { use: [rateLimit({ perSecond: 5, burst: 1, key: ({ body }) => (body as string).charAt(0) })] },
  )
  const bodies = Array.from({ length: 8 }, (_, index) => [`a${index}`, `b${index}`]).flat()
  await broker.producer(world.place.destination).sendBatch(bodies)
  await world.until('all are handled', () => handled.size === bodies.length)
  const real = world.harness.label.kind === 'real'
  const [a = [], b = []] = [...startedAt.values()]
  // In real time a start is noted a little after it was allowed.
  for (const starts of [a, b]) expect(excess(starts, 5, 1)).toBeLessThan(real ? 1 : 1e-3)
  // One for both would let through half as many.
  expect(
    excess(
      [...a, ...b].toSorted((one, other) => one - other),
      5,
      1,
    ),
  ).toBeGreaterThan(real ? 1.5 : 0.5)
}

async function abandons(world: World): Promise<void> {
  const broker = await world.broker()
  const done: number[] = []
  const overruns: Overrun[] = []
  let hanging = true
  await broker.consume(
    world.place.source,
    async ({ attempt }) => {
      if (attempt === 1) await world.until('the handler may end', () => !hanging)
      done.push(attempt)
    },
    { use: [retry({ backoff: constant(20) }), timeout({ ms: 200, abandonAfterMs: 300, onOverrun: (overrun) => overruns.push(overrun) })] },
  )
  await broker.producer(world.place.destination).send('hangs')
  await world.until('the second attempt', () => done.length > 0)
  expect(done).toEqual([2])
  expect(overruns).toMatchObject([{ attempt: 1, abandoned: true }])
  hanging = false
  await world.until('the first handler has ended', () => done.length > 1)
  await world.silence()
  // Its end has changed nothing.
  expect(done).toEqual([2, 1])
  if (world.peeks) expect(await broker.deadLetters(world.place.source).peek()).toEqual([])
}

async function redrivesSlowly(world: World): Promise<void> {
  const broker = await world.broker()
  const bodies = Array.from({ length: 10 }, (_, index) => `m-${index}`)
  const handled = new Set<string>()
  let [broken, failures] = [true, 0]
  await broker.consume(
    world.place.source,
    ({ body }) => {
      if (broken) {
        failures++
        throw new Error('broken')
      }
      handled.add(body)
    },
    { use: [retry({ maxAttempts: 1 })] },
  )
  await broker.producer(world.place.destination).sendBatch(bodies)
  const letters = broker.deadLetters(world.place.source)
  await world.until('all are given up', () => failures >= bodies.length)
  if (world.peeks) await world.until('ten dead letters', async () => (await letters.peek()).length === bodies.length)
  broken = false

  const controller = new AbortController()
  const progress: number[] = []
  const began = world.now
  const redriving = letters.redrive({
    ratePerSecond: 10,
    signal: controller.signal,
    onProgress: ({ moved }) => {
      progress.push(moved)
      if (moved === 4) controller.abort(new Error('enough'))
    },
  })
  await expect(redriving).rejects.toThrow('enough')
  expect(progress).toEqual([1, 2, 3, 4])
  expect(world.now - began).toBeGreaterThanOrEqual(300)
  await world.until('those are handled', () => handled.size >= 4)
  await world.silence()
  expect(handled.size).toBe(4)
  await world.until('the others are redriven and handled', async () => {
    await letters.redrive()
    return handled.size === bodies.length
  })
}
