import { afterEach, beforeEach, expect, it } from 'vitest'
import { queue } from '../definitions/queue.ts'
import type { ProcessMiddleware } from '../middleware/types.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'
import { createBroker } from './create-broker.ts'

const orders = queue<number>('orders')
const rejected: unknown[] = []
const note = (error: unknown): void => void rejected.push(error)

// A test runner would fail the run; here the cause is to be seen.
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => {
  process.off('unhandledRejection', note)
  rejected.length = 0
})

it('loggers, hooks and middleware that reject are noted, and end neither messages nor the process', async () => {
  const driver = new NaiveDriver()
  const logged: string[] = []
  // What is written as an async function is taken by the compiler for one that returns nothing.
  const failing = (): undefined => Promise.reject(new Error('an exporter that is down')) as unknown as undefined
  const told: ProcessMiddleware = { name: 'told', stage: 'custom', process: (_, next) => next(), settled: failing }
  const handled = Promise.withResolvers<number>()
  const broker = createBroker({
    driver,
    destinations: [orders],
    log: (_level, event) => {
      logged.push(event)
      return Promise.reject(new Error('a log that is full')) as unknown as undefined
    },
    telemetry: { send: failing, receive: failing, settle: failing, call: failing },
  })
  await broker.consume(orders, ({ body }) => handled.resolve(body), { use: [told] })
  await broker.producer(orders).send(1)
  expect(await handled.promise).toBe(1)
  await broker.drain()
  await turns()
  expect(rejected).toEqual([])
  expect(new Set(logged)).toContain('telemetry:failed')
  expect(new Set(logged)).toContain('middleware:failed')
})
