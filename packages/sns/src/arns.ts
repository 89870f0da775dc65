import type { SNSClient } from '@aws-sdk/client-sns'
import type { QueueName } from '@busbar/sqs/shared'
import { configuration } from './errors.ts'
import { addressOf, type TopicName } from './names.ts'

/** Beginnings of the names of regions outside the partition `aws`. */
const partitions: readonly (readonly [region: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['us-iso-', 'aws-iso'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
]

/** ARNs of topics and queues, made of names: SNS finds nothing by its name alone. */
export class Arns {
  readonly #client: SNSClient
  readonly #accountId: string | undefined

  /** `accountId`: as the options say. */
  constructor(client: SNSClient, accountId: string | undefined) {
    this.#client = client
    this.#accountId = accountId
  }

  /** Throws `ERR_CONFIGURATION` if nothing tells the account. */
  async topic(topic: TopicName): Promise<string> {
    if (topic.arn !== undefined) return topic.arn
    const region = await this.#client.config.region()
    return arnOf('sns', region, (await this.#account()) ?? unknownAccount(addressOf(topic)), topic.name)
  }

  /** Of a queue that is subscribed to a topic. Where nothing tells the account, it is the topic's. */
  async queue(queue: QueueName, topicArn: string): Promise<string> {
    const account = queue.account ?? (await this.#account()) ?? topicArn.split(':')[4] ?? ''
    return arnOf('sqs', queue.region ?? (await this.#client.config.region()), account, queue.name)
  }

  async #account(): Promise<string | undefined> {
    return this.#accountId ?? (await this.#client.config.credentials()).accountId
  }
}

function arnOf(service: string, region: string, account: string, name: string): string {
  const [, partition = 'aws'] = partitions.find(([start]) => region.startsWith(start)) ?? []
  return `arn:${partition}:${service}:${region}:${account}:${name}`
}

function unknownAccount(topic: string): never {
  throw configuration(`sns: the account of ${topic} is not known; set the option 'accountId' or AWS_ACCOUNT_ID, or name the topic by its ARN in its route`)
}
