import {
  CreateTopicCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  PublishBatchCommand,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  SubscribeCommand,
  type PublishBatchCommandInput,
  type PublishBatchCommandOutput,
  type SNSClient,
} from '@aws-sdk/client-sns'
import type { LinkHealth, Services } from '@busbar/core/driver'
import { Calls, type CallContext, type ShortPath } from '@busbar/sqs/shared'
import { errors } from './errors.ts'
import type { ResolvedOptions } from './options.ts'

export type Attributes = Readonly<Record<string, string>>

/** The calls to SNS. */
export class Api {
  readonly #client: SNSClient
  readonly #calls: Calls
  /** Of a client that is ours. */
  readonly #shortPath: ShortPath | undefined

  /** `isOwn`: the client ends a request by itself when no answer comes. */
  constructor(client: SNSClient, isOwn: boolean, services: Services, { timeoutMs, allowPlaintext }: Pick<ResolvedOptions, 'timeoutMs' | 'allowPlaintext'>) {
    this.#client = client
    this.#calls = new Calls(services, timeoutMs, errors)
    if (isOwn) this.#shortPath = this.#calls.shortPath(client, { allowPlaintext })
  }

  /** What the latest call found. */
  get health(): LinkHealth {
    return this.#calls.health
  }

  publish(input: PublishBatchCommandInput, doing: string): Promise<PublishBatchCommandOutput> {
    const command = new PublishBatchCommand(input)
    const path = this.#shortPath
    if (path !== undefined) return this.#calls.quickCall('PublishBatch', { doing }, input, () => path.send(command))
    return this.#calls.call('PublishBatch', { doing }, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  /** Throws `ERR_NOT_FOUND` if there is no such topic. */
  async topicAttributes(TopicArn: string, context: CallContext): Promise<Attributes> {
    const command = new GetTopicAttributesCommand({ TopicArn })
    const answer = await this.#calls.call('GetTopicAttributes', context, (abortSignal) => this.#client.send(command, { abortSignal }))
    return answer.Attributes ?? {}
  }

  async createTopic(Name: string, Attributes: Record<string, string>, context: CallContext): Promise<void> {
    const command = new CreateTopicCommand({ Name, Attributes })
    await this.#calls.call('CreateTopic', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async setTopicAttribute(TopicArn: string, AttributeName: string, AttributeValue: string, context: CallContext): Promise<void> {
    const command = new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue })
    await this.#calls.call('SetTopicAttributes', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  /** The ARN of the subscription of a queue, or `PendingConfirmation` in its place; `undefined` if there is none. */
  async subscriptionOf(TopicArn: string, queueArn: string, context: CallContext): Promise<string | undefined> {
    let NextToken: string | undefined
    do {
      const command = new ListSubscriptionsByTopicCommand({ TopicArn, ...(NextToken !== undefined && { NextToken }) })
      const page = await this.#calls.call('ListSubscriptionsByTopic', context, (abortSignal) => this.#client.send(command, { abortSignal }))
      // One that was deleted is listed for some time.
      const found = page.Subscriptions?.find(
        ({ Protocol, Endpoint, SubscriptionArn }) => Protocol === 'sqs' && Endpoint === queueArn && SubscriptionArn !== 'Deleted',
      )
      if (found !== undefined) return found.SubscriptionArn
      NextToken = page.NextToken
    } while (NextToken !== undefined && NextToken !== '')
    return undefined
  }

  async subscribe(TopicArn: string, Endpoint: string, Attributes: Record<string, string>, context: CallContext): Promise<void> {
    const command = new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes, ReturnSubscriptionArn: true })
    await this.#calls.call('Subscribe', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async subscriptionAttributes(SubscriptionArn: string, context: CallContext): Promise<Attributes> {
    const command = new GetSubscriptionAttributesCommand({ SubscriptionArn })
    const answer = await this.#calls.call('GetSubscriptionAttributes', context, (abortSignal) => this.#client.send(command, { abortSignal }))
    return answer.Attributes ?? {}
  }

  async setSubscriptionAttribute(SubscriptionArn: string, AttributeName: string, AttributeValue: string, context: CallContext): Promise<void> {
    const command = new SetSubscriptionAttributesCommand({ SubscriptionArn, AttributeName, AttributeValue })
    await this.#calls.call('SetSubscriptionAttributes', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }
}
