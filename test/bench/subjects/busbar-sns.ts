import { createBroker, text, topic } from '@busbar/core'
import { sns } from '@busbar/sns'
import type { Meter } from '../engine/meter.ts'
import { keepInFlight } from './amqp-subject.ts'
import { perRequest, requests, sqsBodies, type SqsJob, type SqsSubject } from './sqs-subject.ts'

/** Busbar as its documentation shows it. */
export const busbarSns: SqsSubject = { send }

async function send({ access, queue: name, accountId }: SqsJob, meter: Meter): Promise<void> {
  const { endpoint, region, credentials } = access
  const destination = topic<string>(name, { codec: text })
  await using broker = createBroker({ driver: sns({ endpoint, region, credentials, accountId }), destinations: [destination] })
  const producer = broker.producer(destination)
  const all = sqsBodies()
  await keepInFlight(
    meter.total,
    requests * perRequest,
    (index) => producer.send(all[index % all.length] as string),
    () => meter.tick(),
  )
}
