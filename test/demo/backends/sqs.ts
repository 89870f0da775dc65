import { setTimeout as pause } from 'node:timers/promises'
import type { BrokerConfiguration } from '@busbar/core'
import { sns } from '@busbar/sns'
import { sqs } from '@busbar/sqs'
import { startAwsWire, type AwsWire, type WireFaultRule } from '../../brokers/aws-wire/index.ts'
import { startFauxqs } from '../../brokers/fauxqs.ts'
import type { Backend, BackendOptions, Fault } from '../broker.ts'

interface Server {
  readonly endpoint: string
  readonly topicsEndpoint?: string
  readonly region: string
}

/** That of both servers. */
const accountId = '000000000000'
/** What a consumer held that is taken for dead comes again soon. */
const times = { visibilityTimeoutMs: 2_000, waitTimeMs: 2_000, timeoutMs: 5_000 }

const sends = ['SendMessageBatch', 'PublishBatch']
/** They strike as often as they say, whenever their calls come. */
const rules: readonly WireFaultRule[] = [
  { action: sends, times: 10, fault: { kind: 'reset', when: 'after' } },
  { action: sends, times: 10, fault: { kind: 'error', name: 'RequestThrottled' } },
  { action: sends, times: 10, fault: { kind: 'fail-entries', entries: [0, 3] } },
  { action: 'ReceiveMessage', times: 5, fault: { kind: 'reset', when: 'after' } },
  { action: 'DeleteMessageBatch', times: 10, fault: { kind: 'reset', when: 'after' } },
  { action: 'DeleteMessageBatch', times: 5, fault: { kind: 'fail-entries', entries: [1] } },
]

/** SQS and SNS: an emulator, or, since that has no faults, our simulator. Queues with ordering keys are FIFO queues, topics are those of SNS. */
export async function sqsBackend({ faults }: BackendOptions): Promise<Backend> {
  const wire = faults ? await startAwsWire() : undefined
  const server = wire ?? (await startFauxqs())
  // For the SDK's chain of providers, as for every program: configuration holds no secrets.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: server.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey })
  return {
    title: wire ? 'SQS and SNS, by our simulator, in this process' : 'SQS and SNS, by the emulator fauxqs, in this process',
    configuration: (destinations) => configurationFor(server, destinations),
    drivers: [sqs, sns],
    faults: wire ? faultsOf(wire) : [],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function configurationFor({ endpoint, topicsEndpoint = endpoint, region }: Server, destinations: readonly string[]): BrokerConfiguration {
  const queues = { name: 'sqs', endpoint, region, ...times }
  const topics = { name: 'sns', endpoint: topicsEndpoint, queueEndpoint: endpoint, region, accountId, ...times }
  return {
    driver: queues,
    // SNS has no queues: dead letters are on SQS.
    routes: destinations.includes('arrivals') ? { arrivals: { driver: topics, deadLetter: { driver: queues } } } : {},
  }
}

function faultsOf({ faults }: AwsWire): readonly Fault[] {
  const small: Fault = {
    text: 'answers lost, calls throttled, entries of batches refused',
    strike: async () => {
      for (const rule of rules) faults.add(rule)
    },
  }
  const cut: Fault = { text: 'all connections cut', strike: async () => faults.cutConnections() }
  const outage: Fault = {
    text: 'no connections for half a second',
    async strike() {
      const down = faults.outage()
      await pause(500)
      down.end()
    },
  }
  return [small, cut, outage, small, cut]
}
