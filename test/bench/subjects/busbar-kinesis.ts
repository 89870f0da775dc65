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
/** Messages in flight that keep requests full: as many wait for their shards as are out. Aggregated records hold far more. */
const inFlight = { single: 2 * requests * perRequest, aggregated: 7_000 }

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
  await keepInFlight(
    meter.total,
    aggregate ? inFlight.aggregated : inFlight.single,
    (index) => producer.send(all[index % all.length] as string),
    () => meter.tick(),
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
