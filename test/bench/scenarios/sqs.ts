import { GetQueueAttributesCommand, CreateQueueCommand, DeleteQueueCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'
import { median } from '../report/stats.ts'
import type { ProgramName } from '../engine/programs.ts'
import { runRounds, type Trial } from '../engine/rounds.ts'
import { rowsOf, valueRow, type Row, type Scenario } from '../engine/rows.ts'
import { runJob } from '../engine/run-job.ts'
import type { Sample, Samples } from '../engine/sample.ts'
import { aheadOf, nearRaw } from '../engine/targets.ts'
import { startSqsServer, type SqsServer } from '../servers/sqs-server.ts'
import { attributesOf, perRequest, requests, settings, sqsBodies, type SqsJob } from '../subjects/sqs-subject.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const raw = '@aws-sdk/client-sqs'
const busbar = 'busbar'
const consumers = ['squiss-ts', 'sqs-consumer', '@message-queue-toolkit/sqs']
const producers = ['sqs-producer']
const programs: Readonly<Record<string, ProgramName>> = {
  [busbar]: 'busbar-sqs',
  [raw]: 'raw-sqs',
  'squiss-ts': 'squiss-ts',
  'sqs-consumer': 'sqs-consumer',
  'sqs-producer': 'sqs-producer',
  '@message-queue-toolkit/sqs': 'message-queue-toolkit',
}

const scenario = (name: string, peers: readonly string[]): Scenario => ({
  name,
  raw,
  subjects: [{ name: busbar, targets: [nearRaw, aheadOf(peers)] }, { name: raw }, ...peers.map((peer) => ({ name: peer }))],
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
  const size = options.quick ? { warmup: 2_000, messages: 4_000 } : { warmup: 4_000, messages: 12_000 }
  const [atHand, away] = [new SqsBench(near, options), new SqsBench(far, options)]
  const trials = [
    ...[busbar, raw, ...producers].map((subject) => atHand.trial(subject, sending, { ...size, action: 'send' })),
    ...[busbar, raw, ...consumers].flatMap((subject) => [
      atHand.trial(subject, consuming, { ...size, action: 'consume' }),
      atHand.trial(subject, slowInBetween, { ...size, action: 'consume', slowEvery: 100 }),
      away.trial(subject, fromAway, { ...size, action: 'consume' }),
    ]),
  ]
  const samples = await runRounds(trials, options.rounds, options.onProgress)
  const rows = [...[sending, consuming, fromAway, slowInBetween].flatMap((each) => rowsOf(each, samples)), ...callRows(samples)]
  return { rows, versions: { fauxqs: near.version }, ran: true }
}

class SqsBench {
  readonly #server: SqsServer
  readonly #client: SQSClient
  readonly #options: SuiteOptions

  constructor(server: SqsServer, options: SuiteOptions) {
    this.#server = server
    this.#client = new SQSClient(settings(server))
    this.#options = options
  }

  trial(subject: string, { name }: Scenario, job: Pick<SqsJob, 'action' | 'warmup' | 'messages'> & Partial<SqsJob>): Trial {
    return {
      subject,
      label: `${name}: ${subject}`,
      run: async (round) => {
        const queue = `${name}-${subject}-${round}`.replaceAll(/[^A-Za-z0-9]+/g, '-')
        const { QueueUrl: queueUrl = '' } = await this.#client.send(new CreateQueueCommand({ QueueName: queue }))
        try {
          return { [name]: await this.#run(subject, { slowEvery: 0, ...job, access: this.#server.access, queue, queueUrl }) }
        } finally {
          await this.#client.send(new DeleteQueueCommand({ QueueUrl: queueUrl }))
        }
      },
    }
  }

  async #run(subject: string, job: SqsJob): Promise<Sample> {
    const total = job.warmup + job.messages
    if (job.action === 'consume') await this.#fill(job, total)
    const before = await this.#server.usage()
    const sample = await runJob({ program: programs[subject] as ProgramName, options: job }, { profileFolder: this.#options.profileFolder })
    const after = await this.#server.usage()
    // A client that loses messages would be the fastest.
    await this.#expectMessages(job, job.action === 'send' ? total : 0)
    const perMessage = (figure: 'calls' | 'cpuMicros'): number => (after[figure] - before[figure]) / total
    return { ...sample, numbers: { callsPerThousand: perMessage('calls') * 1_000, serverMicros: perMessage('cpuMicros') } }
  }

  /** What a consumer finds has been sent by Busbar, as far as anybody can tell. */
  async #fill({ queueUrl }: SqsJob, total: number): Promise<void> {
    const all = sqsBodies()
    let begun = 0
    const send = async (): Promise<void> => {
      while (begun < total) {
        const from = begun
        begun += perRequest
        const Entries = Array.from({ length: perRequest }, (_, index) => ({
          Id: String(index),
          MessageBody: all[(from + index) % all.length] as string,
          MessageAttributes: attributesOf(from + index),
        }))
        await this.#client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }))
      }
    }
    await Promise.all(Array.from({ length: requests }, send))
  }

  async #expectMessages({ queue, queueUrl }: SqsJob, expected: number): Promise<void> {
    const { Attributes = {} } = await this.#client.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }))
    const count = Number(Attributes['ApproximateNumberOfMessages']) + Number(Attributes['ApproximateNumberOfMessagesNotVisible'])
    if (count !== expected) throw new Error(`${queue}: ${count} messages instead of ${expected}`)
  }
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
