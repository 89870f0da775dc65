import { setTimeout as pause } from 'node:timers/promises'
import { systemClock, type BrokerConfiguration } from '@busbar/core'
import type { DriverFactory } from '@busbar/core/driver'
import { kinesisWith } from '@busbar/kinesis'
import { memory, memoryStore } from '@busbar/memory'
import { startKinesis } from '../../brokers/index.ts'
import { startKinesisGateway, type KinesisGateway } from '../../kinesis/support/kinesis-gateway.ts'
import { leasesCutOff } from '../../kinesis/support/leases-cut-off.ts'
import type { Backend, BackendOptions, Fault } from '../broker.ts'

/** Leases and pauses are short: what a consumer held that is taken for dead comes again soon. */
const times = { leaseMs: 3_000, checkpointMs: 500, lookMs: 300, timeoutMs: 5_000, readShare: 1, readIdleMs: 200 }

/** Kinesis, by an emulator: the fixes of a hundred trucks over five shards, and arrivals. What needs replies, or dead letters that can be looked at, is in memory. */
export async function kinesisBackend({ faults }: BackendOptions): Promise<Backend> {
  const bed = await startKinesis()
  const gateway = await startKinesisGateway(bed.url)
  const { accessKeyId, secretAccessKey } = bed.account()
  // For the SDK's chain of providers, as for every program: configuration holds no secrets.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })
  const { store, cut } = leasesCutOff(memoryStore({ clock: systemClock }))
  const driver = memory()
  // Two brokers of this program connect to it, and a URL by itself would make one each.
  const shared: DriverFactory = Object.assign(() => driver, { schemes: memory.schemes, fromUrl: () => driver, fromConfiguration: () => driver })
  return {
    title: `Kinesis, by the emulator kinesis-local ${bed.version}; orders, questions and dead letters in memory`,
    configuration: (destinations) => configurationFor(gateway.url, destinations),
    drivers: [kinesisWith({ store }), shared],
    faults: faults ? faultsOf(gateway, cut) : [],
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await bed[Symbol.asyncDispose]()
    },
  }
}

function configurationFor(endpoint: string, destinations: readonly string[]): BrokerConfiguration {
  const driver = { name: 'kinesis', endpoint, region: 'us-east-1', ...times }
  const stream = (shards: number): NonNullable<BrokerConfiguration['routes']>[string] => ({
    driver,
    options: { envelope: true, capacity: { shards } },
    deadLetter: { driver: 'memory:' },
    emulate: ['filter'],
  })
  const streams = { positions: stream(5), arrivals: stream(2) }
  return { driver: 'memory:', routes: Object.fromEntries(Object.entries(streams).filter(([name]) => destinations.includes(name))) }
}

function faultsOf(gateway: KinesisGateway, cutLeases: () => void): readonly Fault[] {
  const cut: Fault = {
    text: 'all connections cut, an answer lost, a record throttled',
    async strike() {
      gateway.throttlePartOfNext('positions', 300)
      gateway.loseNextAnswer()
      gateway.cut()
    },
  }
  const taken: Fault = { text: 'all shards taken from their consumers', strike: async () => cutLeases() }
  const outage: Fault = {
    text: 'no connections for half a second',
    async strike() {
      gateway.refuse(true)
      await pause(500)
      gateway.refuse(false)
    },
  }
  return [cut, taken, outage, cut, taken]
}
