import {
  CreateTopicCommand,
  PublishCommand,
  SNSClient,
  SubscribeCommand,
  type MessageAttributeValue,
  type PublishCommandInput,
  type PublishCommandOutput,
} from '@aws-sdk/client-sns'
import type { AwsWireOptions } from '../index.ts'
import { startBed, type Bed } from './bed.ts'

/** A bed with topics. */
export interface TopicBed extends Bed {
  readonly sns: SNSClient
  /** Makes a topic; FIFO if its name says so. Gives its ARN. */
  topic(name: string, attributes?: Record<string, string>): Promise<string>
  /** Makes a queue that any topic may send to. */
  openQueue(name: string, attributes?: Record<string, string>): Promise<{ readonly url: string; readonly arn: string }>
  subscribe(topicArn: string, queueArn: string, attributes?: Record<string, string>): Promise<string>
  publish(topicArn: string, message: string, more?: Partial<PublishCommandInput>): Promise<PublishCommandOutput>
}

/** Lets SNS send to every queue. */
export const openPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }],
})

export async function startTopicBed(options: AwsWireOptions = {}): Promise<TopicBed> {
  const bed = await startBed(options)
  const { endpoint, region, credentials } = bed.wire
  const sns = new SNSClient({ endpoint, region, credentials, maxAttempts: 1 })
  return {
    ...bed,
    sns,
    topic: async (name, attributes = {}) => {
      const fifo = name.endsWith('.fifo') ? { FifoTopic: 'true' } : {}
      return (await sns.send(new CreateTopicCommand({ Name: name, Attributes: { ...fifo, ...attributes } }))).TopicArn ?? ''
    },
    openQueue: async (name, attributes = {}) => {
      const url = await bed.queue(name, { Policy: openPolicy, ...attributes })
      return { url, arn: (await bed.attribute(url, 'QueueArn')) ?? '' }
    },
    subscribe: async (TopicArn, Endpoint, Attributes = {}) =>
      (await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes, ReturnSubscriptionArn: true }))).SubscriptionArn ?? '',
    publish: (TopicArn, Message, more = {}) => sns.send(new PublishCommand({ TopicArn, Message, ...more })),
    [Symbol.asyncDispose]: async () => {
      sns.destroy()
      await bed[Symbol.asyncDispose]()
    },
  }
}

export function text(value: string, label = 'String'): MessageAttributeValue {
  return { DataType: label, StringValue: value }
}
