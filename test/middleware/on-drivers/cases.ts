import type { Harness } from '@busbar/contract-tests'
import { constant, queue, text, type ProcessFunction } from '@busbar/core'
import { memoryStore, type MemoryStore } from '@busbar/memory'
import {
  circuitBreaker,
  claimCheck,
  claimFetch,
  compression,
  concurrencyLimit,
  decompression,
  decryption,
  encryption,
  idempotency,
  localKeys,
  rateLimit,
  retry,
  timeout,
} from '@busbar/middleware'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { excess } from '../flow-kit.ts'
import { memoryBodyStore } from '../memory-body-store.ts'
import { World } from './world.ts'

const bodies = (count: number): string[] => Array.from({ length: count }, (_, index) => `m-${index + 1}`)

/** What the middleware promise, whatever driver is below. */
export function middlewareCases(harness: Harness): void {
  const test = (name: string, run: (world: World) => Promise<void>): void =>
    it(name, async () => {
      await using world = new World(harness)
      await run(world)
    })

  test('idempotency: copies are handled once, between consumers of two brokers too', handlesCopiesOnce)
  test('idempotency: what was handled and not acked when its process ended comes again and is acked unhandled', survivesCrash)
  if (new World(harness).replies) test('idempotency: a copy of a request gets the reply of the first', repliesAgain)
  test('retry: tries as often as it says, then gives up', retries)
  test('timeout: ends an attempt that takes too long, and the next one succeeds', timesOut)
  test('rateLimit: starts no more than it allows, and handles everything', limitsRate)
  test('circuitBreaker: stops starting while what it needs is down, and loses nothing', breaksCircuit)
  test('concurrencyLimit: runs no more than it allows, over all consumers', limitsConcurrency)
  test('compression, encryption, claim check: a body is whole after a dead letter and a redrive, and gone from the store when handled', carriesBodies)
}

async function handlesCopiesOnce(world: World): Promise<void> {
  const store = memoryStore({ clock: world.clock })
  const handled: string[] = []
  const [one, two] = [await world.broker(), await world.broker()]
  let seen = 0
  const counting: ProcessFunction = (_context, next) => {
    seen++
    return next()
  }
  for (const broker of [one, two]) {
    await broker.consume(
      world.place.source,
      async ({ body }) => {
        await world.wait(10)
        handled.push(body)
      },
      { use: [counting, idempotency({ store })] },
    )
  }
  const all = bodies(10)
  for (const broker of [one, two, one]) for (const body of all) await broker.producer(world.place.destination).send(body, { id: body })
  await world.until('all are handled and all copies seen', () => new Set(handled).size === all.length && seen >= 3 * all.length)
  await world.silence()
  expect(handled.toSorted()).toEqual(all.toSorted())
  if (world.peeks) expect(await one.deadLetters(world.place.source).peek()).toEqual([])
}

async function survivesCrash(world: World): Promise<void> {
  const store = memoryStore({ clock: world.clock })
  const handled: string[] = []
  const first = await world.broker()
  // The process ends when the store knows that the message is handled, and the broker does not.
  const dying: MemoryStore = Object.assign(Object.create(store) as MemoryStore, {
    claim: store.claim.bind(store),
    renew: store.renew.bind(store),
    release: store.release.bind(store),
    complete: async (...given: Parameters<MemoryStore['complete']>) => {
      const answer = store.complete(...given)
      await first.close()
      return answer
    },
  })
  const handle = ({ body }: { readonly body: string }): void => void handled.push(body)
  await first.consume(world.place.source, handle, { use: [idempotency({ store: dying })] })
  await first.producer(world.place.destination).send('only', { id: 'only' })
  await world.until('it is handled', () => handled.length > 0)
  let again = 0
  const counting: ProcessFunction = (_context, next) => {
    again++
    return next()
  }
  const second = await world.broker()
  await second.consume(world.place.source, handle, { use: [counting, idempotency({ store })] })
  await world.until('it comes again', () => again > 0)
  await world.silence()
  expect(handled).toEqual(['only'])
  await second.drain()
  const before = again
  const third = await world.broker()
  await third.consume(world.place.source, handle, { use: [counting] })
  await world.silence()
  expect([again, handled]).toEqual([before, ['only']])
}

async function repliesAgain(world: World): Promise<void> {
  const echo = queue(world.harness.uniqueName('echo', false), { codec: text, messageId: (body: string) => body, reply: z.string(), schema: z.string() })
  const route = { [echo.name]: { deadLetter: 'drop' } } as const
  const [server, client] = [world.open([echo], route), world.open([echo], route)]
  let handled = 0
  await server.consume(echo, ({ body }) => `${body} ${++handled}`, { use: [idempotency({ store: memoryStore({ clock: world.clock }) })] })
  const answers = [await client.request(echo, 'hello'), await client.request(echo, 'hello'), await client.request(echo, 'other')]
  expect([answers, handled]).toEqual([['hello 1', 'hello 1', 'other 2'], 2])
}

async function retries(world: World): Promise<void> {
  const broker = await world.broker()
  const starts: string[] = []
  await broker.consume(
    world.place.source,
    ({ body, attempt }) => {
      starts.push(`${body} ${attempt}`)
      if (body === 'bad' || attempt < 3) throw new Error('not yet')
    },
    { use: [retry({ maxAttempts: 4, backoff: constant(20) })] },
  )
  for (const body of ['bad', 'good']) await broker.producer(world.place.destination).send(body)
  await world.until('the last attempts', () => starts.includes('bad 4') && starts.includes('good 3'))
  await world.silence()
  expect(starts.toSorted()).toEqual(['bad 1', 'bad 2', 'bad 3', 'bad 4', 'good 1', 'good 2', 'good 3'])
  if (!world.peeks) return
  const letters = await broker.deadLetters(world.place.source).peek()
  expect(letters.map(({ info }) => [info?.attempts, info?.errorMessage])).toEqual([[4, 'not yet']])
}

