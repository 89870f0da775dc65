import type { SNSClient } from '@aws-sdk/client-sns'
import { within, type Clock } from '@busbar/core/driver'
import type { QueueName } from '@busbar/sqs/shared'
import { configuration, errors, snsError } from './errors.ts'
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
  readonly #clock: Clock
  readonly #timeoutMs: number
  /** Once it is known, nothing that is sent waits for credentials to tell it again. */
  #accountId: string | undefined

  /** `accountId`: as the options say. `timeoutMs`: for credentials, which tell it otherwise. */
  constructor(client: SNSClient, accountId: string | undefined, clock: Clock, timeoutMs: number) {
    this.#client = client
    this.#accountId = accountId
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Throws `ERR_CONFIGURATION` if nothing tells the account, and `ERR_UNAVAILABLE` where credentials do not come in time. */
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
    return (this.#accountId ??= await this.#accountOfCredentials())
  }

  async #accountOfCredentials(): Promise<string | undefined> {
    const doing = 'Looking for the account'
    const late = (): Error => snsError('ERR_UNAVAILABLE', `${doing}: no credentials within ${this.#timeoutMs} ms`)
    try {
      const asked = this.#clock.external(this.#client.config.credentials())
      return (await within(asked, this.#timeoutMs, this.#clock, late)).accountId
    } catch (error) {
      throw errors.toBrokerError(error, doing)
    }
  }
}

function arnOf(service: string, region: string, account: string, name: string): string {
  const [, partition = 'aws'] = partitions.find(([start]) => region.startsWith(start)) ?? []
  return `arn:${partition}:${service}:${region}:${account}:${name}`
}

function unknownAccount(topic: string): never {
  throw configuration(`sns: the account of ${topic} is not known; set the option 'accountId' or AWS_ACCOUNT_ID, or name the topic by its ARN in its route`)
}
