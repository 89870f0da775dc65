import * as amqplib from 'amqplib'
import { buffers, Order, orders } from '../bodies.ts'
import type { Meter } from '../engine/meter.ts'
import { acksTaken, propertiesOf, type AmqpJob, type AmqpSubject } from './amqp-subject.ts'

/**
 * The raw client used well, by its public interface: Nagle's algorithm off, a write buffer that holds what is in flight, confirms by callback and not by promise,
 * `drain` heeded, and one `multiple` ack for all that was handled in a turn of the event loop instead of an ack each.
 */
export const rawAmqplib: AmqpSubject = { publish, consume }

/** Its default of 16 KiB makes it stop and wait more often. */
const writeBufferBytes = 262_144

async function publish(job: AmqpJob, meter: Meter): Promise<void> {
  const connection = await amqplib.connect(job.url, { noDelay: true })
  const channel = await connection.createConfirmChannel({ highWaterMark: writeBufferBytes })
  const body = bodies(job)
  const always = { persistent: true, mandatory: true }
  const options = (index: number): amqplib.Options.Publish => (job.bodyAlone ? always : { ...always, ...propertiesOf(job, index) })
  await new Promise<void>((resolve, reject) => {
    let started = 0
    let open = 0
    let writable = true
    const onConfirm = (error: Error | null | undefined): void => {
      if (error !== null && error !== undefined) return reject(error)
      open--
      meter.tick()
      if (meter.count === meter.total) resolve()
      else fill()
    }
    const fill = (): void => {
      while (writable && open < job.inFlight && started < meter.total) {
        open++
        writable = channel.publish('', job.queue, body(started), options(started++), onConfirm)
      }
    }
    channel.on('drain', () => {
      writable = true
      fill()
    })
    channel.on('return', () => reject(new Error('a message was returned as unroutable')))
    fill()
  })
  await connection.close()
}

async function consume(job: AmqpJob, meter: Meter): Promise<void> {
  const connection = await amqplib.connect(job.url, { noDelay: true })
  const channel = await connection.createChannel()
  await channel.prefetch(job.prefetch)
  const check = checker(job)
  let last: amqplib.ConsumeMessage | undefined
  const acknowledge = (): void => {
    if (last) channel.ack(last, true)
    last = undefined
  }
  await channel.consume(job.queue, (message) => {
    if (message === null) throw new Error('the broker cancelled the consumer')
    check(message.content)
    if (last === undefined) queueMicrotask(acknowledge)
    last = message
    meter.tick()
  })
  await meter.done
  await acksTaken()
  await channel.close()
  await connection.close()
}

function bodies({ body }: AmqpJob): (index: number) => Buffer {
  if (body === 'bytes') {
    const all = buffers()
    return (index) => all[index % all.length] as Buffer
  }
  const all = orders()
  return (index) => Buffer.from(JSON.stringify(Order.parse(all[index % all.length])))
}

function checker({ body }: AmqpJob): (content: Buffer) => void {
  if (body === 'json') return (content) => Order.parse(JSON.parse(content.toString()))
  return () => {}
}
