import { AMQPClient } from '@cloudamqp/amqp-client'
import { buffers } from '../bodies.ts'
import type { Meter } from '../engine/meter.ts'
import { acksTaken, keepInFlight, propertiesOf, type AmqpJob, type AmqpSubject } from './amqp-subject.ts'

/** The peer by its channel interface, which is faster than its sessions. It turns Nagle's algorithm off by itself. */
export const cloudamqpClient: AmqpSubject = { publish, consume }

async function publish(job: AmqpJob, meter: Meter): Promise<void> {
  const connection = await new AMQPClient(job.url).connect()
  const channel = await connection.channel()
  await channel.confirmSelect()
  const all = buffers()
  await keepInFlight(
    meter.total,
    job.inFlight,
    (index) => {
      const { timestamp, ...properties } = propertiesOf(job, index)
      const body = all[index % all.length] as Buffer
      return channel.basicPublish('', job.queue, body, { deliveryMode: 2, timestamp: new Date(timestamp * 1_000), ...properties }, true)
    },
    () => meter.tick(),
  )
  await connection.close()
}

async function consume(job: AmqpJob, meter: Meter): Promise<void> {
  const connection = await new AMQPClient(job.url).connect()
  const channel = await connection.channel()
  await channel.prefetch(job.prefetch)
  const failed = Promise.withResolvers<never>()
  await channel.basicConsume(job.queue, { noAck: false }, (message) => {
    meter.tick()
    message.ack().catch(failed.reject)
  })
  await Promise.race([meter.done, failed.promise])
  await acksTaken()
  await channel.close()
  await connection.close()
}
