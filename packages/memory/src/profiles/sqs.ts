import { packMetadata, type BrokerError, type Capabilities, type Endpoint, type Outgoing, type Refusal } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { Profile, ProfileSettings } from './profile.ts'
import { textBytes } from './size.ts'

/** Limits of Amazon SQS, as of 2026; each is pinned by a test to the row of the reference that it comes from. */
export const sqsLimits = {
  messageBytes: 1_048_576,
  batchMessages: 10,
  receiveMessages: 10,
  delayMs: 900_000,
  visibilityMs: 43_200_000,
  retentionMs: 345_600_000,
  inFlight: 120_000,
  /** FIFO: messages from the front on, among which a group is looked for. */
  lookAhead: 120_000,
  purgeEveryMs: 60_000,
  deduplicationMs: 300_000,
  /** Ten attributes, less one for Busbar's metadata and one for headers that do not fit. */
  headerAttributes: 8,
  idLength: 128,
  nameLength: 80,
} as const

const unused = {
  moves: true,
  stream: { shards: 1, retentionMs: 1, firstSequence: 1n, write: { bytes: 1, records: 1 } },
  browses: false,
  counts: true,
  replies: false,
  addressBytes: false,
} as const

/** Amazon SQS standard queues: best-effort order, duplicates, and receipts that still delete when they have expired. */
export const sqsStandard: Profile = {
  ...unused,
  name: 'sqs-standard',
  capabilities: (endpoint, settings) => onlyQueues(endpoint, sqsName(endpoint.name)) ?? sqsCapabilities('queue', false, settings),
  physicalName: sqsName,
  engine: () => 'queue',
  queue: (_endpoint, settings) => sqsBehaviour(false, settings),
  topicDeduplicationMs: () => undefined,
  maxSubscriptions: () => Infinity,
  cannotShow: () => undefined,
  sizeOf: sqsSize,
  refuse: refuseContent,
}

/** Amazon SQS FIFO queues: groups in order, held back by the broker while their first message is out. */
export const sqsFifo: Profile = {
  ...unused,
  name: 'sqs-fifo',
  capabilities: (endpoint, settings) => onlyQueues(endpoint, sqsFifoName(endpoint.name)) ?? sqsCapabilities('queue', true, settings),
  physicalName: sqsFifoName,
  engine: () => 'queue',
  queue: (_endpoint, settings) => sqsBehaviour(true, settings),
  topicDeduplicationMs: () => undefined,
  maxSubscriptions: () => Infinity,
  cannotShow: () => undefined,
  sizeOf: sqsSize,
  refuse: refuseContent,
}

export function sqsCapabilities(kind: 'queue' | 'topic', fifo: boolean, settings: ProfileSettings): Capabilities {
  return {
    kind,
    delivery: 'at-least-once',
    ordering: fifo ? 'key' : 'none',
    keyHold: fifo ? 'broker' : false,
    lease: { kind: 'message', ms: settings.leaseMs, maxMs: sqsLimits.visibilityMs },
    settlement: { mode: 'individual', maxBatch: sqsLimits.batchMessages, lingerMs: 5 },
    releaseCounts: true,
    batchOrder: 'partial',
    callOrder: 'none',
    redelivery: { immediate: true, delayed: { maxMs: sqsLimits.visibilityMs, keepsOrder: fifo }, onReconnect: false },
    delay: fifo ? false : { maxMs: sqsLimits.delayMs, resolutionMs: 1_000 },
    deduplication: fifo ? { windowMs: sqsLimits.deduplicationMs } : false,
    deadLetter: 'emulated',
    peek: 'disturbing',
    redrive: kind === 'queue' ? 'native' : 'copy',
    replay: false,
    filter: 'none',
    headerFilter: 'none',
    addressTemplates: 'none',
    deliveryAttempt: 'upper-bound',
    maxMessageBytes: sqsLimits.messageBytes,
    maxHeaders: false,
    maxBatch: { messages: sqsLimits.batchMessages, bytes: sqsLimits.messageBytes, inFlight: 16 },
    competingConsumers: true,
    subscriptions: kind === 'topic' ? 'durable' : false,
    requestReply: false,
    timeToLive: false,
    priority: false,
    stats: { ready: 'approximate', inFlight: 'approximate', delayed: 'approximate', oldestAgeMs: 'none' },
    timestampResolutionMs: 1,
    confirms: true,
  }
}

export function sqsBehaviour(fifo: boolean, settings: ProfileSettings): QueueBehaviour {
  return {
    order: fifo ? 'groups' : 'fair',
    lease: { ms: settings.leaseMs, maxMs: sqsLimits.visibilityMs },
    maxHoldMs: Infinity,
    settlement: 'individual',
    answer: 'durable',
    lateSettle: fifo ? 'repeated' : 'works',
    givesBack: true,
    releaseCounts: true,
    ownIds: true,
    tellsCount: true,
    stepMs: 1_000,
    delays: !fifo,
    delayReachesStored: fifo,
    timeToLiveStepMs: 1,
    expiresDelivered: true,
    deadLettersExpired: false,
    retentionMs: sqsLimits.retentionMs,
    movedKeepsAge: !fifo,
    maxInFlight: sqsLimits.inFlight,
    lookAhead: sqsLimits.lookAhead,
    maxUnsettled: Infinity,
    maxSettle: sqsLimits.batchMessages,
    maxRetryMs: sqsLimits.visibilityMs,
    retryBy: 'place',
    carriesAttempt: false,
    requeue: 'return-order',
    maxReceive: sqsLimits.receiveMessages,
    priorities: 1,
    deduplication: fifo ? { windowMs: sqsLimits.deduplicationMs } : false,
    discards: false,
    disorder: fifo ? 1 : settings.disorder,
    exclusive: false,
    purges: 'everything',
    purgeEveryMs: sqsLimits.purgeEveryMs,
  }
}

