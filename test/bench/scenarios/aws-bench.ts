import { CreateTopicCommand, DeleteTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateQueueCommand, DeleteQueueCommand, GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { ProgramName } from '../engine/programs.ts'
import type { Trial } from '../engine/rounds.ts'
import type { Scenario } from '../engine/rows.ts'
import { runJob } from '../engine/run-job.ts'
import type { Sample } from '../engine/sample.ts'
import type { SqsServer } from '../servers/sqs-server.ts'
import { attributesOf, perRequest, requests, settings, sqsBodies, type SqsJob } from '../subjects/sqs-subject.ts'
import type { SuiteOptions } from './suite.ts'

/** The account of the emulator. */
const accountId = '000000000000'

/** What of a job a scenario decides. */
export type AwsJob = Pick<SqsJob, 'action' | 'warmup' | 'messages'> & Partial<Pick<SqsJob, 'slowEvery' | 'cacheMiddleware'>>

/** The SDK's code is compiled for good after some two thousand calls. */
export function sizeOf({ quick }: Pick<SuiteOptions, 'quick'>): Pick<AwsJob, 'warmup' | 'messages'> {
  return quick ? { warmup: 10_000, messages: 5_000 } : { warmup: 20_000, messages: 15_000 }
}

/** Runs jobs on one server, each on a queue of its own, and looks whether they were done. */
export class AwsBench implements Disposable {
  readonly #topics: SNSClient
  readonly #server: SqsServer
  readonly #client: SQSClient
  readonly #options: SuiteOptions

  constructor(server: SqsServer, options: SuiteOptions) {
    this.#server = server
    this.#client = new SQSClient(settings(server))
    this.#topics = new SNSClient(settings(server))
    this.#options = options
  }

  [Symbol.dispose](): void {
    this.#client.destroy()
    this.#topics.destroy()
  }

  /** `toTopic`: what is sent goes to a topic, to which the queue is subscribed. */
  trial(subject: string, program: ProgramName, { name }: Scenario, job: AwsJob, toTopic: boolean = false): Trial {
    return {
      subject,
      label: `${name}: ${subject}`,
      run: async (round) => {
        const queue = `${name}-${subject}-${round}`.replaceAll(/[^A-Za-z0-9]+/g, '-')
        const { QueueUrl: queueUrl = '' } = await this.#client.send(new CreateQueueCommand({ QueueName: queue }))
        const topicArn = toTopic ? await this.#topicBefore(queue, queueUrl) : undefined
        try {
          return { [name]: await this.#run(program, { slowEvery: 0, cacheMiddleware: false, ...job, access: this.#server.access, accountId, queue, queueUrl }) }
        } finally {
          if (topicArn !== undefined) await this.#topics.send(new DeleteTopicCommand({ TopicArn: topicArn }))
          await this.#client.send(new DeleteQueueCommand({ QueueUrl: queueUrl }))
        }
      },
    }
  }

  async #topicBefore(queue: string, queueUrl: string): Promise<string> {
    const { Attributes = {} } = await this.#client.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }))
    const { TopicArn = '' } = await this.#topics.send(new CreateTopicCommand({ Name: queue }))
    const raw = { RawMessageDelivery: 'true' }
    await this.#topics.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: Attributes['QueueArn'], Attributes: raw }))
    return TopicArn
  }

  async #run(program: ProgramName, job: SqsJob): Promise<Sample> {
    const total = job.warmup + job.messages
    if (job.action === 'consume') await this.#fill(job, total)
    const before = await this.#server.usage()
    const sample = await runJob({ program, options: job }, { profileFolder: this.#options.profileFolder })
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
