import type { BrokerError, Capabilities, Endpoint, Outgoing, Refusal } from '@busbar/core/driver'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { Profile } from './profile.ts'
import { memoryError } from '../errors.ts'
import { filtersByHeaders, fitsLadder, refuseName } from './rabbitmq-names.ts'
import { exceeds, headerBytes } from './size.ts'

const ladderTickMs = 100

/** Limits of RabbitMQ quorum queues with default settings, and of delays made of a ladder of time-to-live queues. */
export const rabbitmqLimits = {
  messageBytes: 16_777_216,
  /** `consumer_timeout`: the channel is closed when a delivery is not acked within it. */
  consumerTimeoutMs: 1_800_000,
  /** Nine tenths of that: the broker looks once a minute, and closes the channel with all that it holds. */
  maxHoldMs: 1_620_000,
  /** 28 levels of powers of two, of a tick each, in milliseconds. */
  delayMs: 26_843_545_500,
  delayResolutionMs: 500,
  timeToLiveMs: 4_294_967_295,
  headerNameBytes: 255,
} as const

/** RabbitMQ: deliveries live as long as their channel; acks have no answer; a requeued message goes to the head. */
export const rabbitmq: Profile = {
  name: 'rabbitmq',
  stream: { shards: 1, retentionMs: 1, firstSequence: 1n, write: { bytes: 1, records: 1 } },
  moves: false,
  browses: false,
  counts: true,
  replies: true,
  addressBytes: false,
  capabilities: (endpoint) => refuse(endpoint) ?? capabilities(endpoint),
  physicalName: (name) => name,
  engine: (kind) => kind,
  queue: ({ keyed }) => ({ ...behaviour, order: keyed ? 'pipelined' : 'none' }),
  topicDeduplicationMs: () => undefined,
  maxSubscriptions: () => Infinity,
  cannotShow: (kind, operation) => (kind === 'throttle' && operation === 'settle' ? 'acks have no answer' : undefined),
  sizeOf: (message: Outgoing) => message.bodyBytes + headerBytes(message.headers),
  refuse: refuseContent,
}

function refuse(endpoint: Endpoint): Refusal | undefined {
  if (endpoint.kind === 'stream') return { refused: 'RabbitMQ on Amazon MQ has no streams', remedy: 'use a queue or a topic, without replay' }
  return refuseName(endpoint)
}

function refuseContent(message: Outgoing, { destination }: Endpoint): BrokerError | undefined {
  const refused = (reason: string): BrokerError => memoryError('ERR_INVALID', `${destination}: ${reason}`, { destination, messageId: message.id })
  for (const name in message.headers)
    if (exceeds(name, rabbitmqLimits.headerNameBytes)) return refused(`the name of a header has up to ${rabbitmqLimits.headerNameBytes} bytes`)
  if (message.timeToLiveMs !== undefined && message.delayMs !== undefined) return refused('a lifetime would end the delay that it is combined with')
  return undefined
}

function capabilities(endpoint: Endpoint): Capabilities {
  const { kind, keyed, deadLetterName } = endpoint
  const isTopic = kind === 'topic'
  const isSource = !isTopic || endpoint.subscription !== undefined
  // On its way through the ladder a message loses its routing key, which names the partition of a topic's queues.
  const delayable = fitsLadder(endpoint) && (isSource || !keyed)
  return {
    kind: isTopic ? 'topic' : 'queue',
    delivery: 'at-least-once',
    ordering: keyed ? 'key' : 'none',
    keyHold: keyed ? 'process' : false,
    lease: { kind: 'scope', maxHoldMs: rabbitmqLimits.maxHoldMs },
    settlement: { mode: 'individual', maxBatch: 1_000, lingerMs: 0 },
    releaseCounts: true,
    batchOrder: 'partial',
    callOrder: 'kept',
    redelivery: {
      // Given back by a copy at the tail, and so not in order.
      immediate: !keyed,
      delayed: fitsLadder(endpoint) && { maxMs: rabbitmqLimits.delayMs, keepsOrder: false },
      onReconnect: true,
    },
    delay: delayable && { maxMs: rabbitmqLimits.delayMs, resolutionMs: rabbitmqLimits.delayResolutionMs },
    deduplication: false,
    deadLetter: isSource && deadLetterName !== undefined ? 'native' : 'emulated',
    peek: 'disturbing',
    redrive: 'copy',
    replay: false,
    filter: 'none',
    headerFilter: isTopic && filtersByHeaders(endpoint) ? 'native' : 'none',
    addressTemplates: 'none',
    deliveryAttempt: 'upper-bound',
    maxMessageBytes: rabbitmqLimits.messageBytes,
    maxHeaders: false,
    maxBatch: { messages: 32, bytes: 4_194_304, inFlight: 128, eager: true },
    competingConsumers: true,
    subscriptions: isTopic ? 'durable' : false,
    requestReply: !isTopic,
    // What has expired goes where exceeded limits go, and is dropped only without such a place.
    timeToLive: !isTopic && deadLetterName === undefined && { maxMs: rabbitmqLimits.timeToLiveMs },
    priority: false,
    stats: { ready: isSource ? 'exact' : 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
    timestampResolutionMs: 1_000,
    confirms: true,
  }
}

const behaviour: Omit<QueueBehaviour, 'order'> = {
  lease: false,
  maxHoldMs: rabbitmqLimits.consumerTimeoutMs,
  settlement: 'individual',
  answer: 'accepted',
  lateSettle: 'refused',
  givesBack: true,
  releaseCounts: true,
  ownIds: false,
  tellsCount: true,
  stepMs: ladderTickMs,
  delays: true,
  delayReachesStored: false,
  timeToLiveStepMs: 1,
  expiresDelivered: true,
  deadLettersExpired: true,
  retentionMs: Infinity,
  movedKeepsAge: false,
  maxInFlight: Infinity,
  lookAhead: Infinity,
  maxUnsettled: Infinity,
  maxSettle: Infinity,
  maxRetryMs: rabbitmqLimits.delayMs,
  retryBy: 'republish',
  carriesAttempt: false,
  requeue: 'return-order',
  maxReceive: 1_000,
  priorities: 1,
  deduplication: false,
  discards: true,
  disorder: 1,
  exclusive: false,
  purges: 'ready',
  purgeEveryMs: 0,
}
