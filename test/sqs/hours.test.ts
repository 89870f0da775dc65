import { constant, createBroker, deadLetter, queue, retryLater, text, type Broker, type Logger, type Queue } from '@busbar/core'
import type { Clock } from '@busbar/core/driver'
import { virtualClock } from '@busbar/memory'
import { retry } from '@busbar/middleware'
import { sqs } from '@busbar/sqs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAwsWire, type AwsWire } from '../brokers/aws-wire/index.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

let wire: AwsWire
let clock: Clock
let broker: Broker

beforeEach(async () => {
  wire = await startAwsWire({ clock: virtualClock() })
  clock = wire.clock
})
afterEach(async () => {
  await broker.close()
  await wire[Symbol.asyncDispose]()
})

const plain = queue<string>('plain', { codec: text })
/** The key is what stands before the colon. */
const keyed = queue<string>('keyed', { codec: text, orderingKey: (body) => body.split(':', 1)[0] ?? '' })

async function start(destination: Queue<string>, log: Logger = () => undefined, visibilityTimeoutMs = 30_000, maxAttempts = 10): Promise<void> {
  const { endpoint, region, credentials } = wire
  const driver = sqs({ endpoint, region, credentials, visibilityTimeoutMs })
  const routes = { [destination.name]: { maxAttempts } }
  broker = createBroker({ driver, destinations: [destination], routes, provision: 'create', clock, random: () => 0.5, log })
  await broker.start()
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => void clock.timer(clock.monotonic() + ms, resolve))
}

async function until(condition: () => boolean, withinMs: number): Promise<void> {
  const deadline = clock.monotonic() + withinMs
  while (!condition()) {
    if (clock.monotonic() >= deadline) throw new Error(`not within ${withinMs} ms`)
    await after(1_000)
  }
}

describe('an idle consumer', () => {
  it.each([plain, keyed])('of $name costs one call in 20 seconds, and nothing else', async (destination) => {
    await start(destination)
    await broker.consume(destination, () => undefined)
    await after(minuteMs)
    wire.calls.reset()
    await after(hourMs)
    expect(wire.calls.byAction()).toEqual({ ReceiveMessage: 180 })
  })

  it('has one poll out again after a burst', async () => {
    await start(plain)
    await broker.producer(plain).sendBatch(Array.from({ length: 500 }, (_, index) => `m-${index}`))
    let handled = 0
    await broker.consume(plain, () => void handled++)
    await until(() => handled >= 500, minuteMs)
    await after(10 * minuteMs)
    wire.calls.reset()
    await after(hourMs)
    expect(wire.calls.byAction()).toEqual({ ReceiveMessage: 180 })
  })
})

describe('visibility', () => {
  it('is renewed ten at a time for everything that was received and is not finished', async () => {
    await start(plain)
    const bodies = Array.from({ length: 30 }, (_, index) => `m-${index}`)
    await broker.producer(plain).sendBatch(bodies)
    const handled: string[] = []
    await broker.consume(
      plain,
      async ({ body }) => {
        await after(minuteMs)
        handled.push(body)
      },
      { concurrency: 1, maxInFlight: 30 },
    )
    await until(() => handled.length >= 30, hourMs)
    await after(minuteMs)
    // Thirty are held at first and one in the end: on average 15.5, in 2 calls, every third of the half minute that a lease has.
    expect(handled.toSorted()).toEqual(bodies.toSorted())
    const calls = wire.calls.count('ChangeMessageVisibilityBatch')
    expect(calls).toBeGreaterThanOrEqual(60)
    expect(calls).toBeLessThanOrEqual(240)
  })

  it('is renewed for twelve hours and no longer: then the signal fires, and SQS shows the message again', async () => {
    const errors: string[] = []
    await start(plain, (level, event) => void (level === 'error' && errors.push(event)), 10 * minuteMs)
    await broker.producer(plain).send('long')
    const hours: number[] = []
    const consumer = await broker.consume(plain, async (_message, { signal }) => {
      const startedAt = clock.monotonic()
      // So that no new receipt takes the place of the old one.
      void consumer.pause()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      hours.push((clock.monotonic() - startedAt) / hourMs)
      return retryLater(0)
    })
    await after(13 * hourMs)
    expect(hours[0]).toBeGreaterThan(11.8)
    expect(hours[0]).toBeLessThanOrEqual(12)
    await after(minuteMs)
    expect(await broker.stats(plain)).toMatchObject({ ready: 1, inFlight: 0 })
    // SQS was never asked for more than it gives.
    expect(errors).toEqual([])
  })

  it('begins anew when the message comes again to the process in which its handler still runs, which is not started twice', async () => {
    await start(plain, undefined, 10 * minuteMs)
    await broker.producer(plain).send('longer')
    let [starts, ends] = [0, 0]
    const handler = async (): Promise<void> => {
      starts++
      await after(13 * hourMs)
      ends++
    }
    // There is room for one: nothing is asked for as long as it is hidden for us.
    await broker.consume(plain, handler, { concurrency: 1, maxInFlight: 1 })
    await after(13 * hourMs + minuteMs)
    expect([starts, ends]).toEqual([1, 1])
    expect(await broker.stats(plain)).toMatchObject({ ready: 0, inFlight: 0 })
  })

  it('ends with a receipt that cannot be renewed: on a FIFO queue its late ack is too late, and the message, when it comes again, is acked and not handled twice', async () => {
    await start(keyed)
    await broker.producer(keyed).send('a:1')
    const rule = wire.faults.add({ action: 'ChangeMessageVisibilityBatch', fault: { kind: 'error', name: 'InternalFailure' }, times: Infinity })
    const ends: unknown[] = []
    const consumer = await broker.consume(keyed, async (message, { signal }) => {
      // Nothing is received meanwhile, so that no new receipt takes the place of the old one.
      void consumer.pause()
      await after(5 * minuteMs)
      ends.push([signal.aborted, await message.ack()])
    })
    await until(() => ends.length === 1, hourMs)
    expect(ends).toEqual([[true, 'too-late']])
    expect(rule.hits).toBeGreaterThan(0)
    expect(await broker.stats(keyed)).toMatchObject({ ready: 1, inFlight: 0 })
    await consumer.resume()
    await after(minuteMs)
    expect(await broker.stats(keyed)).toMatchObject({ ready: 0, inFlight: 0 })
    expect(ends).toHaveLength(1)
  })
})

