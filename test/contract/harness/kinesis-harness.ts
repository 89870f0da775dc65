import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import type { ForeignMessage, Harness, Kind } from '@busbar/contract-tests'
import { systemClock } from '@busbar/core'
import type { LeaseStore } from '@busbar/core/driver'
import { kinesis } from '@busbar/kinesis'
import { memoryStore } from '@busbar/memory'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { KinesisBed } from '../../brokers/kinesis/kinesis-local.ts'
import { startKinesisGateway, type KinesisGateway } from '../../kinesis/support/kinesis-gateway.ts'
import { leasesCutOff } from '../../kinesis/support/leases-cut-off.ts'
import { reshard } from '../../kinesis/support/reshard.ts'
import { needsProxy } from './proxied-case.ts'

const region = 'us-east-1'
let names = 0

type Credentials = ReturnType<KinesisBed['account']>

/** `kinesis-local`, in real time, read by polling or by enhanced fan-out. Every case has an account, a lease store and a gateway of its own. */
export function kinesisHarness(bed: KinesisBed, fanOut: boolean): Harness {
  return {
    ...surroundings(bed, fanOut, bed.account(), bed.url, memoryStore({ clock: systemClock })),
    forCase: async () => {
      const gateway = await startKinesisGateway(bed.url)
      const { store, cut } = leasesCutOff(memoryStore({ clock: systemClock }))
      const own = surroundings(bed, fanOut, bed.account(), gateway.url, store)
      return { ...own, faults: { ...own.faults, ...faultsOf(gateway, cut) }, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
    },
  }
}

function surroundings(bed: KinesisBed, fanOut: boolean, credentials: Credentials, endpoint: string, store: LeaseStore): Harness {
  const leases = { leaseMs: 4_000, checkpointMs: 500, lookMs: 300, handOverMs: 5_000 }
  const reading = { readShare: 1, readIdleMs: 300 }
  return {
    label: { driver: 'kinesis', version: `kinesis-local ${bed.version}`, kind: 'emulator' },
    clock: systemClock,
    random: Math.random,
    // An event a second is what the emulator sends of a shard.
    bounds: { arrivalMs: 12_000, quietMs: fanOut ? 1_500 : 700, reconnectMs: 15_000, longestWaitMs: 8_000, largestBytes: 4_194_304, caseMs: 90_000 },
    createDriver: () => kinesis({ endpoint, region, credentials, timeoutMs: 8_000, store, ...leases, ...reading }),
    uniqueName: (prefix) => `${prefix}-${++names}`,
    routeOptions: () => ({ envelope: true, capacity: { shards: 2 }, fanOut }),
    faults: {
      ...needsProxy,
      sendForeign: (name, _kind: Kind, message) => sendForeign(bed.url, credentials, name, message),
      failPartOfNextSend: () => needsProxy.cutConnections(),
      reshard: (name) => within(endpoint, credentials, (client) => reshard(client, name)),
    },
  }
}

function faultsOf(
  gateway: KinesisGateway,
  cutLeases: () => void,
): Required<Pick<NonNullable<Harness['faults']>, keyof typeof needsProxy | 'failPartOfNextSend'>> {
  return {
    // Connections to Kinesis carry no leases: what is lost with a network is what could not be renewed.
    cutConnections: async () => {
      gateway.cut()
      cutLeases()
    },
    loseNextAnswer: async () => gateway.loseNextAnswer(),
    outage: async () => {
      gateway.refuse(true)
      return { end: async () => gateway.refuse(false) }
    },
    // The driver tries for five seconds.
    failPartOfNextSend: async (name) => gateway.throttlePartOfNext(name, 6_000),
  }
}

async function sendForeign(endpoint: string, credentials: Credentials, StreamName: string, { body, headers }: ForeignMessage): Promise<void> {
  const text = Buffer.from(body)
  const record = { StreamName, PartitionKey: 'foreign', Data: headers === undefined ? text : enveloped(headers, text) }
  await within(endpoint, credentials, async (client) => void (await client.send(new PutRecordCommand(record))))
}

/** With a plain client, for as long as that takes. */
async function within(endpoint: string, credentials: Credentials, act: (client: KinesisClient) => Promise<void>): Promise<void> {
  const client = new KinesisClient({ endpoint, region, credentials, requestHandler: new NodeHttpHandler() })
  try {
    await act(client)
  } finally {
    client.destroy()
  }
}

/** Kinesis has no headers: who wants to send some writes the envelope of the page on the wire format. */
function enveloped(headers: Readonly<Record<string, string>>, body: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(headers))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([Buffer.of(0xff, 0x42, 0x55, 0x53, 1), length, text, body])
}
