import type { Driver, Endpoint } from '@busbar/core/driver'
import type { SqsRouteOptions } from '@busbar/sqs'
import type { Arns } from './arns.ts'
import { topicOf, type TopicName } from './names.ts'
import { resolveRouteOptions, type ResolvedRouteOptions } from './route-options.ts'
import { queueEndpointOf, queueNameOf, undeliveredEndpointOf, withTopicPolicy } from './subscription-queue.ts'

/** A topic that endpoints need. */
export interface WantedTopic {
  readonly topic: TopicName
  readonly arn: string
  /** Asked for by a route: also of a topic that exists. */
  readonly attributes: Readonly<Record<string, string>>
}

/** A subscription that endpoints need. */
export interface WantedSubscription {
  /** For texts: `order-placed.billing`. */
  readonly label: string
  readonly topicArn: string
  readonly queueArn: string
  /** As SNS names them; a filter policy that is not asked for is empty. */
  readonly attributes: { readonly RawMessageDelivery: string; readonly FilterPolicy: string; readonly FilterPolicyScope: string }
  /** `undefined`: what cannot be delivered is dropped. */
  readonly undeliveredArn: string | undefined
}

/** All that endpoints need. */
export interface Wanted {
  readonly topics: readonly WantedTopic[]
  /** For the driver of the queues, each once. */
  readonly queues: readonly Endpoint[]
  readonly subscriptions: readonly WantedSubscription[]
}

/** Throws `ERR_CONFIGURATION`. `queues`: the driver for SQS. */
export async function wantedOf(endpoints: readonly Endpoint[], arns: Arns, queues: Driver): Promise<Wanted> {
  const topics = new Map<string, WantedTopic>()
  const queueEndpoints = new Map<string, Endpoint>()
  const subscriptions: WantedSubscription[] = []
  for (const endpoint of endpoints) {
    const route = resolveRouteOptions(endpoint)
    const topic = topicOf(endpoint.name, route.fifo)
    const arn = await arns.topic(topic)
    topics.set(arn, { topic, arn, attributes: topicAttributes(route) })
    if (endpoint.subscription === undefined) continue
    const queue = withTopicPolicy(queueEndpointOf(endpoint, topic, route), arn)
    const place = undeliveredEndpointOf(endpoint, topic, route)
    const undelivered = place === undefined ? undefined : withTopicPolicy(place, arn)
    // First, since a queue may move messages there.
    if (undelivered !== undefined) addQueue(queueEndpoints, queues.address(undelivered), undelivered)
    addQueue(queueEndpoints, queues.address(queue), queue)
    subscriptions.push({
      label: queue.destination,
      topicArn: arn,
      queueArn: await arns.queue(queueNameOf(queue), arn),
      attributes: subscriptionAttributes(endpoint, route),
      undeliveredArn: undelivered === undefined ? undefined : await arns.queue(queueNameOf(undelivered), arn),
    })
  }
  return { topics: [...topics.values()], queues: [...queueEndpoints.values()], subscriptions }
}

/** A queue may be subscribed to several topics: all of them may send to it. */
function addQueue(queues: Map<string, Endpoint>, address: string, queue: Endpoint): void {
  const { policy: others = [] } = (queues.get(address)?.options ?? {}) as SqsRouteOptions
  const { policy = [], ...options } = queue.options as SqsRouteOptions
  const ids = new Set(policy.map(({ Sid }) => Sid))
  queues.set(address, { ...queue, options: { ...options, policy: [...others.filter(({ Sid }) => !ids.has(Sid)), ...policy] } })
}

/** What a route asks of a topic, as SNS names it. */
export function topicAttributes({ highThroughput, kmsKeyId, maxMessageBytes }: ResolvedRouteOptions): Record<string, string> {
  return {
    ...(highThroughput && { FifoThroughputScope: 'MessageGroup' }),
    ...(kmsKeyId !== undefined && { KmsMasterKeyId: kmsKeyId }),
    ...(maxMessageBytes !== undefined && { MaximumMessageSize: String(maxMessageBytes) }),
  }
}

function subscriptionAttributes({ subscription }: Endpoint, route: ResolvedRouteOptions): WantedSubscription['attributes'] {
  const { filter, headerFilter } = subscription ?? {}
  const policy = headerFilter ?? filter
  return {
    RawMessageDelivery: String(route.subscription.raw ?? true),
    FilterPolicy: policy === undefined ? '' : JSON.stringify(policy),
    FilterPolicyScope: headerFilter === undefined && filter !== undefined ? 'MessageBody' : 'MessageAttributes',
  }
}
