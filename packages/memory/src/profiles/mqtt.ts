import { metadataHeader, packMetadata, type BrokerError, type Capabilities, type Endpoint, type Outgoing, type Refusal } from '@busbar/core/driver'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { Profile } from './profile.ts'
import { memoryError } from '../errors.ts'
import { exceeds, headerBytes, textBytes } from './size.ts'

/** Limits of MQTT 5. Brokers set lower ones. */
export const mqttLimits = {
  packetBytes: 268_435_455,
  /** Of a topic, and of every other text. */
  textBytes: 65_535,
  timeToLiveMs: 4_294_967_295_000,
  timeToLiveStepMs: 1_000,
  /** Receive Maximum. */
  unsettled: 65_535,
} as const

/** MQTT 5 with QoS 1 and persistent sessions: acks in the order of receipt, nothing given back but by reconnecting. Queues are shared subscriptions. */
export const mqtt: Profile = {
  name: 'mqtt',
  stream: { shards: 1, retentionMs: 1, firstSequence: 1n, write: { bytes: 1, records: 1 } },
  moves: false,
  browses: false,
  counts: false,
  replies: true,
  addressBytes: mqttLimits.textBytes,
  capabilities: (endpoint) => refuse(endpoint) ?? capabilities(endpoint),
  physicalName: (name) => name,
  engine: (kind) => kind,
  queue: (endpoint) => behaviour(endpoint.kind === 'topic'),
  topicDeduplicationMs: () => undefined,
  maxSubscriptions: () => Infinity,
  cannotShow: (kind, operation) => (kind === 'throttle' && operation === 'settle' ? 'acks have no answer' : undefined),
  sizeOf: packetBytes,
  refuse: refuseProperties,
}

function refuse(endpoint: Endpoint): Refusal | undefined {
  if (endpoint.kind === 'stream') return { refused: 'MQTT has no streams', remedy: 'use a queue or a topic, without replay' }
  const illegal = [endpoint.name, endpoint.subscription?.name].find((name) => name !== undefined && !isName(name))
  if (illegal === undefined) return undefined
  return {
    refused: `the name ${illegal.slice(0, 100)} is empty, longer than ${mqttLimits.textBytes} bytes, or contains +, # or NUL`,
    remedy: 'give a legal name in the route',
  }
}

function isName(text: string): boolean {
  return text !== '' && !exceeds(text, mqttLimits.textBytes) && !/[+#\0]/.test(text)
}

/**
 * A PUBLISH without its fixed header: the topic, the packet's number, properties (each its number, its length and its text; user properties with two of each),
 * and the body. What MQTT has no property for travels in one user property.
 */
function packetBytes(message: Outgoing, place: string): number {
  const { contentType, replyTo, correlationId, timeToLiveMs } = message
  let properties = headerBytes(message.headers, 5) + propertyBytes(contentType) + propertyBytes(replyTo) + propertyBytes(correlationId)
  if (timeToLiveMs !== undefined) properties += 5
  const { id, type, timestamp, key, attempt } = message
  const packed = packMetadata({ id, type, timestamp, key, attempt })
  if (packed !== undefined) properties += 5 + metadataHeader.length + textBytes(packed)
  return 2 + textBytes(place) + 2 + lengthBytes(properties) + properties + message.bodyBytes
}

function propertyBytes(text: string | undefined): number {
  return text === undefined ? 0 : 3 + textBytes(text)
}

/** Bytes of a length of variable size: seven bits in each. */
function lengthBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4
}

/** User properties are UTF-8 texts of MQTT: up to 65,535 bytes, without NUL and without halves of surrogate pairs. */
function refuseProperties({ headers, id }: Outgoing, { destination }: Endpoint): BrokerError | undefined {
  for (const name in headers) {
    if (isText(name) && isText(headers[name] as string)) continue
    return memoryError('ERR_INVALID', `${destination}: names and values of headers have up to ${mqttLimits.textBytes} bytes of UTF-8, and no NUL`, {
      destination,
      messageId: id,
    })
  }
  return undefined
}

function isText(text: string): boolean {
  return !exceeds(text, mqttLimits.textBytes) && !text.includes('\0') && text.isWellFormed()
}

function capabilities({ kind, parameters }: Endpoint): Capabilities {
  const shared = kind === 'queue'
  return {
    kind,
    delivery: 'at-least-once',
    // Of different topics the standard promises no order.
    ordering: shared ? 'none' : parameters === undefined ? 'destination' : 'key',
    keyHold: shared ? false : 'process',
    lease: { kind: 'scope', maxHoldMs: false },
    settlement: { mode: 'prefix', maxBatch: 1_000, lingerMs: 0 },
    releaseCounts: false,
    batchOrder: 'partial',
    callOrder: 'kept',
    redelivery: { immediate: false, delayed: false, onReconnect: true },
    delay: false,
    deduplication: false,
    deadLetter: 'emulated',
    peek: 'none',
    redrive: shared ? 'copy' : 'none',
    replay: false,
    filter: 'none',
    headerFilter: 'none',
    addressTemplates: shared ? 'none' : 'native',
    deliveryAttempt: 'none',
    maxMessageBytes: mqttLimits.packetBytes,
    maxHeaders: false,
    maxBatch: { messages: 100, bytes: mqttLimits.packetBytes, inFlight: 1 },
    competingConsumers: shared,
    subscriptions: shared ? false : 'durable',
    requestReply: shared,
    timeToLive: { maxMs: mqttLimits.timeToLiveMs },
    priority: false,
    stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
    timestampResolutionMs: 1,
    confirms: true,
  }
}

function behaviour(topic: boolean): QueueBehaviour {
  return {
    order: 'none',
    lease: false,
    maxHoldMs: Infinity,
    settlement: 'prefix',
    answer: 'accepted',
    lateSettle: 'refused',
    givesBack: false,
    releaseCounts: false,
    ownIds: false,
    tellsCount: false,
    stepMs: 1,
    delays: false,
    delayReachesStored: false,
    timeToLiveStepMs: mqttLimits.timeToLiveStepMs,
    expiresDelivered: false,
    deadLettersExpired: false,
    retentionMs: Infinity,
    movedKeepsAge: false,
    maxInFlight: Infinity,
    lookAhead: Infinity,
    maxUnsettled: mqttLimits.unsettled,
    maxSettle: Infinity,
    maxRetryMs: 0,
    retryBy: 'place',
    carriesAttempt: false,
    requeue: 'place',
    maxReceive: 1_000,
    priorities: 1,
    deduplication: false,
    discards: false,
    disorder: 1,
    exclusive: topic,
    purges: 'nothing',
    purgeEveryMs: 0,
  }
}
