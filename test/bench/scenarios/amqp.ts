import { amqp as amqpDriver } from '@busbar/amqp'
import { bytes, createBroker, queue as defineQueue } from '@busbar/core'
import { connect, type ChannelModel } from 'amqplib'
import { skipOrFail, startRabbitmq } from '../../brokers/index.ts'
import type { ProgramName } from '../engine/programs.ts'
import { runRounds, type Trial } from '../engine/rounds.ts'
import { rowsOf, type Scenario } from '../engine/rows.ts'
import { runJob } from '../engine/run-job.ts'
import type { Sample } from '../engine/sample.ts'
import { aheadOf, nearRaw } from '../engine/targets.ts'
import type { AmqpJob } from '../subjects/amqp-subject.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const raw = 'amqplib'
const bodyAlone = 'amqplib, body alone'
const busbar = 'busbar'
const peers = ['rabbitmq-client', '@cloudamqp/amqp-client']
const programs: Readonly<Record<string, ProgramName>> = {
  [busbar]: 'busbar-amqp',
  [raw]: 'raw-amqplib',
  [bodyAlone]: 'raw-amqplib',
  'rabbitmq-client': 'rabbitmq-client',
  '@cloudamqp/amqp-client': 'cloudamqp-client',
}
/** More rounds are for the intervals of what has a twin with a target: peers run in so many of them, and what is only reported in so many. */
const peerRounds = 20
const reportedRounds = 7
const inFlight = 500
const prefetch = 200

const plain = [{ name: busbar, targets: [nearRaw, aheadOf(peers)] }, { name: raw }, ...peers.map((name) => ({ name }))]
const twins = [{ name: busbar, targets: [nearRaw] }, { name: raw }]
const reported = [{ name: busbar }, { name: raw }]

const publishing: Scenario = { name: 'AMQP, publish', raw, subjects: [...plain, { name: bodyAlone }] }
const consuming: Scenario = { name: 'AMQP, consume', raw, subjects: plain }
const publishingJson: Scenario = { name: 'AMQP, publish, JSON with schema', raw, subjects: twins }
const consumingJson: Scenario = { name: 'AMQP, consume, JSON with schema', raw, subjects: twins }
const hotStrict: Scenario = { name: 'AMQP, publish, one hot key, strict', raw, subjects: reported }
const hotPipelined: Scenario = { name: 'AMQP, publish, one hot key, pipelined', raw, subjects: reported }

/** Against the raw client and its peers, on a RabbitMQ of its own. */
export const amqp: Suite = async (options) => {
  await using bed = skipOrFail(await startRabbitmq({ version: '4.0', onProgress: options.onProgress }))
  if (bed === undefined) return { rows: [], versions: {}, ran: false }
  const vhost = `bench-${process.pid}`
  const url = await bed.createVhost(vhost)
  const connection = await connect(url)
  try {
    const bench = new AmqpBench(url, connection, options)
    const samples = await runRounds(bench.trials(), options.rounds, options.onProgress)
    const scenarios = [publishing, consuming, publishingJson, consumingJson, hotStrict, hotPipelined]
    return { rows: scenarios.flatMap((scenario) => rowsOf(scenario, samples)), versions: { RabbitMQ: bed.version }, ran: true }
  } finally {
    await connection.close()
    await bed.deleteVhost(vhost)
  }
}

class AmqpBench {
  readonly #url: string
  readonly #connection: ChannelModel
  readonly #options: SuiteOptions

  constructor(url: string, connection: ChannelModel, options: SuiteOptions) {
    this.#url = url
    this.#connection = connection
    this.#options = options
  }

  trials(): Trial[] {
    const { quick, rounds } = this.#options
    const peer = { every: Math.ceil(rounds / peerRounds) }
    const report = { every: Math.ceil(rounds / reportedRounds) }
    const size = quick ? { warmup: 20_000, messages: 20_000 } : { warmup: 40_000, messages: 80_000 }
    const few = quick ? { warmup: 300, messages: 1_000 } : { warmup: 500, messages: 3_000 }
    return [
      ...[busbar, raw].map((subject) => this.#roundTrip(subject, publishing, consuming, { ...size, body: 'bytes' })),
      ...peers.map((subject) => ({ ...this.#roundTrip(subject, publishing, consuming, { ...size, body: 'bytes' }), ...peer })),
      { ...this.#publishOnly(bodyAlone, publishing, { ...size, bodyAlone: true }), ...report },
      ...[busbar, raw].map((subject) => this.#roundTrip(subject, publishingJson, consumingJson, { ...size, body: 'json' })),
      // Without keys, the twin of one key with one request out is one message in flight.
      { ...this.#publishOnly(busbar, hotStrict, { ...few, hotKey: 'strict' }), ...report },
      { ...this.#publishOnly(raw, hotStrict, { ...few, inFlight: 1 }), ...report },
      { ...this.#publishOnly(busbar, hotPipelined, { ...size, hotKey: 'pipelined' }), ...report },
      { ...this.#publishOnly(raw, hotPipelined, size), ...report },
    ]
  }

  /** Each subject consumes what it has published itself. */
  #roundTrip(subject: string, published: Scenario, consumed: Scenario, job: Partial<AmqpJob>): Trial {
    return this.#trial(subject, published.name, async (queue) => {
      await this.#declare(queue)
      const total = (job.warmup ?? 0) + (job.messages ?? 0)
      const publish = await this.#run(subject, { ...job, action: 'publish', queue })
      await this.#expectMessages(queue, total)
      const consume = await this.#run(subject, { ...job, action: 'consume', queue })
      await this.#expectMessages(queue, 0)
      return { [published.name]: publish, [consumed.name]: consume }
    })
  }

  #publishOnly(subject: string, scenario: Scenario, job: Partial<AmqpJob>): Trial {
    return this.#trial(subject, scenario.name, async (queue) => {
      // With keys it is not one queue.
      if (job.hotKey === undefined) await this.#declare(queue)
      return { [scenario.name]: await this.#run(subject, { ...job, action: 'publish', queue }) }
    })
  }

  /** As Busbar makes it, with its dead letters and its delivery limit, for all subjects: what a queue costs at the broker is not the client's. */
  async #declare(queue: string): Promise<void> {
    await using broker = createBroker({ driver: amqpDriver({ url: this.#url }), destinations: [defineQueue(queue, { codec: bytes })] })
    await broker.provision({ mode: 'create' })
  }

  #trial(subject: string, name: string, run: (queue: string) => Promise<Record<string, Sample>>): Trial {
    return {
      subject,
      label: `${name}: ${subject}`,
      run: async (round) => {
        const queue = `${name}-${subject}-${round}`.replaceAll(/[^A-Za-z0-9]+/g, '-')
        try {
          return await run(queue)
        } finally {
          await this.#delete(queue)
        }
      },
    }
  }

  #run(subject: string, job: Partial<AmqpJob>): Promise<Sample> {
    const options = { body: 'bytes', inFlight, prefetch, ...job, url: this.#url }
    return runJob({ program: programs[subject] as ProgramName, options }, { profileFolder: this.#options.profileFolder })
  }

  /** A client that confirms or acks what isn't there would be the fastest. */
  async #expectMessages(queue: string, expected: number): Promise<void> {
    const channel = await this.#connection.createChannel()
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    if (messageCount !== expected) throw new Error(`${queue}: ${messageCount} messages instead of ${expected}`)
  }

  async #delete(queue: string): Promise<void> {
    const channel = await this.#connection.createChannel()
    await channel.deleteQueue(queue)
    await channel.close()
  }
}
