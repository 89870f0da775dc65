import { amqp as amqpDriver } from '@busbar/amqp'
import { bytes, createBroker, queue as defineQueue } from '@busbar/core'
import { connect, type ChannelModel } from 'amqplib'
import { skipOrFail, startRabbitmq } from '../../brokers/index.ts'
import { runJob } from '../engine/run-job.ts'
import { nearRaw } from '../engine/targets.ts'
import { busbar, type Adapter, type Place, type WantedPlace } from './adapter.ts'
import { runShared } from './shared-trials.ts'
import type { Entry } from './shared.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const raw = 'amqplib'
const bodyAlone = 'amqplib, body alone'
const peers = ['rabbitmq-client', '@cloudamqp/amqp-client']
const fillMs = 300_000
/** Of a queue with keys, as many as Busbar makes by default. */
const partitions = 8

/** Against the raw client and its peers, on a RabbitMQ of its own. */
export const amqp: Suite = async (options) => {
  await using bed = skipOrFail(await startRabbitmq({ version: '4.0', onProgress: options.onProgress }))
  if (bed === undefined) return { rows: [], versions: {}, ran: false }
  const vhost = `bench-${process.pid}`
  const url = await bed.createVhost(vhost)
  const connection = await connect(url)
  try {
    const { rows } = await runShared(adapterOf(url, connection), entriesOf(options), options)
    return { rows, versions: { RabbitMQ: bed.version }, ran: true }
  } finally {
    await connection.close()
    await bed.deleteVhost(vhost)
  }
}

function adapterOf(url: string, connection: ChannelModel): Adapter {
  return {
    title: 'AMQP',
    verb: 'publish',
    raw,
    clients: {
      [busbar]: { program: 'busbar-amqp' },
      [raw]: { program: 'raw-amqplib' },
      [bodyAlone]: { program: 'raw-amqplib', work: { bodyAlone: true } },
      'rabbitmq-client': { program: 'rabbitmq-client' },
      '@cloudamqp/amqp-client': { program: 'cloudamqp-client' },
    },
    work: { inFlight: 500, concurrency: 200, body: 'bytes' },
    place: (wanted) => placeAt(url, connection, wanted),
  }
}

function entriesOf({ quick }: SuiteOptions): Entry[] {
  const size = quick ? { warmup: 20_000, messages: 20_000 } : { warmup: 30_000, messages: 50_000 }
  const working = quick ? { warmup: 10_000, messages: 10_000 } : { warmup: 15_000, messages: 25_000 }
  // As much warm-up as compiles what one message at a time takes.
  const few = quick ? { warmup: 5_000, messages: 1_000 } : { warmup: 15_000, messages: 5_000 }
  const json = { suffix: ', JSON with schema', size, targets: [nearRaw], work: { body: 'json' } }
  const waiting = { shape: 'hold', once: true } as const
  return [
    { shape: 'oneByOne', size: few, peers },
    { shape: 'atLoad', size, peers, reported: [bodyAlone] },
    { shape: 'consume', size, peers },
    { shape: 'consumeWorking', size: working, peers },
    { shape: 'consumeSlow', size: working, peers },
    { shape: 'atLoad', ...json },
    { shape: 'consume', ...json },
    { shape: 'latency', size: { warmup: 1.5, messages: quick ? 2 : 4 }, reported: peers },
    { shape: 'drain', size: { warmup: 3_000, messages: 3_000 } },
    { shape: 'hotStrict', size: few },
    { shape: 'hotPipelined', size },
    { ...waiting, size: { warmup: 0, messages: 10_000 } },
    { ...waiting, size: { warmup: 0, messages: quick ? 100_000 : 1_000_000 } },
  ]
}

/** A queue as Busbar makes it, with its dead letters and its delivery limit, for all clients: what a queue costs at the broker is not the client's. */
async function placeAt(url: string, connection: ChannelModel, { name, client, work }: WantedPlace): Promise<Place> {
  const access = { url, place: name }
  // Busbar alone has keys, and a queue for each partition of them.
  const keyed = client === busbar && work.hotKey !== undefined
  const queues = keyed ? Array.from({ length: partitions }, (_, partition) => `${name}.p${partition}`) : [name]
  const definition = defineQueue(name, { codec: bytes, ...(keyed ? { orderingKey: () => 'hot' } : {}) })
  await using broker = createBroker({ driver: amqpDriver({ url, partitions }), destinations: [definition] })
  await broker.provision({ mode: 'create' })
  const channel = await connection.createChannel()
  return {
    access,
    async fill(messages) {
      await runJob({ program: 'raw-amqplib', options: { ...work, ...access, action: 'fill', warmup: 0, messages } }, { timeoutMs: fillMs })
    },
    async count() {
      const all = await Promise.all(queues.map((queue) => channel.checkQueue(queue)))
      return all.reduce((total, { messageCount }) => total + messageCount, 0)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(queues.map((queue) => channel.deleteQueue(queue)))
      await channel.close()
    },
  }
}
