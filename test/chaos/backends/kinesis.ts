import { setTimeout as pause } from 'node:timers/promises'
import { startKinesis, startProxy, type Skipped } from '../../brokers/index.ts'
import { startKinesisGateway, type KinesisGateway } from '../../kinesis/support/kinesis-gateway.ts'
import { openWire } from './aws.ts'
import type { Backend, BackendFault, Lent } from './backend.ts'
import { proxyFaults } from './proxy-faults.ts'
import { killed, paused } from './server-faults.ts'

/** Leases and pauses are short: what a consumer held that is taken for dead comes again soon. */
const times = { leaseMs: 3_000, checkpointMs: 500, lookMs: 500, listMs: 2_000, timeoutMs: 2_000, readShare: 1, readIdleMs: 200 }
/** The emulator slows down with the records of a shard. */
const mostMessages = 2_000

/** Kinesis by an emulator, which forgets everything when it ends: nothing kills it. Its leases are in Redis, which is killed. Dead letters are on the simulator of SQS. */
export async function kinesisBackend({ redis }: Lent): Promise<Backend | Skipped> {
  if (redis === undefined)
    return { skipped: true, broker: 'chaos on Kinesis', reason: 'there is no Redis for leases', remedy: 'see what was said about Redis 7' }
  const bed = await startKinesis()
  const gateway = await startKinesisGateway(bed.url)
  const proxy = await startProxy(Number(new URL(gateway.url).port))
  const queues = await openWire()
  const redisProxy = await startProxy(Number(new URL(redis.url).port))
  const { region } = queues.wire
  const stream = { name: 'kinesis', endpoint: proxy.through(gateway.url), region, ...times }
  const deadLetter = { driver: { name: 'sqs', endpoint: queues.wire.endpoint, region, visibilityTimeoutMs: 6_000, waitTimeMs: 2_000 } }
  return {
    title: `Kinesis, by the emulator kinesis-local ${bed.version}, with leases in Redis ${redis.version}`,
    ordered: true,
    // By two shards each.
    shared: true,
    mostMessages,
    redisUrl: redisProxy.through(redis.url),
    settings: {
      kind: 'stream',
      configuration: { driver: stream, routes: { jobs: { deadLetter, options: { envelope: true, capacity: { shards: 4 } } } } },
      // The account of the simulator is as good as any for the emulator.
      env: queues.env,
    },
    faults: [
      ...proxyFaults(proxy),
      ...gatewayFaults(gateway),
      killed('Redis', redis),
      paused('Redis', redis),
      { name: 'Redis connections reset', lastsMs: [0, 0], strike: async () => redisProxy.reset() },
    ],
    async [Symbol.asyncDispose]() {
      await redisProxy.close()
      await proxy.close()
      await gateway[Symbol.asyncDispose]()
      await queues.dispose()
      await bed[Symbol.asyncDispose]()
    },
  }
}

/** What the service does by itself. */
function gatewayFaults(gateway: KinesisGateway): readonly BackendFault[] {
  return [
    {
      name: 'a record throttled',
      lastsMs: [100, 500],
      async strike(lastsMs) {
        gateway.throttlePartOfNext('jobs', lastsMs)
        await pause(lastsMs)
      },
    },
    { name: 'an answer to a send lost', lastsMs: [0, 0], strike: async () => gateway.loseNextAnswer() },
  ]
}
