import type { Capabilities, Endpoint, EndpointSubscription, Refusal } from '@busbar/core/driver'
import { refuseContent, refuseName, sqsBehaviour, sqsCapabilities, sqsFifoName, sqsLimits, sqsName, sqsSize } from './sqs.ts'
import type { Profile, ProfileSettings } from './profile.ts'

/** Limits of Amazon SNS, as of 2026. */
export const snsLimits = { messageBytes: 262_144, batchMessages: 10, nameLength: 256, deduplicationMs: 300_000, fifoSubscriptions: 100 } as const

/** Amazon SNS: topics that can only be sent to, and subscriptions that are SQS queues. Topics with ordering keys are FIFO topics with FIFO queues. */
export const sns: Profile = {
  name: 'sns',
  stream: { shards: 1, retentionMs: 1, firstSequence: 1n, write: { bytes: 1, records: 1 } },
  moves: false,
  browses: false,
  counts: true,
  replies: false,
  addressBytes: false,
  capabilities: (endpoint, settings) =>
    refuse(endpoint) ??
    (endpoint.subscription === undefined
      ? topicCapabilities(endpoint.keyed, settings)
      : withFilters(subscriptionCapabilities(endpoint.keyed, settings), endpoint.subscription)),
  physicalName: (name, keyed) => (keyed ? sqsFifoName(name) : sqsName(name)),
  engine: () => 'topic',
  // A delay of a single message cannot be published: that of the queue applies.
  queue: (endpoint, settings) => ({ ...sqsBehaviour(endpoint.keyed, settings), delays: false }),
  topicDeduplicationMs: (keyed) => (keyed ? snsLimits.deduplicationMs : undefined),
  maxSubscriptions: (keyed) => (keyed ? snsLimits.fifoSubscriptions : Infinity),
  cannotShow: () => undefined,
  sizeOf: sqsSize,
  refuse: refuseContent,
}

function refuse(endpoint: Endpoint): Refusal | undefined {
  if (endpoint.kind === 'queue') return { refused: 'SNS has no queues', remedy: 'route it to the sqs driver' }
  if (endpoint.kind === 'stream') return { refused: 'SNS has no streams', remedy: 'route it to the kinesis driver, or use a topic, without replay' }
  const { name, subscription } = endpoint
  const physicalName = endpoint.keyed ? sqsFifoName : sqsName
  return (
    refuseName(physicalName(name), snsLimits.nameLength) ?? (subscription && refuseName(physicalName(`${name}.${subscription.name}`), sqsLimits.nameLength))
  )
}

/** A subscription has one scope of filters: of two, that on the body is left to whoever emulates it. */
function withFilters(capabilities: Capabilities, { filter, headerFilter }: EndpointSubscription): Capabilities {
  return filter !== undefined && headerFilter !== undefined ? { ...capabilities, filter: 'none' } : capabilities
}

/** A topic stores nothing: it is sent to and never received from. */
function topicCapabilities(fifo: boolean, settings: ProfileSettings): Capabilities {
  return {
    ...subscriptionCapabilities(fifo, settings),
    keyHold: false,
    lease: false,
    settlement: false,
    releaseCounts: false,
    redelivery: { immediate: false, delayed: false, onReconnect: false },
    deadLetter: 'none',
    peek: 'none',
    redrive: 'none',
    deliveryAttempt: 'none',
    competingConsumers: false,
    stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
  }
}

function subscriptionCapabilities(fifo: boolean, settings: ProfileSettings): Capabilities {
  return {
    ...sqsCapabilities('topic', fifo, settings),
    delay: false,
    filter: 'native',
    headerFilter: 'native',
    addressTemplates: 'none',
    maxMessageBytes: snsLimits.messageBytes,
    maxBatch: { messages: snsLimits.batchMessages, bytes: snsLimits.messageBytes, inFlight: 16 },
  }
}
