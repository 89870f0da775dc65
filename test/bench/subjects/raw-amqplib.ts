import * as amqplib from 'amqplib'
import { buffers, Order, orders } from '../bodies.ts'
import { acksTakenMs, propertiesOf, type AmqpSubject, type AmqpWork } from './amqp-subject.ts'
import { variantsOf, type Handle, type Range, type Receiver, type Sender } from './subject.ts'

/**
 * The raw client used well, by its public interface: Nagle's algorithm off, a write buffer that holds what is in flight, confirms by callback and not by promise,
 * `drain` heeded, and one `multiple` ack for all that was handled in a turn of the event loop, where nothing before it is unhandled.
 */
export const rawAmqplib: AmqpSubject = { sender, receive, settleMs: acksTakenMs }

/** Its default of 16 KiB makes it stop and wait more often. */
const writeBufferBytes = 262_144

async function sender(work: AmqpWork): Promise<Sender> {
  const connection = await amqplib.connect(work.url, { noDelay: true })
  const channel = await connection.createConfirmChannel({ highWaterMark: writeBufferBytes })
  const returned = Promise.withResolvers<never>()
  channel.on('return', () => returned.reject(new Error('a message was returned as unroutable')))
  const body = bodies(work)
  const always = { persistent: true, mandatory: true }
  const options = (index: number): amqplib.Options.Publish => (work.bodyAlone ? always : { ...always, ...propertiesOf(work, index) })
  const publish: Publish = (index, onConfirm) => channel.publish('', work.place, body(index), options(index), onConfirm)
  return {
    send: (index) => new Promise<void>((resolve, reject) => publish(index, (error) => (error ? reject(error) : resolve()))),
    sendAll: (range, onSent) => Promise.race([publishAll(channel, publish, range, work.inFlight, onSent), returned.promise]),
    close: () => connection.close(),
  }
}

type OnConfirm = (error: Error | null | undefined) => void
/** False where the next one should wait for `drain`. */
type Publish = (index: number, onConfirm: OnConfirm) => boolean

function publishAll(channel: amqplib.ConfirmChannel, publish: Publish, { from, count: total }: Range, inFlight: number, onSent: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let started = 0
    let confirmed = 0
    let writable = true
    const onConfirm: OnConfirm = (error) => {
      if (error) return reject(error)
      onSent()
      if (++confirmed < total) return fill()
      channel.off('drain', onDrain)
      resolve()
    }
    const fill = (): void => {
      while (writable && started - confirmed < inFlight && started < total) writable = publish(from + started++, onConfirm)
    }
    const onDrain = (): void => {
      writable = true
      fill()
    }
    channel.on('drain', onDrain)
    fill()
  })
}

async function receive(work: AmqpWork, handle: Handle): Promise<Receiver> {
  const connection = await amqplib.connect(work.url, { noDelay: true })
  const channel = await connection.createChannel()
  await channel.prefetch(work.concurrency)
  const failed = Promise.withResolvers<never>()
  const check = checker(work)
  const acks = new Acks(channel)
  const { consumerTag } = await channel.consume(work.place, (message) => {
    if (message === null) return failed.reject(new Error('the broker cancelled the consumer'))
    check(message.content)
    const handled = handle(message.content)
    if (handled === undefined) acks.handled(message)
    else acks.wait(message, handled)
  })
  return {
    failed: failed.promise,
    async close() {
      await channel.cancel(consumerTag)
      await acks.idle()
      await channel.close()
      await connection.close()
    },
  }
}

/** Acks what was handled in a turn of the event loop. */
class Acks {
  readonly #channel: amqplib.Channel
  /** By tag, in the order in which they came. */
  readonly #running: Map<number, Promise<void>> = new Map()
  #handled: amqplib.ConsumeMessage[] = []

  constructor(channel: amqplib.Channel) {
    this.#channel = channel
  }

  handled(message: amqplib.ConsumeMessage): void {
    if (this.#handled.push(message) === 1) queueMicrotask(() => this.#flush())
  }

  wait(message: amqplib.ConsumeMessage, handled: Promise<void>): void {
    const tag = message.fields.deliveryTag
    const done = handled.then(() => {
      this.#running.delete(tag)
      this.handled(message)
    })
    this.#running.set(tag, done)
  }

  /** Resolves when no handler runs and all is acked. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values())
    this.#flush()
  }

  #flush(): void {
    const handled = this.#handled
    this.#handled = []
    const [oldest = Infinity] = this.#running.keys()
    let upTo: amqplib.ConsumeMessage | undefined
    for (const message of handled) {
      const tag = message.fields.deliveryTag
      if (tag > oldest) this.#channel.ack(message)
      else if (upTo === undefined || tag > upTo.fields.deliveryTag) upTo = message
    }
    if (upTo) this.#channel.ack(upTo, true)
  }
}

function bodies(work: AmqpWork): (index: number) => Buffer {
  if (work.body === 'bytes') {
    const all = buffers(variantsOf(work))
    return (index) => all[index % all.length] as Buffer
  }
  const all = orders()
  return (index) => Buffer.from(JSON.stringify(Order.parse(all[index % all.length])))
}

function checker({ body }: AmqpWork): (content: Buffer) => void {
  if (body === 'json') return (content) => Order.parse(JSON.parse(content.toString()))
  return () => {}
}
