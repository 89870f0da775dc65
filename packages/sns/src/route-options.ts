import { mustKeepAll, type Endpoint } from '@busbar/core/driver'
import type { SqsRouteOptions } from '@busbar/sqs'
import { configuration } from './errors.ts'
import { limits } from './limits.ts'
import { saysFifo } from './names.ts'
import { checks } from './options.ts'

/** Options of a topic and its subscriptions on SNS: `routes: { 'order-placed': { options: { … } } }`. */
export interface SnsRouteOptions {
  /** FIFO topic (`<name>.fifo`): order per key, deduplication. Default: true with ordering keys or a name that ends in `.fifo`. Fixed at creation. */
  readonly fifo?: boolean
  /** FIFO only: throughput and deduplication per key instead of per topic, in the queues too. Default false. Maps to `FifoThroughputScope`, `FifoThroughputLimit` and `DeduplicationScope`. */
  readonly highThroughput?: boolean
  /**
   * Largest message with its attributes, and all messages of one call, in bytes. 1,024 to 1,048,576. Default 262,144, as SNS; more than that restricts the topic to 100
   * subscriptions of SQS, Firehose and Lambda. Maps to `MaximumMessageSize`.
   */
  readonly maxMessageBytes?: number
  /** Key of KMS by which the topic is encrypted. Default: none. Maps to `KmsMasterKeyId`. */
  readonly kmsKeyId?: string
  /** Standard topics only: the header whose value names the tenant of fair queues. Maps to `MessageGroupId`, which SNS hands on to standard queues. */
  readonly tenantHeader?: string
  /** The header whose value is the subject, too: fewer than 100 characters on one line. E-mail shows it; raw delivery to queues drops it. Default: messages have none. */
  readonly subjectHeader?: string
  /**
   * Headers by which subscriptions filter, at most seven: they are attributes of their own before all other headers, since SNS sees nothing of what is packed.
   * Those by which subscriptions of the same broker filter are known. Say it wherever else messages are sent that have more than seven headers.
   * A message that has one of them without a value, or more of them than it has attributes for (eight, seven with a body of bytes), is refused.
   */
  readonly filterHeaders?: readonly string[]
  /** By the names of subscriptions. */
  readonly subscriptions?: Readonly<Record<string, SnsSubscriptionOptions>>
}

/** Options of one subscription: of its queue, as {@link SqsRouteOptions}, and of what SNS does between topic and queue. */
export interface SnsSubscriptionOptions extends Pick<SqsRouteOptions, 'visibilityTimeoutMs' | 'retentionMs' | 'encryption' | 'policy'> {
  /** Name, URL or ARN of the queue. Default `<topic>-<subscription>`. */
  readonly queue?: string
  /**
   * `false`: SNS delivers its envelope, which is opened on receipt; for queues that others read too, and expect it there. It is larger, and tells the subject as header
   * `subject`. Default true: messages arrive as they were sent. Maps to `RawMessageDelivery`.
   */
  readonly raw?: boolean
  /** `false` on a FIFO topic: a standard queue, which has neither order nor deduplication. Default: as the topic. */
  readonly fifo?: boolean
  /**
   * Queue for what SNS cannot deliver, of the topic's kind; `false`: SNS drops it. Default `<topic>-<subscription>-undelivered`, which keeps messages for 14 days.
   * Maps to `RedrivePolicy` of the subscription. A policy that is there already is left alone.
   */
  readonly undelivered?: string | false
  /**
   * How often a message is delivered before SQS itself moves it to the queue of {@link SnsSubscriptionOptions.undelivered}: a net for crash loops, at least 10 times the
   * attempts of the consumer's retry policy. 1 to 1,000. Default: never. Maps to `maxReceiveCount` of the queue's `RedrivePolicy`.
   */
  readonly maxReceiveCount?: number
}

export interface ResolvedRouteOptions {
  readonly fifo: boolean
  readonly highThroughput: boolean
  readonly maxMessageBytes: number | undefined
  readonly kmsKeyId: string | undefined
  readonly tenantHeader: string | undefined
  readonly subjectHeader: string | undefined
  readonly filterHeaders: readonly string[]
  /** Of the endpoint's subscription. */
  readonly subscription: SnsSubscriptionOptions
}

const known: readonly (keyof SnsRouteOptions)[] = [
  'fifo',
  'highThroughput',
  'maxMessageBytes',
  'kmsKeyId',
  'tenantHeader',
  'subjectHeader',
  'filterHeaders',
  'subscriptions',
]
const knownOfSubscription: readonly (keyof SnsSubscriptionOptions)[] = [
  'queue',
  'raw',
  'fifo',
  'undelivered',
  'maxReceiveCount',
  'visibilityTimeoutMs',
  'retentionMs',
  'encryption',
  'policy',
]

