import { startSqsServer } from '../servers/sqs-server.ts'
import { busbar, type Adapter } from './adapter.ts'
import { callRows } from './shared-rows.ts'
import { runShared } from './shared-trials.ts'
import type { Entry } from './shared.ts'
import { SqsPlaces } from './sqs-places.ts'
import type { Suite } from './suite.ts'

const raw = '@aws-sdk/client-sns'
/** The same with a switch of the SDK that Busbar uses, too. */
const cached = `${raw}, cacheMiddleware`

/** Against the plain SDK, on an emulator in a process of its own, to a topic with one queue. Receiving is that of SQS. */
export const sns: Suite = async (options) => {
  await using server = await startSqsServer()
  using places = new SqsPlaces(server)
  const { quick } = options
  const publishing: Entry = { shape: 'atLoad', size: quick ? { warmup: 10_000, messages: 5_000 } : { warmup: 20_000, messages: 10_000 }, reported: [cached] }
  const single: Entry = { shape: 'oneByOne', size: quick ? { warmup: 1_000, messages: 1_000 } : { warmup: 2_000, messages: 3_000 } }
  const adapter = adapterOf(places)
  const { rows, samples } = await runShared(adapter, [single, publishing], options)
  return { rows: [...rows, ...callRows(adapter, publishing, samples)], versions: { fauxqs: server.version }, ran: true }
}

function adapterOf(places: SqsPlaces): Adapter {
  return {
    title: 'SNS',
    verb: 'publish',
    raw,
    clients: {
      [busbar]: { program: 'busbar-sns' },
      [raw]: { program: 'raw-sns' },
      [cached]: { program: 'raw-sns', work: { cacheMiddleware: true } },
    },
    work: { inFlight: 160, concurrency: 200, cacheMiddleware: false },
    place: (wanted) => places.topic(wanted),
  }
}
