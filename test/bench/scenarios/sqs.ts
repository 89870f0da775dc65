import type { ProgramName } from '../engine/programs.ts'
import { runRounds, type Trial } from '../engine/rounds.ts'
import { rowsOf, valueRow, type Row, type Scenario } from '../engine/rows.ts'
import type { Samples } from '../engine/sample.ts'
import { aheadOf, nearRaw } from '../engine/targets.ts'
import { median } from '../report/stats.ts'
import { startSqsServer } from '../servers/sqs-server.ts'
import { AwsBench, sizeOf, type AwsJob } from './aws-bench.ts'
import type { Suite } from './suite.ts'

const raw = '@aws-sdk/client-sqs'
/** The same with a switch of the SDK that Busbar uses, too. */
const cached = `${raw}, cacheMiddleware`
const busbar = 'busbar'
const consumers = ['squiss-ts', 'sqs-consumer', '@message-queue-toolkit/sqs']
const producers = ['sqs-producer']
const programs: Readonly<Record<string, ProgramName>> = {
  [busbar]: 'busbar-sqs',
  [raw]: 'raw-sqs',
  [cached]: 'raw-sqs',
  'squiss-ts': 'squiss-ts',
  'sqs-consumer': 'sqs-consumer',
  'sqs-producer': 'sqs-producer',
  '@message-queue-toolkit/sqs': 'message-queue-toolkit',
}

const scenario = (name: string, peers: readonly string[]): Scenario => ({
  name,
  raw,
  subjects: [{ name: busbar, targets: [nearRaw, aheadOf(peers)] }, { name: raw }, { name: cached }, ...peers.map((peer) => ({ name: peer }))],
})
const sending = scenario('SQS, send', producers)
const consuming = scenario('SQS, consume, 5 ms', consumers)
const slowInBetween = scenario('SQS, consume, 5 ms, one in a hundred 500 ms', consumers)

/** As from a machine in the service's region. */
const awayMs = 10
const fromAway = scenario(`SQS, consume, 5 ms, ${awayMs} ms away`, consumers)

const calls = { name: 'SQS, calls', most: 306 }
const callsPerThousand = 'calls per 1,000 messages'

/** Against the plain SDK and its peers, on an emulator in a process of its own. */
export const sqs: Suite = async (options) => {
  await using near = await startSqsServer()
  await using far = await startSqsServer(awayMs)
  const size = sizeOf(options)
  using atHand = new AwsBench(near, options)
  using away = new AwsBench(far, options)
  const all = (bench: AwsBench, each: Scenario, job: Pick<AwsJob, 'action' | 'slowEvery'>): Trial[] =>
    each.subjects.map(({ name }) => bench.trial(name, programs[name] as ProgramName, each, { ...size, ...job, cacheMiddleware: name === cached }))
  const trials = [
    ...all(atHand, sending, { action: 'send' }),
    ...all(atHand, consuming, { action: 'consume' }),
    ...all(away, fromAway, { action: 'consume' }),
    ...all(atHand, slowInBetween, { action: 'consume', slowEvery: 100 }),
  ]
  const samples = await runRounds(trials, options.rounds, options.onProgress)
  const rows = [...[sending, consuming, fromAway, slowInBetween].flatMap((each) => rowsOf(each, samples)), ...callRows(samples)]
  return { rows, versions: { fauxqs: near.version }, ran: true }
}

/** All calls of a process, those that find an end included, and those before the first message. */
function callRows(samples: Samples): Row[] {
  const callsOf = ({ name }: Scenario, subject: string): number => median(samples.of(name, subject).map(({ numbers }) => numbers?.['callsPerThousand'] ?? NaN))
  const rows = [sending, consuming].flatMap((each) =>
    each.subjects.map(({ name }) => valueRow(`${each.name}, calls`, name, callsOf(each, name), callsPerThousand)),
  )
  const whole = callsOf(sending, busbar) + callsOf(consuming, busbar)
  const target = { text: `≤ ${calls.most}`, met: whole <= calls.most }
  return [...rows, valueRow(`${calls.name}, send, receive and delete`, busbar, whole, callsPerThousand, target)]
}
