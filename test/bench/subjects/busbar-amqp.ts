import { amqp } from '@busbar/amqp'
import { bytes, createBroker, queue, type Broker, type Queue } from '@busbar/core'
import { buffers, Order, orders } from '../bodies.ts'
import type { Meter } from '../engine/meter.ts'
import { acksTaken, keepInFlight, type AmqpJob, type AmqpSubject } from './amqp-subject.ts'

/** Busbar as its documentation shows it. */
export const busbarAmqp: AmqpSubject = { publish, consume }

async function publish(job: AmqpJob, meter: Meter): Promise<void> {
  const destination = define(job)
  await using broker = connect(job, destination)
  await broker.provision()
  const producer = broker.producer(destination, { sendOrder: job.hotKey ?? 'strict' })
  const all = job.body === 'json' ? orders() : buffers()
  await keepInFlight(
    meter.total,
    job.inFlight,
    (index) => producer.send(all[index % all.length]),
    () => meter.tick(),
  )
}

async function consume(job: AmqpJob, meter: Meter): Promise<void> {
  const source = define(job)
  await using broker = connect(job, source)
  const consumer = await broker.consume(source, () => meter.tick(), { concurrency: job.prefetch, maxInFlight: job.prefetch })
  await Promise.race([meter.done, consumer.closed.then(() => Promise.reject(new Error('the consumer has ended early')))])
  await acksTaken()
}

function define(job: AmqpJob): Queue {
  const key = job.hotKey === undefined ? {} : { orderingKey: () => 'hot' }
  if (job.body === 'json') return queue(job.queue, { schema: Order, ...key }) as Queue
  return queue(job.queue, { codec: bytes, ...key }) as Queue
}

function connect({ url }: AmqpJob, destination: Queue): Broker {
  return createBroker({ driver: amqp({ url }), destinations: [destination], provision: 'create' })
}
