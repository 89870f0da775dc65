import { createHash } from 'node:crypto'
import type { Endpoint } from '@busbar/core/driver'
import type { PolicyStatement, SqsRouteOptions } from '@busbar/sqs'
import { physicalName, queueOf, type QueueName } from '@busbar/sqs/shared'
import { limits } from './limits.ts'
import { subscriptionName, type TopicName } from './names.ts'
import type { ResolvedRouteOptions } from './route-options.ts'

/** The queue of a subscription, as an endpoint of the driver for SQS. */
export function queueEndpointOf(endpoint: Endpoint, topic: TopicName, route: ResolvedRouteOptions): Endpoint {
  const { subscription: options, highThroughput } = route
  const { maxReceiveCount, visibilityTimeoutMs, retentionMs, encryption, policy } = options
  const fifo = options.fifo ?? topic.fifo
  const undelivered = undeliveredName(endpoint, topic, route)
  const queueOptions: SqsRouteOptions = {
    fifo,
    ...(options.raw === false && { envelope: 'sns' as const }),
    ...(fifo && highThroughput && { highThroughput }),
    ...(visibilityTimeoutMs !== undefined && { visibilityTimeoutMs }),
    ...(retentionMs !== undefined && { retentionMs }),
    ...(encryption !== undefined && { encryption }),
    ...(policy !== undefined && { policy }),
    ...(maxReceiveCount !== undefined && { maxReceiveCount }),
  }
  return {
    destination: labelOf(endpoint),
    kind: 'queue',
    name: options.queue ?? subscriptionName(topic, endpoint.subscription?.name ?? ''),
    keyed: endpoint.keyed,
    maxAttempts: endpoint.maxAttempts,
    options: { ...queueOptions },
    ...(maxReceiveCount !== undefined && undelivered !== undefined && { deadLetterName: undelivered }),
  }
}

/** The queue for what SNS cannot deliver; `undefined` if there is to be none. */
export function undeliveredEndpointOf(endpoint: Endpoint, topic: TopicName, route: ResolvedRouteOptions): Endpoint | undefined {
  const name = undeliveredName(endpoint, topic, route)
  if (name === undefined) return undefined
  const { encryption, undelivered } = route.subscription
  // What others read too is kept as long as they want it, and as they want it.
  const own = undelivered === undefined ? { retentionMs: limits.retentionMs, ...(encryption !== undefined && { encryption }) } : {}
  const options: SqsRouteOptions = { fifo: topic.fifo, ...own }
  return { destination: `${labelOf(endpoint)}, undelivered`, kind: 'queue', name, keyed: false, maxAttempts: 0, options: { ...options } }
}

/** Lets a topic send to a queue. */
export function withTopicPolicy(queue: Endpoint, topicArn: string): Endpoint {
  const { policy = [], ...options } = queue.options as SqsRouteOptions
  const statement: PolicyStatement = {
    // Letters and digits are all that a Sid may have, and each topic has its own.
    Sid: `BusbarSns${createHash('sha256').update(topicArn).digest('hex').slice(0, 16)}`,
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
  }
  return { ...queue, options: { ...options, policy: [...policy, statement] } }
}

/** Which queue an endpoint of the driver for SQS is. */
export function queueNameOf({ name, options }: Endpoint): QueueName {
  return queueOf(name, (options as SqsRouteOptions).fifo === true)
}

function undeliveredName(endpoint: Endpoint, topic: TopicName, { subscription: { undelivered } }: ResolvedRouteOptions): string | undefined {
  if (undelivered === false) return undefined
  return undelivered ?? physicalName(`${subscriptionName(topic, endpoint.subscription?.name ?? '')}.undelivered`, topic.fifo)
}

function labelOf({ destination, subscription }: Endpoint): string {
  return `${destination}.${subscription?.name ?? ''}`
}