describe('a group', () => {
  it('is extended as a whole while its first message is handled, and other groups go on', async () => {
    await start(keyed)
    const ofA = Array.from({ length: 10 }, (_, index) => `a:${index}`)
    await broker.producer(keyed).sendBatch([...ofA, 'b:0', 'b:1'])
    const done: string[] = []
    await broker.consume(keyed, async ({ body }) => {
      if (body === 'a:0') await after(30 * minuteMs)
      done.push(body)
    })
    await until(() => done.length === 2, minuteMs)
    expect(done.toSorted()).toEqual(['b:0', 'b:1'])
    await until(() => done.length === 12, hourMs)
    await after(minuteMs)
    expect(done.slice(2)).toEqual(ofA)
  })

  it('waits at SQS for its first message, which is delayed before what is behind it is released, and stays in order', async () => {
    await start(keyed)
    const ofA = Array.from({ length: 12 }, (_, index) => `a:${index}`)
    await broker.producer(keyed).sendBatch([...ofA, 'b:0'])
    const starts: string[] = []
    const done: string[] = []
    const options = { use: [retry({ maxAttempts: 3, backoff: constant(10 * minuteMs) })] }
    await broker.consume(
      keyed,
      ({ body, attempt }) => {
        starts.push(`${body} ${attempt}`)
        if (body === 'a:3' && attempt < 3) throw new Error('not yet')
        done.push(body)
        return undefined
      },
      options,
    )
    await until(() => done.length === 13, hourMs)
    expect(done.filter((body) => body !== 'b:0')).toEqual(ofA)
    expect(starts.filter((start) => start.startsWith('a:3'))).toEqual(['a:3 1', 'a:3 2', 'a:3 3'])
    // Nothing of the group was handed out in between, to anybody.
    expect(starts).toHaveLength(15)
  })

  it('comes to another process in order when it is given back behind a message that waits', async () => {
    await start(keyed)
    await broker.producer(keyed).sendBatch(['a:0', 'a:1', 'a:2'])
    const first = await broker.consume(keyed, () => retryLater(10 * minuteMs), { use: [retry({ maxAttempts: 5, backoff: constant(10 * minuteMs) })] })
    await after(minuteMs)
    await first.drain()
    const done: string[] = []
    await broker.consume(keyed, ({ body }) => void done.push(body))
    await after(5 * minuteMs)
    expect(done).toEqual([])
    await until(() => done.length === 3, 10 * minuteMs)
    expect(done).toEqual(['a:0', 'a:1', 'a:2'])
  })
})

describe('a message whose dead letter does not fit', () => {
  it.each([plain, keyed])('of $name is handled once, comes a hundred times, is moved by SQS, and lets its key go on', async (destination) => {
    await start(destination, undefined, 30_000, 1)
    const large = `a:${'x'.repeat(1_048_576 - 128)}`
    await broker.producer(destination).sendBatch([large, 'a:next'])
    const handled: string[] = []
    const handler = ({ body }: { readonly body: string }): unknown => {
      handled.push(body)
      return body === large ? deadLetter('too much') : undefined
    }
    await broker.consume(destination, handler, { use: [retry({ maxAttempts: 1, backoff: constant(0) })] })
    await until(() => handled.length === 2, minuteMs)
    await after(2 * minuteMs)
    expect(handled.toSorted()).toEqual(['a:next', large])
    expect(await broker.stats(destination)).toMatchObject({ ready: 0, inFlight: 0 })
    expect((await broker.deadLetters(destination).peek()).map(({ body }) => body)).toEqual([large])
  })
})
