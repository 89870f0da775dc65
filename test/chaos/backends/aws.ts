import { setTimeout as pause } from 'node:timers/promises'
import { startAwsWire, type AwsWire, type WireFaultRule } from '../../brokers/aws-wire/index.ts'
import { startProxy, type FaultProxy } from '../../brokers/index.ts'
import type { Backend, BackendFault } from './backend.ts'
import { proxyFaults } from './proxy-faults.ts'

/** What a consumer held that is taken for dead comes again soon; claims are no longer than that either. */
const times = { visibilityTimeoutMs: 6_000, waitTimeMs: 2_000, timeoutMs: 2_000, retryMaxMs: 500 }
const accountId = '000000000000'

const sends = ['SendMessageBatch', 'PublishBatch']
const all = [...sends, 'ReceiveMessage', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch']

/** SQS with a FIFO queue: our simulator, in the process of the script. It keeps everything in memory, so that nothing kills or restarts it. */
export async function sqsBackend(): Promise<Backend> {
  const { wire, proxy, env, dispose } = await openWire()
  const { region } = wire
  return {
    title: 'SQS FIFO, by our simulator',
    ordered: true,
    shared: true,
    settings: { kind: 'queue', configuration: { driver: { name: 'sqs', endpoint: proxy.through(wire.endpoint), region, ...times } }, env },
    faults: [...proxyFaults(proxy), ...wireFaults(wire)],
    [Symbol.asyncDispose]: dispose,
  }
}

/** SNS with a FIFO topic and the queue of a subscription. */
export async function snsBackend(): Promise<Backend> {
  const { wire, proxy, env, dispose } = await openWire()
  const { region } = wire
  const endpoint = proxy.through(wire.endpoint)
  const queues = { name: 'sqs', endpoint, region, ...times }
  const topics = { name: 'sns', endpoint, queueEndpoint: endpoint, region, accountId, ...times }
  return {
    title: 'SNS FIFO to SQS, by our simulator',
    ordered: true,
    shared: true,
    // SNS has no queues: dead letters are on SQS.
    settings: { kind: 'topic', configuration: { driver: queues, routes: { jobs: { driver: topics, deadLetter: { driver: queues } } } }, env },
    faults: [...proxyFaults(proxy), ...wireFaults(wire)],
    [Symbol.asyncDispose]: dispose,
  }
}

interface Opened {
  readonly wire: AwsWire
  readonly proxy: FaultProxy
  readonly env: Readonly<Record<string, string>>
  readonly dispose: () => Promise<void>
}

export async function openWire(): Promise<Opened> {
  const wire = await startAwsWire()
  const proxy = await startProxy(Number(new URL(wire.endpoint).port))
  return {
    wire,
    proxy,
    env: { AWS_ACCESS_KEY_ID: wire.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: wire.credentials.secretAccessKey },
    async dispose() {
      await proxy.close()
      await wire[Symbol.asyncDispose]()
    },
  }
}

/** What the service does by itself. */
function wireFaults({ faults }: AwsWire): readonly BackendFault[] {
  /** While it lasts, so many calls are struck. */
  const rule = (name: string, ...rules: readonly WireFaultRule[]): BackendFault => ({
    name,
    lastsMs: [500, 2_000],
    async strike(lastsMs) {
      const handles = rules.map((one) => faults.add(one))
      await pause(lastsMs)
      for (const handle of handles) handle.remove()
    },
  })
  return [
    rule('throttled', { action: all, times: 200, fault: { kind: 'error', name: 'RequestThrottled' } }),
    rule('failing inside', { action: all, times: 50, fault: { kind: 'error', name: 'InternalFailure' } }),
    rule('answers to sends lost', { action: sends, times: 30, fault: { kind: 'reset', when: 'after' } }),
    rule('answers to receives lost', { action: 'ReceiveMessage', times: 5, fault: { kind: 'reset', when: 'after' } }),
    rule('answers to deletes lost', { action: 'DeleteMessageBatch', times: 30, fault: { kind: 'reset', when: 'after' } }),
    rule(
      'entries refused',
      { action: sends, times: 30, fault: { kind: 'fail-entries', entries: [0, 3] } },
      { action: 'DeleteMessageBatch', times: 30, fault: { kind: 'fail-entries', entries: [1] } },
    ),
    {
      name: 'no service',
      lastsMs: [500, 4_000],
      async strike(lastsMs) {
        const outage = faults.outage()
        await pause(lastsMs)
        outage.end()
      },
    },
  ]
}
