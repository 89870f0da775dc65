import { amqpBackend } from '../chaos/backends/amqp.ts'
import { openWire, snsBackend, sqsBackend } from '../chaos/backends/aws.ts'
import { mqttBackend } from '../chaos/backends/mqtt.ts'
import type { BackendSettings } from '../chaos/settings.ts'
import { startKinesis, type Skipped } from '../brokers/index.ts'

/** What a driver is soaked on. */
export interface SoakBed extends AsyncDisposable {
  readonly title: string
  readonly settings: BackendSettings
  /** Most messages that it takes before it becomes too slow. */
  readonly mostMessages?: number
}

export type SoakBedFactory = (say: (text: string) => void) => Promise<SoakBed | Skipped>

/** By the names of drivers. Nothing is broken here: proxies that stand before a broker only hand on. */
export const beds: Readonly<Record<string, SoakBedFactory>> = {
  memory: async () => ({
    title: 'the memory driver, with its broker in the same process',
    settings: { kind: 'queue', configuration: { driver: 'memory:' }, env: {} },
    [Symbol.asyncDispose]: async () => undefined,
  }),
  amqp: async (say) => amqpBackend({ redis: undefined, say }),
  sqs: sqsBackend,
  // Topics have no replies: the queue of requests is one of SQS.
  sns: snsBackend,
  kinesis: kinesisBed,
  mqtt: async (say) => mqttBackend({ redis: undefined, say }),
}

/** The emulator slows down with the records of a shard, so that many messages go into one. */
async function kinesisBed(): Promise<SoakBed> {
  const bed = await startKinesis()
  const queues = await openWire()
  const { region } = queues.wire
  const onQueues = { name: 'sqs', endpoint: queues.wire.endpoint, region, waitTimeMs: 2_000 }
  const route = { deadLetter: { driver: onQueues }, options: { envelope: true, capacity: { shards: 4 } } }
  return {
    title: `Kinesis, by the emulator kinesis-local ${bed.version}`,
    mostMessages: 2_400,
    settings: {
      kind: 'stream',
      configuration: {
        driver: { name: 'kinesis', endpoint: bed.url, region, readIdleMs: 200, readShare: 1 },
        routes: { jobs: route, quotes: { driver: onQueues } },
      },
      env: queues.env,
    },
    async [Symbol.asyncDispose]() {
      await queues.dispose()
      await bed[Symbol.asyncDispose]()
    },
  }
}
