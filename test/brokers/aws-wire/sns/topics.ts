import { arnOf, type Account } from '../account.ts'
import { isInput } from '../input.ts'
import { serviceError } from '../service-errors.ts'
import type { Queues } from '../sqs/queues.ts'
import { invalidParameter, subscriptionDoesNotExist, topicDoesNotExist } from './errors.ts'
import { Subscription } from './subscription.ts'
import { Topic } from './topic.ts'

const settable: ReadonlySet<string> = new Set([
  'DisplayName',
  'Policy',
  'DeliveryPolicy',
  'KmsMasterKeyId',
  'SignatureVersion',
  'TracingConfig',
  'MaximumMessageSize',
])
const fifoSettable: ReadonlySet<string> = new Set(['ContentBasedDeduplication', 'FifoThroughputScope'])
/** Attributes with few values. */
const choices: Readonly<Record<string, readonly string[]>> = {
  ContentBasedDeduplication: ['true', 'false'],
  FifoThroughputScope: ['Topic', 'MessageGroup'],
  SignatureVersion: ['1', '2'],
}

/** All topics of the account, in all regions, and what is subscribed to them. */
export class Topics {
  readonly account: Account
  readonly queues: Queues
  readonly #byArn = new Map<string, Topic>()
  #subscribed = 0

  constructor(account: Account, queues: Queues) {
    this.account = account
    this.queues = queues
  }

  /** Throws `NotFound`. */
  at(region: string, arn: string): Topic {
    const topic = this.#byArn.get(arn)
    if (topic === undefined || topic.region !== region) throw topicDoesNotExist()
    return topic
  }

  all(region: string): Topic[] {
    return [...this.#byArn.values()].filter((topic) => topic.region === region).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The topic that is there already, if it is the same. */
  create(region: string, name: string, given: ReadonlyMap<string, string>, tags: Map<string, string>): Topic {
    const fifo = given.get('FifoTopic') === 'true'
    const legal = fifo ? /^[A-Za-z0-9_-]{1,251}\.fifo$/ : /^[A-Za-z0-9_-]{1,256}$/
    if (!legal.test(name)) throw invalidParameter('Topic Name')
    for (const [attribute, value] of given) if (attribute !== 'FifoTopic') checkAttribute(attribute, value, fifo)
    const existing = this.#byArn.get(arnOf('sns', region, name))
    if (existing !== undefined) {
      for (const [attribute, value] of given)
        if ((existing.attributes.get(attribute) ?? '') !== value) throw invalidParameter('Attributes Reason: Topic already exists with different attributes')
      return existing
    }
    const fifoDefaults = fifo ? { ContentBasedDeduplication: 'false', FifoThroughputScope: 'Topic' } : {}
    const topic = new Topic(this.account, region, name, new Map([...Object.entries(fifoDefaults), ...given]), tags)
    this.#byArn.set(topic.arn, topic)
    return topic
  }

  change(topic: Topic, name: string, value: string): void {
    checkAttribute(name, value, topic.fifo)
    const attributes = new Map(topic.attributes)
    if (value === '') attributes.delete(name)
    else attributes.set(name, value)
    topic.attributes = attributes
  }

  /** Deleting what is not there succeeds. Its subscriptions go with it. */
  delete(arn: string): void {
    this.#byArn.delete(arn)
  }

  subscribe(topic: Topic, queueArn: string, attributes: ReadonlyMap<string, string>): Subscription {
    if (!/^arn:[a-z-]+:sqs:/.test(queueArn)) throw invalidParameter('SQS endpoint ARN')
    const queue = this.queues.byArn(queueArn)
    if (queue === undefined) throw invalidParameter('Endpoint Reason: the queue does not exist')
    if (queue.fifo && !topic.fifo) throw invalidParameter('Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics')
    const existing = [...topic.subscriptions.values()].find((subscription) => subscription.queue === queue)
    const subscription = new Subscription(this.queues, topic.arn, this.account.uuid('subscription', ++this.#subscribed), queue, attributes)
    if (existing !== undefined) {
      if (!existing.isLike(attributes)) throw invalidParameter('Attributes Reason: Subscription already exists with different attributes')
      return existing
    }
    if (topic.fifo && topic.subscriptions.size >= this.account.limits.fifoSubscriptions)
      throw serviceError('SubscriptionLimitExceeded', `A FIFO topic has up to ${this.account.limits.fifoSubscriptions} subscriptions`)
    topic.subscriptions.set(subscription.arn, subscription)
    return subscription
  }

  /** Throws `NotFound`. */
  subscription(region: string, arn: string): Subscription {
    const subscription = this.#byArn.get(arn.slice(0, arn.lastIndexOf(':')))?.subscriptions.get(arn)
    if (subscription === undefined || arn.split(':')[3] !== region) throw subscriptionDoesNotExist()
    return subscription
  }

  /** Ending what is not there succeeds. */
  unsubscribe(arn: string): void {
    this.#byArn.get(arn.slice(0, arn.lastIndexOf(':')))?.subscriptions.delete(arn)
  }
}

function checkAttribute(name: string, value: string, fifo: boolean): void {
  if (!settable.has(name) && !(fifo && fifoSettable.has(name))) throw invalidParameter('AttributeName')
  if (value === '') return
  const allowed = choices[name]
  if (allowed !== undefined && !allowed.includes(value)) throw invalidParameter(`Attributes Reason: ${name}: Invalid value [${value}].`)
  if (name === 'MaximumMessageSize' && !(/^\d+$/.test(value) && Number(value) >= 1_024 && Number(value) <= 1_048_576))
    throw invalidParameter('Attributes Reason: MaximumMessageSize must be from 1024 to 1048576')
  if (name === 'Policy' && !isDocument(value)) throw invalidParameter('Policy Error: null')
}

function isDocument(text: string): boolean {
  try {
    return isInput(JSON.parse(text))
  } catch {
    return false
  }
}
