import { CreateTopicCommand, DeleteTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateQueueCommand, DeleteQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { SqsServer } from '../servers/sqs-server.ts'
import { settings } from '../subjects/sqs-subject.ts'
import type { Place, WantedPlace } from './adapter.ts'
import { fillQueue } from './fill-queue.ts'

/** The account of the emulator. */
const accountId = '000000000000'

/** Makes a queue for each trial at one server, with a topic before it where what is sent goes to one. */
export class SqsPlaces implements Disposable {
  readonly #topics: SNSClient
  readonly #server: SqsServer
  readonly #client: SQSClient

  constructor(server: SqsServer) {
    this.#server = server
    this.#client = new SQSClient(settings(server))
    this.#topics = new SNSClient(settings(server))
  }

  [Symbol.dispose](): void {
    this.#client.destroy()
    this.#topics.destroy()
  }

  /** With a key it is a FIFO queue. */
  async queue({ name, work }: WantedPlace): Promise<Place> {
    const fifo = work.hotKey !== undefined
    const { QueueUrl: queueUrl = '' } = await this.#client.send(
      new CreateQueueCommand({ QueueName: fifo ? `${name}.fifo` : name, ...(fifo ? { Attributes: { FifoQueue: 'true' } } : {}) }),
    )
    return {
      access: { access: this.#server.access, accountId, place: name, queueUrl },
      fill: (messages) => fillQueue(this.#server.access, queueUrl, messages),
      count: () => this.#count(queueUrl),
      usage: async () => ({ ...(await this.#server.usage()) }),
      [Symbol.asyncDispose]: async () => {
        await this.#client.send(new DeleteQueueCommand({ QueueUrl: queueUrl }))
      },
    }
  }

  /** What is published to it ends up in the queue, which is counted. */
  async topic(wanted: WantedPlace): Promise<Place> {
    const place = await this.queue(wanted)
    const topicArn = await this.#topicBefore(wanted.name, String(place.access['queueUrl']))
    return {
      ...place,
      [Symbol.asyncDispose]: async () => {
        await this.#topics.send(new DeleteTopicCommand({ TopicArn: topicArn }))
        await place[Symbol.asyncDispose]()
      },
    }
  }

  async #topicBefore(name: string, queueUrl: string): Promise<string> {
    const { Attributes = {} } = await this.#client.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }))
    const { TopicArn = '' } = await this.#topics.send(new CreateTopicCommand({ Name: name }))
    const raw = { RawMessageDelivery: 'true' }
    await this.#topics.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: Attributes['QueueArn'], Attributes: raw }))
    return TopicArn
  }

  async #count(queueUrl: string): Promise<number> {
    const { Attributes = {} } = await this.#client.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }))
    return Number(Attributes['ApproximateNumberOfMessages']) + Number(Attributes['ApproximateNumberOfMessagesNotVisible'])
  }
}