async function timesOut(world: World): Promise<void> {
  const broker = await world.broker()
  const done: number[] = []
  const reasons: unknown[] = []
  await broker.consume(
    world.place.source,
    async ({ attempt }, { signal }) => {
      if (attempt === 1) {
        await world.wait(600_000, signal).catch((error: unknown) => {
          reasons.push(error)
          throw error
        })
      }
      done.push(attempt)
    },
    { use: [retry({ backoff: constant(20) }), timeout({ ms: 200 })] },
  )
  await broker.producer(world.place.destination).send('slow')
  await world.until('the second attempt', () => done.length > 0)
  await world.silence()
  expect(done).toEqual([2])
  expect(reasons).toMatchObject([{ code: 'ERR_TIMEOUT' }])
}

async function limitsRate(world: World): Promise<void> {
  const broker = await world.broker()
  const startedAt: number[] = []
  const handled: string[] = []
  const handle = ({ body }: { readonly body: string }): void => {
    startedAt.push(world.now)
    handled.push(body)
  }
  await broker.consume(world.place.source, handle, { use: [rateLimit({ perSecond: 20, burst: 2 })] })
  await broker.producer(world.place.destination).sendBatch(bodies(30))
  await world.until('all are handled', () => new Set(handled).size === 30)
  // In real time a start is noted a little after it was allowed.
  expect(excess(startedAt, 20, 2)).toBeLessThan(world.harness.label.kind === 'real' ? 1 : 1e-3)
}

async function breaksCircuit(world: World): Promise<void> {
  const broker = await world.broker()
  const states: string[] = []
  const handled: string[] = []
  let [down, starts] = [true, 0]
  await broker.consume(
    world.place.source,
    ({ body }) => {
      starts++
      if (down) throw new Error('down')
      handled.push(body)
    },
    {
      concurrency: 4,
      use: [
        retry({ maxAttempts: 10, backoff: constant(50) }),
        circuitBreaker({ failures: 3, openMs: 300, probes: 1, onChange: ({ state }) => states.push(state) }),
      ],
    },
  )
  await broker.producer(world.place.destination).sendBatch(bodies(40))
  await world.until('it opens', () => states.includes('open'))
  await world.wait(1_500)
  // Those that were running, and a probe each 300 ms.
  expect(starts).toBeLessThanOrEqual(4 + 3 + 7)
  down = false
  await world.until('all are handled', () => new Set(handled).size === 40)
  expect(states.at(-1)).toBe('closed')
  if (world.peeks) expect(await broker.deadLetters(world.place.source).peek()).toEqual([])
}

async function limitsConcurrency(world: World): Promise<void> {
  const places = concurrencyLimit({ max: 3 })
  const handled: string[] = []
  let [running, most] = [0, 0]
  for (const broker of [await world.broker(), await world.broker()]) {
    await broker.consume(
      world.place.source,
      async ({ body }) => {
        most = Math.max(most, ++running)
        await world.wait(20)
        running--
        handled.push(body)
      },
      { concurrency: 8, use: [places] },
    )
  }
  await (await world.broker()).producer(world.place.destination).sendBatch(bodies(40))
  await world.until('all are handled', () => new Set(handled).size === 40)
  expect(most).toBe(3)
}

async function carriesBodies(world: World): Promise<void> {
  const stored = new Map<string, Uint8Array>()
  const store = memoryBodyStore(stored)
  const keys = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 7) } })
  const broker = await world.broker()
  const producer = broker.producer(world.place.destination, {
    use: [compression({ minBytes: 100 }), encryption({ keys, headers: ['tenant'] }), claimCheck({ store, minBytes: 500 })],
  })
  const sent = ['short', 'again '.repeat(1_000), Array.from({ length: 800 }, (_, index) => (index * 7_919) % 10_007).join()]
  let broken = true
  let failures = 0
  const handled = new Set<string>()
  await broker.consume(
    world.place.source,
    ({ body, headers }) => {
      expect(headers['tenant']).toBe('acme')
      if (broken) {
        failures++
        throw new Error('broken')
      }
      handled.add(body)
    },
    { use: [claimFetch({ store, deleteAfterAck: true }), decryption({ keys, headers: ['tenant'] }), decompression(), retry({ maxAttempts: 1 })] },
  )
  for (const body of sent) await producer.send(body, { headers: { tenant: 'acme' } })
  await world.until('all are given up', () => failures >= sent.length)
  const letters = broker.deadLetters(world.place.source)
  if (world.peeks) {
    await world.until('three dead letters', async () => (await letters.peek()).length === sent.length)
    for (const { body } of await letters.peek()) expect(Buffer.from(body).toString('latin1')).not.toContain('again')
  }
  expect(stored.size).toBeGreaterThan(0)
  broken = false
  await world.until('all are redriven and handled', async () => {
    await letters.redrive()
    return handled.size === sent.length
  })
  expect([...handled].toSorted()).toEqual(sent.toSorted())
  await world.until('the store is empty', () => stored.size === 0)
}
