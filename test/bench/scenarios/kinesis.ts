import { valueRow } from '../engine/rows.ts'
import { bodyBytes } from '../bodies.ts'
import { startKinesisServer } from '../servers/kinesis-server.ts'
import { busbar, type Adapter, type Place, type WantedPlace } from './adapter.ts'
import { callRows, figureOf } from './shared-rows.ts'
import { runShared } from './shared-trials.ts'
import { nameOf, type Entry } from './shared.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const raw = '@aws-sdk/client-kinesis'
const peers = ['lifion-kinesis']
const shards = 4
/** As often as Busbar reads by default, which leaves room for a second application. */
const readEveryMs = 400
/** Half of what the service takes: a shard takes 1,000 records a second. */
const halfLoad = 500 * shards

/** Against the plain SDK, on a server in a process of its own that does no more than answer. */
export const kinesis: Suite = async (options) => {
  const { sending, aggregating, others } = entriesOf(options)
  const { rows, samples } = await runShared(adapter, [sending, aggregating, ...others], options)
  const name = nameOf(adapter, aggregating)
  const perRecord = 1_000 / figureOf(samples, name, busbar, 'recordsPerThousand')
  // Without a figure where only other scenarios were asked for.
  const aggregated = Number.isNaN(perRecord) ? [] : [valueRow(name, busbar, perRecord, `messages of ${bodyBytes} bytes per record`)]
  const further = [...callRows(adapter, sending, samples), ...callRows(adapter, aggregating, samples), ...aggregated]
  return { rows: [...rows, ...further], versions: {}, ran: true }
}

const adapter: Adapter = {
  title: 'Kinesis',
  verb: 'send',
  raw,
  clients: { [busbar]: { program: 'busbar-kinesis' }, [raw]: { program: 'raw-kinesis' }, 'lifion-kinesis': { program: 'lifion-kinesis' } },
  work: { inFlight: 2_000, concurrency: 1_000, aggregate: false, shards, readEveryMs: 0 },
  place: placeOf,
}

interface KinesisEntries {
  readonly sending: Entry
  readonly aggregating: Entry
  readonly others: readonly Entry[]
}

function entriesOf({ quick }: SuiteOptions): KinesisEntries {
  const size = quick ? { warmup: 10_000, messages: 20_000 } : { warmup: 20_000, messages: 100_000 }
  // Some pages of ten thousand from each shard.
  const reading = quick ? { warmup: 40_000, messages: 80_000 } : { warmup: 40_000, messages: 160_000 }
  // As much warm-up as compiles what one message at a time takes.
  const single = quick ? { warmup: 1_000, messages: 1_000 } : { warmup: 8_000, messages: 4_000 }
  const waiting = { shape: 'hold', once: true } as const
  return {
    sending: { shape: 'atLoad', size, peers },
    // The client alone has nothing that puts messages together. One shard, so that records get full.
    aggregating: { shape: 'atLoad', suffix: ', aggregated', size, clients: [busbar], targets: [], work: { aggregate: true, shards: 1 } },
    others: [
      { shape: 'oneByOne', size: single, peers },
      { shape: 'consume', size: reading, peers },
      { shape: 'consumeWorking', size: reading },
      // What is handled behind a slow record is not below the checkpoint, and stays in the window.
      { shape: 'consumeSlow', size: { warmup: 3_000, messages: quick ? 5_000 : 10_000 }, targets: [] },
      { shape: 'latency', size: { warmup: 6, messages: quick ? 4 : 6 }, perSecond: halfLoad, work: { readEveryMs } },
      { shape: 'drain', size: { warmup: 5_000, messages: 15_000 } },
      { shape: 'hotStrict', size: single },
      { shape: 'hotPipelined', size },
      { ...waiting, size: { warmup: 0, messages: 10_000 } },
      { ...waiting, size: { warmup: 0, messages: 1_000_000 } },
    ],
  }
}

async function placeOf({ name, work, backlog }: WantedPlace): Promise<Place> {
  const { action } = work
  const shape = { shards: Number((work as unknown as Readonly<Record<string, unknown>>)['shards']), recordBytes: bodyBytes }
  const server = await startKinesisServer({ ...shape, recordsPerShard: backlog / shape.shards, stores: action === 'flow' || action === 'latency' })
  const sends = action === 'send at load' || action === 'send one by one'
  return {
    access: { endpoint: server.endpoint, stateEndpoint: server.stateEndpoint, place: name },
    // It makes what it is asked for.
    fill: () => Promise.resolve(),
    ...(sends ? { count: async () => (await server.usage()).messages } : {}),
    usage: async () => ({ ...(await server.usage()) }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
