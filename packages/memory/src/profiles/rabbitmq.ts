import type { BrokerError, Capabilities, Endpoint, Outgoing, Refusal } from '@busbar/core/driver'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { Profile } from './profile.ts'
import { memoryError } from '../errors.ts'
import { exceeds, headerBytes, textBytes } from './size.ts'

/** Limits of RabbitMQ quorum queues with default settings, and of delays made of time-to-live queues. */
export const rabbitmqLimits = {
  messageBytes: 16_777_216,
  /** `consumer_timeout`: the channel is closed when a delivery is not acked within it. */
  consumerTimeoutMs: 1_800_000,
  /** 28 levels of powers of two, in milliseconds. */
  delayMs: 268_435_455,
  delayResolutionMs: 150,
  timeToLiveMs: 4_294_967_295,
  nameBytes: 255,
  headerNameBytes: 255,
} as const

/** RabbitMQ: deliveries live as long as their channel; acks have no answer; a requeued message goes to the head. */
export const rabbitmq: Profile = {
  name: 'rabbitmq',
  stream: { shards: 1, retentionMs: 1, firstSequence: 1n, write: { bytes: 1, records: 1 } },
  browses: false,
  counts: true,
  replies: true,
  capabilities: (endpoint) => refuse(endpoint) ?? capabilities(endpoint),
  physicalName: (name) => name,
  engine: (kind) => kind,
  queue: () => behaviour,
  topicDeduplicationMs: () => undefined,
  maxSubscriptions: () => Infinity,
  cannotShow: (kind, operation) => (kind === 'throttle' && operation === 'settle' ? 'acks have no answer' : undefined),
  sizeOf: (message: Outgoing) => message.bodyBytes + headerBytes(message.headers),
  refuse: refuseHeaders,
}

function refuse(endpoint: Endpoint): Refusal | undefined {
  if (endpoint.kind === 'stream') return { refused: 'RabbitMQ on Amazon MQ has no streams', remedy: 'use a queue or a topic, without replay' }
  const { name, subscription } = endpoint
  // A subscription is a queue of its own.
  const longest = subscription === undefined ? name : `${name}.${subscription.name}`
  if (textBytes(longest) <= rabbitmqLimits.nameBytes && !name.startsWith('amq.')) return undefined
  return {
    refused: `the name ${longest.slice(0, 100)} is longer than ${rabbitmqLimits.nameBytes} bytes or begins with amq.`,
    remedy: 'give a legal name in the route',
  }
}

/** Names of headers are short strings of AMQP. */
function refuseHeaders({ headers, id }: Outgoing, { destination }: Endpoint): BrokerError | undefined {
  for (const name in headers)
    if (exceeds(name, rabbitmqLimits.headerNameBytes))
      return memoryError('ERR_INVALID', `${destination}: the name of a header has up to ${rabbitmqLimits.headerNameBytes} bytes`, {
        destination,
        messageId: id,
      })
  return undefined
}

function capabilities({ kind, deadLetterName }: Endpoint): Capabilities {
  return {
    kind: kind === 'topic' ? 'topic' : 'queue',
    delivery: 'at-least-once',
    ordering: 'key',
    keyHold: 'process',
    lease: { kind: 'scope', maxHoldMs: rabbitmqLimits.consumerTimeoutMs },
    settlement: { mode: 'individual', maxBatch: 1_000, lingerMs: 0 },
    releaseCounts: true,
    batchOrder: 'partial',
    redelivery: { immediate: true, delayed: { maxMs: rabbitmqLimits.delayMs, keepsOrder: false }, onReconnect: true },
    delay: { maxMs: rabbitmqLimits.delayMs, resolutionMs: rabbitmqLimits.delayResolutionMs },
    deduplication: false,
    deadLetter: deadLetterName === undefined ? 'emulated' : 'native',
    peek: 'disturbing',
    redrive: 'copy',
    replay: false,
    filter: 'none',
    headerFilter: 'none',
    deliveryAttempt: 'upper-bound',
    maxMessageBytes: rabbitmqLimits.messageBytes,
    maxHeaders: false,
    maxBatch: { messages: 500, bytes: rabbitmqLimits.messageBytes, inFlight: 4 },
    competingConsumers: true,
    subscriptions: kind === 'topic' ? 'durable' : false,
    requestReply: kind === 'queue',
    timeToLive: { maxMs: rabbitmqLimits.timeToLiveMs },
    priority: false,
    stats: { ready: 'exact', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
    timestampResolutionMs: 1_000,
    confirms: true,
  }
}

const behaviour: QueueBehaviour = {
  order: 'pipelined',
  lease: false,
  maxHoldMs: rabbitmqLimits.consumerTimeoutMs,
  settlement: 'individual',
  answer: 'accepted',
  lateSettle: 'refused',
  givesBack: true,
  releaseCounts: true,
  ownIds: false,
  tellsCount: true,
  stepMs: 1,
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
