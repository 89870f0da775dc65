import { bytes, createBroker, topic, type Broker, type Subscription, type Topic } from '@busbar/core'
import { mqtt } from '@busbar/mqtt'
import { buffers } from '../bodies.ts'
import type { Meter } from '../engine/meter.ts'
import { keepInFlight } from './amqp-subject.ts'
import { work, type MqttJob, type MqttSubject } from './mqtt-subject.ts'

/** Busbar as its documentation shows it. */
export const busbarMqtt: MqttSubject = { prepare, publish, consume }

async function prepare(job: MqttJob): Promise<void> {
  await using broker = connect(job, define(job))
  await broker.provision({ mode: 'create' })
}

async function publish(job: MqttJob, meter: Meter): Promise<void> {
  const defined = define(job)
  await using broker = connect(job, defined)
  const producer = broker.producer(defined.news)
  const all = buffers()
  await keepInFlight(
    meter.total,
    job.inFlight,
    (index) => producer.send(all[index % all.length] as Buffer),
    () => meter.tick(),
  )
}

async function consume(job: MqttJob, meter: Meter): Promise<void> {
  const defined = define(job)
  await using broker = connect(job, defined)
  const handler = async (): Promise<void> => {
    await work(job)
    meter.tick()
  }
  const consumer = await broker.consume(defined.readers, handler, { concurrency: job.concurrency })
  await Promise.race([meter.done, consumer.closed.then(() => Promise.reject(new Error('the consumer has ended early')))])
  // Acks what was handled.
  await broker.drain()
}

interface Defined {
  readonly news: Topic<Uint8Array>
  readonly readers: Subscription<Uint8Array>
}

function define({ topic: name }: MqttJob): Defined {
  const news = topic(name, { codec: bytes })
  return { news, readers: news.subscription('readers') }
}

function connect({ url, topic: name }: MqttJob, { news, readers }: Defined): Broker {
  return createBroker({ driver: mqtt({ url }), destinations: [news, readers], routes: { [name]: { deadLetter: 'drop' } } })
}
