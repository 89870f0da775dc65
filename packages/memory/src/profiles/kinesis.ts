import type { BrokerError, Capabilities, Endpoint, Outgoing, Refusal } from '@busbar/core/driver'
import type { MemoryEndpointOptions } from '../endpoint-options.ts'
import { memoryError } from '../errors.ts'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { Profile } from './profile.ts'
import { partitionKey, partitionKeyLength } from '../stream/hash-key.ts'
import { headerBytes, textBytes } from './size.ts'

/** Limits of Amazon Kinesis Data Streams, as of 2026. */
export const kinesisLimits = {
  recordBytes: 1_048_576,
  batchRecords: 500,
  batchBytes: 10_485_760,
  /** The default, and the least. */
  retentionMs: 86_400_000,
  shardBytesPerSecond: 1_048_576,
  shardRecordsPerSecond: 1_000,
  nameLength: 128,
} as const

/** Amazon Kinesis Data Streams. Queues are streams with one fixed group; topics are streams with a group per subscription. */
export const kinesis: Profile = {
  name: 'kinesis',
  stream: {
    shards: 4,
    retentionMs: kinesisLimits.retentionMs,
    // Sequence numbers have 56 digits: a reader that takes them for a Number is found out.
    firstSequence: 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898n,
    write: { bytes: kinesisLimits.shardBytesPerSecond, records: kinesisLimits.shardRecordsPerSecond },
  },
  moves: false,
  browses: false,
  counts: true,
  replies: false,
  addressBytes: false,
  capabilities: (endpoint) => refuse(endpoint) ?? capabilities(endpoint.kind),
  physicalName: (name) => name,
  engine: () => 'stream',
  queue: (): QueueBehaviour => {
    throw new TypeError('Kinesis has no queues of its own')
  },
  topicDeduplicationMs: () => undefined,
  maxSubscriptions: () => Infinity,
  cannotShow: (kind, operation) => (kind === 'reorder' && operation === 'deliver' ? 'a shard is read in order' : undefined),
  sizeOf,
  refuse: refuseKey,
}

function refuse({ name, subscription, options }: Endpoint): Refusal | undefined {
  const { retentionMs } = options as MemoryEndpointOptions
  if (retentionMs !== undefined && retentionMs < kinesisLimits.retentionMs)
    return { refused: `Kinesis keeps records for at least ${kinesisLimits.retentionMs} ms, not ${retentionMs}`, remedy: 'correct retentionMs in the route' }
  const illegal = [name, subscription?.name].find((part) => part !== undefined && !/^[A-Za-z0-9_.-]{1,128}$/.test(part))
  if (illegal === undefined) return undefined
  return {
    refused: `the name ${illegal.slice(0, 100)} is not 1 to ${kinesisLimits.nameLength} letters, digits, dots, hyphens and underscores`,
    remedy: 'give a legal name in the route',
  }
}

/** A partition key has 1 to 256 characters, of which those outside the basic plane are two units each. */
function refuseKey(message: Outgoing, { destination }: Endpoint): BrokerError | undefined {
  const key = partitionKey(message)
  if (key !== '' && (key.length <= partitionKeyLength || (key.length <= 2 * partitionKeyLength && Array.from(key).length <= partitionKeyLength)))
    return undefined
  return memoryError('ERR_INVALID', `${destination}: a partition key has 1 to ${partitionKeyLength} characters`, { destination, messageId: message.id })
}

/** Data and partition key count; headers travel in the data. */
function sizeOf(message: Outgoing): number {
  return message.bodyBytes + textBytes(partitionKey(message)) + headerBytes(message.headers)
}

function capabilities(kind: Endpoint['kind']): Capabilities {
  return {
    kind,
    delivery: 'at-least-once',
    ordering: 'key',
    keyHold: 'process',
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
    redrive: kind === 'queue' ? 'copy' : 'none',
    replay: kind === 'stream' ? { earliest: true, timestamp: true, position: true } : false,
    filter: 'none',
    headerFilter: 'none',
    addressTemplates: 'none',
    deliveryAttempt: 'none',
    maxMessageBytes: kinesisLimits.recordBytes,
    maxHeaders: false,
    maxBatch: { messages: kinesisLimits.batchRecords, bytes: kinesisLimits.batchBytes, inFlight: 8 },
    competingConsumers: true,
    subscriptions: kind === 'queue' ? false : 'durable',
    requestReply: false,
    timeToLive: false,
    priority: false,
    stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'approximate' },
    timestampResolutionMs: 1,
    confirms: true,
  }
}
