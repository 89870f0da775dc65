import { accountId } from '../account.ts'
import { optionalText } from '../input.ts'
import { required, topicOf, type SnsAction, type SnsCall } from './call.ts'
import { invalidParameter } from './errors.ts'
import { members, textEntries } from './query.ts'
import type { Subscription } from './subscription.ts'

export const createTopic: SnsAction = ({ topics, region, input }) => {
  const tags = new Map(members(input, 'Tags').map((tag) => [required(tag, 'Key'), optionalText(tag, 'Value') ?? '']))
  return { TopicArn: topics.create(region, required(input, 'Name'), textEntries(input, 'Attributes'), tags).arn }
}

export const deleteTopic: SnsAction = ({ topics, input }) => {
  topics.delete(required(input, 'TopicArn'))
  return {}
}

export const listTopics: SnsAction = ({ topics, region }) => ({ Topics: topics.all(region).map(({ arn }) => ({ TopicArn: arn })) })

export const getTopicAttributes: SnsAction = (call) => {
  const topic = topicOf(call)
  return {
    Attributes: new Map([
      ...topic.attributes,
      ['TopicArn', topic.arn],
      ['Owner', accountId],
      ['SubscriptionsConfirmed', String(topic.subscriptions.size)],
      ['SubscriptionsPending', '0'],
      ['SubscriptionsDeleted', '0'],
    ]),
  }
}

export const setTopicAttributes: SnsAction = (call) => {
  call.topics.change(topicOf(call), required(call.input, 'AttributeName'), optionalText(call.input, 'AttributeValue') ?? '')
  return {}
}

export const listTagsForResource: SnsAction = ({ topics, region, input }) => ({
  Tags: [...topics.at(region, required(input, 'ResourceArn')).tags].map(([Key, Value]) => ({ Key, Value })),
})

export const tagResource: SnsAction = ({ topics, region, input }) => {
  const topic = topics.at(region, required(input, 'ResourceArn'))
  for (const tag of members(input, 'Tags')) topic.tags.set(required(tag, 'Key'), optionalText(tag, 'Value') ?? '')
  return {}
}

/** Queues of the account confirm themselves. */
export const subscribe: SnsAction = (call) => {
  const protocol = required(call.input, 'Protocol')
  if (protocol !== 'sqs') throw invalidParameter(`Does not support this protocol string: ${protocol}`)
  const topic = topicOf(call)
  return { SubscriptionArn: call.topics.subscribe(topic, required(call.input, 'Endpoint'), textEntries(call.input, 'Attributes')).arn }
}

/** No token has been given out: all that can be subscribed confirms itself. */
export const confirmSubscription: SnsAction = (call) => {
  topicOf(call)
  required(call.input, 'Token')
  throw invalidParameter('Token')
}

export const unsubscribe: SnsAction = ({ topics, input }) => {
  topics.unsubscribe(required(input, 'SubscriptionArn'))
  return {}
}

export const listSubscriptionsByTopic: SnsAction = (call) => ({ Subscriptions: [...topicOf(call).subscriptions.values()].map(summary) })

export const listSubscriptions: SnsAction = ({ topics, region }) => ({
  Subscriptions: topics.all(region).flatMap((topic) => [...topic.subscriptions.values()].map(summary)),
})

export const getSubscriptionAttributes: SnsAction = (call) => {
  const subscription = subscriptionOf(call)
  return {
    Attributes: new Map([
      ['RawMessageDelivery', 'false'],
      ...subscription.attributes,
      ...Object.entries(summary(subscription)),
      ['PendingConfirmation', 'false'],
      ['ConfirmationWasAuthenticated', 'true'],
    ]),
  }
}

export const setSubscriptionAttributes: SnsAction = (call) => {
  subscriptionOf(call).change(required(call.input, 'AttributeName'), optionalText(call.input, 'AttributeValue') ?? '')
  return {}
}

function subscriptionOf({ topics, region, input }: SnsCall): Subscription {
  return topics.subscription(region, required(input, 'SubscriptionArn'))
}

function summary({ arn, topicArn, queue }: Subscription): Readonly<Record<string, string>> {
  return { SubscriptionArn: arn, Owner: accountId, Protocol: 'sqs', Endpoint: queue.arn, TopicArn: topicArn }
}