/** As many headers are attributes of their own whatever the body: eight, or seven where its encoding is marked. */
const mostFilterHeaders = 7

/** Throws `ERR_CONFIGURATION`. */
export function resolveRouteOptions(endpoint: Endpoint): ResolvedRouteOptions {
  const options = endpoint.options as SnsRouteOptions
  checks.known('sns', options, known)
  const fifo = fifoOf(endpoint, options)
  const highThroughput = checks.boolean('highThroughput', options.highThroughput, false)
  if (highThroughput && !fifo) throw checks.refused('highThroughput', 'is for FIFO topics; standard topics have no such limit')
  const tenantHeader = checks.text('tenantHeader', options.tenantHeader)
  if (tenantHeader !== undefined && fifo) throw checks.refused('tenantHeader', 'is for standard topics; on FIFO topics the ordering key is the group')
  return {
    fifo,
    highThroughput,
    maxMessageBytes:
      options.maxMessageBytes === undefined
        ? undefined
        : checks.integer('maxMessageBytes', options.maxMessageBytes, 0, limits.leastMessageBytes, limits.mostMessageBytes),
    kmsKeyId: checks.text('kmsKeyId', options.kmsKeyId),
    tenantHeader,
    subjectHeader: checks.text('subjectHeader', options.subjectHeader),
    filterHeaders: filterHeadersOf(options.filterHeaders),
    subscription: subscriptionOf(endpoint, options, fifo),
  }
}

function fifoOf(endpoint: Endpoint, options: SnsRouteOptions): boolean {
  const named = saysFifo(endpoint.name)
  const fifo = checks.boolean('fifo', options.fifo, endpoint.keyed || named)
  if (named && !fifo) throw configuration(`sns: option 'fifo' is false, and the name ${endpoint.name.slice(0, 100)} is that of a FIFO topic`)
  return fifo
}

function filterHeadersOf(value: unknown): readonly string[] {
  if (value === undefined) return []
  const isList = Array.isArray(value) && value.length <= mostFilterHeaders && value.every((name) => typeof name === 'string' && name !== '')
  if (!isList) throw checks.refused('filterHeaders', `must be a list of at most ${mostFilterHeaders} names of headers`)
  return value as readonly string[]
}

/** All that is written is checked, whichever subscription the endpoint is. */
function subscriptionOf(endpoint: Endpoint, { subscriptions = {} }: SnsRouteOptions, fifo: boolean): SnsSubscriptionOptions {
  if (typeof subscriptions !== 'object' || subscriptions === null) throw checks.refused('subscriptions', 'must be an object, by the names of subscriptions')
  for (const [name, options] of Object.entries(subscriptions)) checkSubscription(`subscriptions.${name.slice(0, 64)}`, options, fifo)
  const name = endpoint.subscription?.name
  const own = name !== undefined && Object.hasOwn(subscriptions, name) ? (subscriptions[name] ?? {}) : {}
  if (own.maxReceiveCount !== undefined && mustKeepAll(endpoint))
    throw checks.refused(
      `subscriptions.${name?.slice(0, 64)}.maxReceiveCount`,
      "lets SQS give messages up, and the route says nativeLimit: false or deadLetter: 'block'; leave the one or the other out",
    )
  return own
}

function checkSubscription(what: string, options: SnsSubscriptionOptions, topicFifo: boolean): void {
  checks.known(`sns: ${what}`, options, knownOfSubscription)
  checks.text(`${what}.queue`, options.queue)
  checks.boolean(`${what}.raw`, options.raw, true)
  const fifo = checks.boolean(`${what}.fifo`, options.fifo, topicFifo)
  if (fifo && !topicFifo) throw checks.refused(`${what}.fifo`, 'is for FIFO topics: SNS lets no FIFO queue subscribe to a standard topic')
  if (options.undelivered !== false) checks.text(`${what}.undelivered`, options.undelivered)
  if (options.undelivered === false && options.maxReceiveCount !== undefined)
    throw checks.refused(`${what}.maxReceiveCount`, 'needs a queue to move messages to, and undelivered is false')
  if (!fifo && topicFifo && options.maxReceiveCount !== undefined)
    throw checks.refused(
      `${what}.maxReceiveCount`,
      'needs a queue of the same type to move messages to: that of undelivered is a FIFO queue as the topic, and the subscription has fifo: false',
    )
  // The queue itself checks the rest; this it cannot know.
  const { kmsKeyId } = (options.encryption ?? {}) as { readonly kmsKeyId?: unknown }
  if (typeof kmsKeyId === 'string' && kmsKeyId.endsWith('alias/aws/sqs'))
    throw checks.refused(
      `${what}.encryption`,
      'names the key that AWS manages, which SNS may not use: take a key of your own whose policy lets sns.amazonaws.com use it',
    )
}
