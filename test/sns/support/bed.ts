import { GetSubscriptionAttributesCommand, ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns'
import { GetQueueAttributesCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient, type Message } from '@aws-sdk/client-sqs'
import { createBroker, type AnyDefinition, type Broker, type BrokerOptions } from '@busbar/core'
import { sns, type SnsOptions } from '@busbar/sns'
import { startAwsWire, type AwsWire } from '../../brokers/aws-wire/index.ts'

/** The account of the simulator and of fauxqs. */
export const accountId = '000000000000'

/** SNS and SQS as our simulator answers, with plain clients to look at what the driver has made. */
export interface SnsBed extends AsyncDisposable {
  readonly wire: AwsWire
  readonly sns: SNSClient
  readonly sqs: SQSClient
  readonly options: SnsOptions
  topicArn(name: string): string
  queueArn(name: string): string
  broker(destinations: readonly AnyDefinition[], options?: Partial<BrokerOptions>, driver?: SnsOptions): Broker
  queueAttributes(name: string): Promise<Readonly<Record<string, string>>>
  /** Of the subscription of a queue; `undefined` if there is none. */
  subscription(topic: string, queue: string): Promise<Readonly<Record<string, string>> | undefined>
  /** Receives what is in a queue now. */
  messages(queue: string): Promise<readonly Message[]>
}

export async function startSnsBed(): Promise<SnsBed> {
  const wire = await startAwsWire()
  const { endpoint, region, credentials } = wire
  const clientOptions = { endpoint, region, credentials, maxAttempts: 1 }
  const snsClient = new SNSClient(clientOptions)
  const sqsClient = new SQSClient(clientOptions)
  const options: SnsOptions = { endpoint, region, credentials, accountId, waitTimeMs: 1_000, retryMaxMs: 200 }
  const urlOf = async (name: string): Promise<string | undefined> => (await sqsClient.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl
  const arn = (service: string, name: string): string => `arn:aws:${service}:${region}:${accountId}:${name}`
  return {
    wire,
    sns: snsClient,
    sqs: sqsClient,
    options,
    topicArn: (name) => arn('sns', name),
    queueArn: (name) => arn('sqs', name),
    broker: (destinations, more = {}, driver = {}) =>
      createBroker({ driver: sns({ ...options, ...driver }), destinations, provision: 'create', log: () => undefined, ...more }),
    queueAttributes: async (name) => {
      const answer = await sqsClient.send(new GetQueueAttributesCommand({ QueueUrl: await urlOf(name), AttributeNames: ['All'] }))
      return answer.Attributes ?? {}
    },
    subscription: async (topic, queue) => {
      const { Subscriptions = [] } = await snsClient.send(new ListSubscriptionsByTopicCommand({ TopicArn: arn('sns', topic) }))
      const found = Subscriptions.find(({ Endpoint }) => Endpoint === arn('sqs', queue))
      if (found === undefined) return undefined
      return (await snsClient.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: found.SubscriptionArn }))).Attributes
    },
    messages: async (queue) => {
      const input = { QueueUrl: await urlOf(queue), MaxNumberOfMessages: 10, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All' as const] }
      return (await sqsClient.send(new ReceiveMessageCommand(input))).Messages ?? []
    },
    [Symbol.asyncDispose]: async () => {
      snsClient.destroy()
      sqsClient.destroy()
      await wire[Symbol.asyncDispose]()
    },
  }
}
