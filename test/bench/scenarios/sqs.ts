import { valueRow, type Row } from '../engine/rows.ts'
import type { Samples } from '../engine/sample.ts'
import { startSqsServer } from '../servers/sqs-server.ts'
import { busbar, type Adapter } from './adapter.ts'
import { callRows, figureOf } from './shared-rows.ts'
import { runShared } from './shared-trials.ts'
import { nameOf, type Entry } from './shared.ts'
import { SqsPlaces } from './sqs-places.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const raw = '@aws-sdk/client-sqs'
/** The same with a switch of the SDK that Busbar uses, too. */
const cached = `${raw}, cacheMiddleware`
const toolkit = '@message-queue-toolkit/sqs'
const consumers = ['squiss-ts', 'sqs-consumer', toolkit]
const producers = ['sqs-producer']
/** As from a machine in the service's region. */
const awayMs = 10
const mostCalls = 306

/** Against the plain SDK and its peers, on an emulator in a process of its own. */
export const sqs: Suite = async (options) => {
  await using near = await startSqsServer()
  await using far = await startSqsServer(awayMs)
  using nearPlaces = new SqsPlaces(near)
  using farPlaces = new SqsPlaces(far)
  const { sending, working, away, others } = entriesOf(options)
  const adapter = adapterOf(nearPlaces)
  const atHand = await runShared(adapter, [sending, working, ...others], options)
  const fromAway = await runShared(adapterOf(farPlaces), [away], options)
  const calls = [...callRows(adapter, sending, atHand.samples), ...callRows(adapter, working, atHand.samples)]
  const rows = [...atHand.rows, ...fromAway.rows, ...calls, ...wholeRows(adapter, [sending, working], atHand.samples)]
  return { rows, versions: { fauxqs: near.version }, ran: true }
}

function adapterOf(places: SqsPlaces): Adapter {
  return {
    title: 'SQS',
    verb: 'send',
    raw,
    clients: {
      [busbar]: { program: 'busbar-sqs' },
      [raw]: { program: 'raw-sqs' },
      [cached]: { program: 'raw-sqs', work: { cacheMiddleware: true } },
      'squiss-ts': { program: 'squiss-ts' },
      'sqs-consumer': { program: 'sqs-consumer' },
      'sqs-producer': { program: 'sqs-producer' },
      [toolkit]: { program: 'message-queue-toolkit' },
    },
    work: { inFlight: 160, concurrency: 200, cacheMiddleware: false },
    place: (wanted) => places.queue(wanted),
  }
}

interface SqsEntries {
  readonly sending: Entry
  readonly working: Entry
  readonly away: Entry
  readonly others: readonly Entry[]
}

function entriesOf({ quick }: SuiteOptions): SqsEntries {
  // The SDK's code is compiled for good after some two thousand calls; ten messages cost one call to be sent, and two to be consumed.
  const sent = quick ? { warmup: 10_000, messages: 5_000 } : { warmup: 20_000, messages: 10_000 }
  const size = quick ? { warmup: 8_000, messages: 4_000 } : { warmup: 12_000, messages: 10_000 }
  // It deletes one by one, which is slower, and makes more calls.
  const sizes = { [toolkit]: { warmup: 3_000, messages: 3_000 } }
  const single = quick ? { warmup: 1_000, messages: 1_000 } : { warmup: 2_000, messages: 3_000 }
  const waiting = { shape: 'hold', once: true } as const
  return {
    sending: { shape: 'atLoad', size: sent, peers: producers, reported: [cached] },
    working: { shape: 'consumeWorking', size, sizes, peers: consumers, reported: [cached] },
    away: { shape: 'consumeWorking', suffix: `, ${awayMs} ms away`, size, sizes, peers: consumers },
    others: [
      { shape: 'oneByOne', size: single, peers: producers },
      { shape: 'consume', size, sizes, peers: consumers },
      { shape: 'consumeSlow', size, sizes, peers: consumers },
      { shape: 'latency', size: { warmup: 1.5, messages: quick ? 2 : 4 } },
      { shape: 'drain', size: { warmup: 3_000, messages: 3_000 } },
      { shape: 'hotStrict', size: single },
      { shape: 'hotPipelined', size: sent },
      { ...waiting, size: { warmup: 0, messages: 10_000 } },
      // The emulator keeps all of them in its memory.
      { ...waiting, size: { warmup: 0, messages: quick ? 30_000 : 100_000 } },
    ],
  }
}

/** All calls of the two processes, those that find an end included, and those before the first message. */
function wholeRows(adapter: Adapter, entries: readonly Entry[], samples: Samples): Row[] {
  if (entries.some((entry) => samples.of(nameOf(adapter, entry), busbar).length === 0)) return []
  const calls = entries.map((entry) => figureOf(samples, nameOf(adapter, entry), busbar, 'callsPerThousand'))
  const whole = calls.reduce((all, each) => all + each, 0)
  return [valueRow('SQS, calls, send, receive and delete', busbar, whole, 'calls per 1,000 messages', { text: `≤ ${mostCalls}`, met: whole <= mostCalls })]
}
