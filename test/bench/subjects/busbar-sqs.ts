import { createBroker, queue, text, type Broker, type Queue } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import type { Meter } from '../engine/meter.ts'
import { keepInFlight } from './amqp-subject.ts'
import { mostInFlight, perRequest, pollers, requests, sqsBodies, type SqsJob, type SqsSubject } from './sqs-subject.ts'

/** Busbar as its documentation shows it. */
export const busbarSqs: SqsSubject = { send, consume }

async function send(job: SqsJob, meter: Meter): Promise<void> {
  const destination = queue<string>(job.queue, { codec: text })
  await using broker = connect(job, destination)
  const producer = broker.producer(destination)
  const all = sqsBodies()
  await keepInFlight(
    meter.total,
    requests * perRequest,
    (index) => producer.send(all[index % all.length] as string),
    () => meter.tick(),
  )
}

async function consume(job: SqsJob, meter: Meter, handle: () => Promise<void>): Promise<void> {
  const source = queue<string>(job.queue, { codec: text })
  await using broker = connect(job, source)
  const consumer = await broker.consume(source, handle, { concurrency: mostInFlight, maxInFlight: mostInFlight })
  await Promise.race([meter.done, consumer.closed.then(() => Promise.reject(new Error('the consumer has ended early')))])
  await broker.drain()
}

function connect({ access, queue: name }: SqsJob, destination: Queue<string>): Broker {
  const { endpoint, region, credentials } = access
  const driver = sqs({ endpoint, region, credentials, maxPollers: pollers })
  return createBroker({ driver, destinations: [destination], routes: { [name]: { deadLetter: 'drop' } } })
}
