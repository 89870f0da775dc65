import { createBroker, stream, systemClock, text } from '@busbar/core'
import { kinesis } from '@busbar/kinesis'
import { memoryStore } from '@busbar/memory'
import { texts } from '../bodies.ts'
import type { Meter } from '../engine/meter.ts'
import { keepInFlight } from './amqp-subject.ts'
import { credentials, perRequest, region, requests, type KinesisJob, type KinesisSubject } from './kinesis-subject.ts'

/** Busbar as its documentation shows it. */
export const busbarKinesis: KinesisSubject = { send, consume }

const mostInFlight = 1_000
/** Batches in flight that keep requests full: three times as many messages wait for their shards as are out, since keys do not spread evenly. */
const batches = 4 * requests
/** Four of them together fill a record. */
const aggregatedBatch = 1_000

async function send({ endpoint, aggregate }: KinesisJob, meter: Meter): Promise<void> {
  const destination = stream<string>('bench', { codec: text })
  await using broker = createBroker({
    // The server has no limits.
    driver: kinesis({ endpoint, region, credentials, shardShare: false }),
    destinations: [destination],
    routes: { bench: { options: { aggregate } } },
  })
  const producer = broker.producer(destination)
  const all = texts()
  const batch = aggregate ? aggregatedBatch : perRequest
  await keepInFlight(
    Math.ceil(meter.total / batch),
    batches,
    async (index) => {
      const from = index * batch
      const bodies = Array.from({ length: Math.min(batch, meter.total - from) }, (_, offset) => all[(from + offset) % all.length] as string)
      const results = await producer.sendBatch(bodies)
      for (const { ok } of results) {
        if (!ok) throw new Error('a message was not sent')
        meter.tick()
      }
    },
    () => undefined,
  )
}

async function consume({ endpoint }: KinesisJob, meter: Meter): Promise<void> {
  const source = stream<string>('bench', { codec: text }).subscription('bench', { startFrom: 'earliest' })
  await using broker = createBroker({
    driver: kinesis({ endpoint, region, credentials, store: memoryStore({ clock: systemClock }), readShare: false }),
    destinations: [source],
    routes: { bench: { deadLetter: 'drop' } },
  })
  const consumer = await broker.consume(source, () => meter.tick(), { concurrency: mostInFlight, maxInFlight: mostInFlight })
  await Promise.race([meter.done, consumer.closed.then(() => Promise.reject(new Error('the consumer has ended early')))])
  await broker.drain()
}
