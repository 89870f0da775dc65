import { createBroker, text, topic } from '@busbar/core'
import { mqtt } from '@busbar/mqtt'
import { afterAll, expect, it } from 'vitest'
import { until } from '../amqp/support/intake.ts'
import { skipOrFail, startMosquitto } from '../brokers/index.ts'
import { freshOptions } from './support/beds.ts'

const bed = await startMosquitto({}).then(skipOrFail)
afterAll(() => bed?.[Symbol.asyncDispose]())

it.skipIf(bed === undefined)('handles hundreds of messages behind one that takes long, without any option, though their acks wait for it', async () => {
  const positions = topic('positions', { codec: text })
  const map = positions.subscription('map')
  const driver = mqtt({ url: bed?.url ?? '', ...freshOptions() })
  await using broker = createBroker({ driver, destinations: [positions, map], provision: 'create', log: () => undefined })
  const slow = Promise.withResolvers<void>()
  let handled = 0
  await broker.consume(map, ({ body }) => {
    if (body === 'slow') return slow.promise
    handled++
    return undefined
  })
  const producer = broker.producer(positions)
  await producer.send('slow')
  await producer.sendBatch(Array.from({ length: 500 }, () => 'fast'))
  await until('all that is behind it', () => handled >= 500)
  expect(handled).toBe(500)
  slow.resolve()
})
