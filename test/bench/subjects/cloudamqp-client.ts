import { AMQPClient } from '@cloudamqp/amqp-client'
import { buffers } from '../bodies.ts'
import { acksTakenMs, propertiesOf, type AmqpSubject, type AmqpWork } from './amqp-subject.ts'
import { variantsOf, type Handle, type Receiver, type Sender } from './subject.ts'

/** The peer by its channel interface, which is faster than its sessions. It turns Nagle's algorithm off by itself. */
export const cloudamqpClient: AmqpSubject = { sender, receive, settleMs: acksTakenMs }

async function sender(work: AmqpWork): Promise<Sender> {
  const connection = await new AMQPClient(work.url).connect()
  const channel = await connection.channel()
  await channel.confirmSelect()
  const all = buffers(variantsOf(work))
  return {
    send(index) {
      const { timestamp, ...properties } = propertiesOf(work, index)
      const body = all[index % all.length] as Buffer
      return channel.basicPublish('', work.place, body, { deliveryMode: 2, timestamp: new Date(timestamp * 1_000), ...properties }, true)
    },
    close: () => connection.close(),
  }
}

async function receive(work: AmqpWork, handle: Handle): Promise<Receiver> {
  const connection = await new AMQPClient(work.url).connect()
  const channel = await connection.channel()
  await channel.prefetch(work.concurrency)
  const failed = Promise.withResolvers<never>()
  await channel.basicConsume(work.place, { noAck: false }, (message) => {
    const handled = handle(message.body ?? '')
    if (handled === undefined) message.ack().catch(failed.reject)
    else handled.then(() => message.ack()).catch(failed.reject)
  })
  return {
    failed: failed.promise,
    async close() {
      await channel.close()
      await connection.close()
    },
  }
}
