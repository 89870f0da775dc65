import { Connection } from 'rabbitmq-client'
import { buffers } from '../bodies.ts'
import { acksTakenMs, propertiesOf, type AmqpSubject, type AmqpWork } from './amqp-subject.ts'
import { variantsOf, type Handle, type Receiver, type Sender } from './subject.ts'

/** The peer as its documentation shows it: a publisher with confirms, a consumer that acks when the handler returns. */
export const rabbitmqClient: AmqpSubject = { sender, receive, settleMs: acksTakenMs }

async function sender(work: AmqpWork): Promise<Sender> {
  const connection = new Connection({ url: work.url, noDelay: true })
  const publisher = connection.createPublisher({ confirm: true })
  const envelope = { routingKey: work.place, durable: true, mandatory: true }
  const all = buffers(variantsOf(work))
  return {
    send: (index) => publisher.send({ ...envelope, ...propertiesOf(work, index) }, all[index % all.length]),
    async close() {
      await publisher.close()
      await connection.close()
    },
  }
}

async function receive(work: AmqpWork, handle: Handle): Promise<Receiver> {
  const connection = new Connection({ url: work.url, noDelay: true })
  const failed = Promise.withResolvers<never>()
  const ready = Promise.withResolvers<void>()
  const consumer = connection.createConsumer({ queue: work.place, queueOptions: { passive: true }, qos: { prefetchCount: work.concurrency } }, ({ body }) =>
    handle(body as Buffer),
  )
  consumer.on('error', failed.reject)
  consumer.on('ready', () => ready.resolve())
  await Promise.race([ready.promise, failed.promise])
  return {
    failed: failed.promise,
    async close() {
      await consumer.close()
      await connection.close()
    },
  }
}
