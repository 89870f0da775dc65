import type { ProgramName } from '../engine/programs.ts'
import { runRounds, type Trial } from '../engine/rounds.ts'
import { rowsOf, valueRow, type Scenario } from '../engine/rows.ts'
import { runJob } from '../engine/run-job.ts'
import type { Samples } from '../engine/sample.ts'
import { nearRaw } from '../engine/targets.ts'
import { bodyBytes } from '../bodies.ts'
import { median } from '../report/stats.ts'
import { startKinesisServer } from '../servers/kinesis-server.ts'
import type { KinesisJob } from '../subjects/kinesis-subject.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const raw = '@aws-sdk/client-kinesis'
const busbar = 'busbar'
const programs: Readonly<Record<string, ProgramName>> = { [busbar]: 'busbar-kinesis', [raw]: 'raw-kinesis' }
const shards = 4

const sending: Scenario = { name: 'Kinesis, send', raw, subjects: [{ name: busbar, targets: [nearRaw] }, { name: raw }] }
const consuming: Scenario = { name: 'Kinesis, consume', raw, subjects: [{ name: busbar, targets: [nearRaw] }, { name: raw }] }
/** The client alone has nothing that puts messages together. */
const aggregating: Scenario = { name: 'Kinesis, send, aggregated', subjects: [{ name: busbar }] }

/** Against the plain SDK, on a server in a process of its own that does no more than answer. */
export const kinesis: Suite = async (options) => {
  const size = options.quick ? { warmup: 10_000, messages: 20_000 } : { warmup: 20_000, messages: 100_000 }
  const job = { action: 'send', aggregate: false, shards, ...size } as const
  const trials: readonly Trial[] = [
    ...sending.subjects.map(({ name }) => trial(options, name, sending, job)),
    ...consuming.subjects.map(({ name }) => trial(options, name, consuming, { ...job, action: 'consume' })),
    trial(options, busbar, aggregating, { ...job, aggregate: true, shards: 1 }),
  ]
  const samples = await runRounds(trials, options.rounds, options.onProgress)
  const rows = [
    ...[sending, consuming, aggregating].flatMap((each) => rowsOf(each, samples)),
    valueRow('Kinesis, send, calls', busbar, figureOf(samples, sending, 'callsPerThousand'), 'calls per 1,000 messages'),
    valueRow('Kinesis, send, calls', raw, figureOf(samples, sending, 'callsPerThousand', raw), 'calls per 1,000 messages'),
    valueRow('Kinesis, aggregated', busbar, figureOf(samples, aggregating, 'messagesPerRecord'), `messages of ${bodyBytes} bytes per record`),
    valueRow('Kinesis, aggregated', busbar, figureOf(samples, aggregating, 'callsPerThousand'), 'calls per 1,000 messages'),
  ]
  return { rows, versions: {}, ran: true }
}

function trial({ profileFolder }: SuiteOptions, subject: string, { name }: Scenario, job: Omit<KinesisJob, 'endpoint'>): Trial {
  return {
    subject,
    label: `${name}: ${subject}`,
    run: async () => {
      const total = job.warmup + job.messages
      await using server = await startKinesisServer({
        shards: job.shards,
        recordsPerShard: job.action === 'consume' ? total / job.shards : 0,
        recordBytes: bodyBytes,
      })
      const sample = await runJob({ program: programs[subject] as ProgramName, options: { ...job, endpoint: server.endpoint } }, { profileFolder })
      const { messages, records, calls } = await server.usage()
      if (job.action === 'send' && messages !== total) throw new Error(`${name}, ${subject}: ${messages} messages instead of ${total}`)
      return { [name]: { ...sample, numbers: { callsPerThousand: (calls * 1_000) / total, messagesPerRecord: messages / records } } }
    },
  }
}

function figureOf(samples: Samples, { name }: Scenario, figure: string, subject: string = busbar): number {
  return median(samples.of(name, subject).map(({ numbers }) => numbers?.[figure] ?? NaN))
}
