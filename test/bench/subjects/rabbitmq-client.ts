import { Connection } from 'rabbitmq-client'
import { buffers } from '../bodies.ts'
import type { Meter } from '../engine/meter.ts'
import { acksTaken, keepInFlight, propertiesOf, type AmqpJob, type AmqpSubject } from './amqp-subject.ts'

/** The peer as its documentation shows it: a publisher with confirms, a consumer that acks when the handler returns. */
export const rabbitmqClient: AmqpSubject = { publish, consume }

async function publish(job: AmqpJob, meter: Meter): Promise<void> {
  const connection = new Connection({ url: job.url, noDelay: true })
  const publisher = connection.createPublisher({ confirm: true })
  const envelope = { routingKey: job.queue, durable: true, mandatory: true }
  const all = buffers()
  await keepInFlight(
    meter.total,
    job.inFlight,
    (index) => publisher.send({ ...envelope, ...propertiesOf(job, index) }, all[index % all.length]),
    () => meter.tick(),
  )
  await publisher.close()
  await connection.close()
}

async function consume(job: AmqpJob, meter: Meter): Promise<void> {
  const connection = new Connection({ url: job.url, noDelay: true })
  const failed = Promise.withResolvers<never>()
  const consumer = connection.createConsumer({ queue: job.queue, queueOptions: { passive: true }, qos: { prefetchCount: job.prefetch } }, () => meter.tick())
  consumer.on('error', failed.reject)
  await Promise.race([meter.done, failed.promise])
  await acksTaken()
  await consumer.close()
  await connection.close()
}