/** Dots are illegal in SQS names (`orders.dead`), so they become hyphens. */
export function sqsName(name: string): string {
  return name.replaceAll('.', '-')
}

export function sqsFifoName(name: string): string {
  return `${sqsName(name.endsWith('.fifo') ? name.slice(0, -5) : name)}.fifo`
}

export function refuseName(physicalName: string, maxLength: number): Refusal | undefined {
  if (physicalName.length <= maxLength && /^[A-Za-z0-9_-]+(\.fifo)?$/.test(physicalName)) return undefined
  return {
    refused: `the name ${physicalName.slice(0, 100)} is not 1 to ${maxLength} letters, digits, hyphens and underscores`,
    remedy: 'give a legal name in the route',
  }
}

/** Text that SQS takes as a body: not empty, and of the characters that XML 1.0 has. */
export function isSqsText(text: string): boolean {
  return text !== '' && !illegal.test(text)
}

/**
 * Bytes as SQS counts them: the body and, for each attribute, its name, its data type and its value. Bodies that SQS does not take as they are (bytes, control
 * characters, none at all) travel as base64, with an attribute that says so. Headers beyond the eighth, and those that cannot be attributes, go together into one.
 */
export function sqsSize(message: Outgoing): number {
  let bytes = typeof message.body === 'string' && isSqsText(message.body) ? message.bodyBytes : base64Bytes(message.bodyBytes)
  let packed: Record<string, string> | undefined
  let attributes = 0
  for (const [name, value] of Object.entries(message.headers)) {
    if (attributes < sqsLimits.headerAttributes && isAttribute(name, value)) {
      attributes++
      bytes += attributeBytes(name, value)
    } else (packed ??= {})[name] = value
  }
  if (packed !== undefined) bytes += attributeBytes('busbar-headers', JSON.stringify(packed))
  const metadata = packMetadata(withoutUndefined(message))
  return metadata === undefined ? bytes : bytes + attributeBytes('busbar', metadata)
}

/** What no encoding can make good. */
export function refuseContent(message: Outgoing, endpoint: Endpoint): BrokerError | undefined {
  const refused = (reason: string): BrokerError =>
    memoryError('ERR_INVALID', `${endpoint.destination}: ${reason}`, { destination: endpoint.destination, messageId: message.id })
  for (const value of Object.values(message.headers)) if (illegalEvenPacked.test(value)) return refused('a header has a character that is not allowed')
  for (const id of [message.key, message.deduplicationId])
    if (id !== undefined && !/^[!-~]{1,128}$/.test(id)) return refused('keys and deduplication ids have 1 to 128 characters from ! to ~')
  return undefined
}

/** SQS has queues only. */
function onlyQueues(endpoint: Endpoint, physicalName: string): Refusal | undefined {
  if (endpoint.kind === 'topic') return { refused: 'SQS has no topics', remedy: 'route it to the sns driver' }
  if (endpoint.kind === 'stream') return { refused: 'SQS has no streams', remedy: 'route it to the kinesis driver, or use a queue or a topic, without replay' }
  return refuseName(physicalName, sqsLimits.nameLength)
}

// #x9 #xA #xD #x20–#xD7FF #xE000–#xFFFD #x10000–#x10FFFF are legal.
const illegal = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u
// JSON escapes everything else.
const illegalEvenPacked = /[\u{FFFE}\u{FFFF}]/u

function isAttribute(name: string, value: string): boolean {
  return value !== '' && !illegal.test(value) && name.length <= 256 && /^(?!aws\.|amazon\.)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/i.test(name)
}

function base64Bytes(bytes: number): number {
  return bytes === 0 ? 0 : Math.ceil(bytes / 3) * 4 + attributeBytes('busbar-encoding', 'base64')
}

/** Bytes of one attribute: its name, its complete data type and its value. `value`: text, or the number of its bytes. */
export function attributeBytes(name: string, value: string | number, dataType: string = 'String'): number {
  return textBytes(name) + textBytes(dataType) + (typeof value === 'number' ? value : textBytes(value))
}

/** The key is native on FIFO queues and a tenant on standard ones (`MessageGroupId`), so it is not packed. */
function withoutUndefined({ id, type, contentType, timestamp, attempt, correlationId, replyTo }: Outgoing): Parameters<typeof packMetadata>[0] {
  return Object.fromEntries(Object.entries({ id, type, contentType, timestamp, attempt, correlationId, replyTo }).filter(([, value]) => value !== undefined))
}
