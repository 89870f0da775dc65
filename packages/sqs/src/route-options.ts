import { deliveriesPerAttempt, type Endpoint } from '@busbar/core/driver'
import { configuration } from './errors.ts'
import { limits } from './limits.ts'
import { booleanOf, checkKnown, integer, optional, textOf, wholeSeconds } from './option-checks.ts'
import type { ResolvedOptions } from './options.ts'
import { checkStatements, type PolicyStatement } from './policy.ts'
import { saysFifo, wantsFifo } from './names.ts'

/** Options of a destination on SQS: `routes: { orders: { options: { … } } }`. */
export interface SqsRouteOptions {
  /** FIFO queue (`<name>.fifo`): order per key, deduplication, no delayed sends. Default: true with ordering keys, with a name that ends in `.fifo`, and for the dead letters of a FIFO queue. Fixed at creation. */
  readonly fifo?: boolean
  /** Visibility timeout of received messages. Bounds and default: the driver's. */
  readonly visibilityTimeoutMs?: number
  /**
   * How often a message is delivered before SQS itself moves it to the dead-letter queue: a net for crash loops, at least 10 times the attempts of the consumer's
   * retry policy. 1 to 1,000. Default: that, at least 100. Maps to `maxReceiveCount` of the `RedrivePolicy`.
   */
  readonly maxReceiveCount?: number
  /** How long messages are kept, in milliseconds. 60,000 to 1,209,600,000 (14 days); whole seconds. Default of a new queue: SQS's 4 days; of a dead-letter queue: 14 days. */
  readonly retentionMs?: number
  /** Default of a new queue: `sse-sqs`; of a new dead-letter queue: as its source. With a key of KMS, senders and receivers need permissions for it. */
  readonly encryption?: 'sse-sqs' | { readonly kmsKeyId: string; readonly dataKeyReuseMs?: number }
  /** FIFO only: throughput and deduplication per key instead of per queue. Default false. Maps to `FifoThroughputLimit` and `DeduplicationScope`. */
  readonly highThroughput?: boolean
  /**
   * Statements for the queue's access policy, each with a `Sid`: your own, or those of {@link allowTopic}, {@link allowBucket}, {@link allowRule} and {@link allowAccount}.
   * One with the same `Sid` is replaced, all others are left alone.
   */
  readonly policy?: readonly PolicyStatement[]
  /** Standard queues only: the header whose value names the tenant of a fair queue. Messages without it are their own tenants. Maps to `MessageGroupId`. */
  readonly tenantHeader?: string
  /**
   * `sns`: the queue is subscribed to a topic without raw delivery. What SNS puts into its envelope is the message then: its body, headers from attributes and, as
   * `subject`, the subject, its id and its timestamp. Signatures are not verified: the queue's policy says who may send. What is no such envelope is given up as
   * undecodable. Default: bodies are taken as they are.
   */
  readonly envelope?: 'sns'
}

export interface ResolvedRouteOptions {
  readonly fifo: boolean
  readonly visibilityTimeoutMs: number
  /** `undefined`: the source has no dead-letter queue at SQS. */
  readonly maxReceiveCount: number | undefined
  readonly retentionMs: number | undefined
  readonly encryption: SqsRouteOptions['encryption']
  readonly highThroughput: boolean
  readonly policy: readonly PolicyStatement[]
  readonly tenantHeader: string | undefined
  readonly envelope: SqsRouteOptions['envelope']
}

const known: readonly (keyof SqsRouteOptions)[] = [
  'fifo',
  'visibilityTimeoutMs',
  'maxReceiveCount',
  'retentionMs',
  'encryption',
  'highThroughput',
  'policy',
  'tenantHeader',
  'envelope',
]

/** A net must not catch what is only given back often, as at every drain. */
const leastReceiveCount = 100

/** Throws `ERR_CONFIGURATION`. */
export function resolveRouteOptions(endpoint: Endpoint, driver: ResolvedOptions): ResolvedRouteOptions {
  const options = endpoint.options as SqsRouteOptions
  checkKnown('sqs', options, known)
  const fifo = fifoOf(endpoint, options)
  const highThroughput = booleanOf('highThroughput', options.highThroughput, false)
  if (highThroughput && !fifo) throw configuration("sqs: option 'highThroughput' is for FIFO queues; standard queues have no such limit")
  const tenantHeader = textOf('tenantHeader', options.tenantHeader)
  if (tenantHeader !== undefined && fifo) throw configuration("sqs: option 'tenantHeader' is for standard queues; on FIFO queues the ordering key is the group")
  return {
    fifo,
    visibilityTimeoutMs: wholeSeconds('visibilityTimeoutMs', options.visibilityTimeoutMs, driver.visibilityTimeoutMs, 1_000, limits.visibilityMs),
    maxReceiveCount: receiveCountOf(endpoint, options),
    retentionMs: optional(options.retentionMs, (value) => wholeSeconds('retentionMs', value, 0, 60_000, limits.retentionMs)),
    encryption: optional(options.encryption, encryptionOf),
    highThroughput,
    policy: options.policy === undefined ? [] : checkStatements(options.policy),
    tenantHeader,
    envelope: optional(options.envelope, envelopeOf),
  }
}

function fifoOf(endpoint: Endpoint, options: SqsRouteOptions): boolean {
  const named = saysFifo(endpoint.name)
  const fifo = booleanOf('fifo', options.fifo, wantsFifo(endpoint))
  if (named && !fifo) throw configuration(`sqs: option 'fifo' is false, and the name ${endpoint.name.slice(0, 100)} is that of a FIFO queue`)
  return fifo
}

function receiveCountOf(endpoint: Endpoint, options: SqsRouteOptions): number | undefined {
  const asked = optional(options.maxReceiveCount, (value) => integer('maxReceiveCount', value, 0, 1, limits.maxReceiveCount))
  if (endpoint.deadLetterName === undefined) return undefined
  const least = deliveriesPerAttempt * endpoint.maxAttempts
  const count = asked ?? Math.max(leastReceiveCount, least)
  if (count > limits.maxReceiveCount)
    throw configuration(
      `sqs: ${endpoint.maxAttempts} attempts need a maxReceiveCount of ${least}, and SQS takes ${limits.maxReceiveCount}; use fewer attempts, or nativeLimit: false`,
    )
  if (count < least)
    throw configuration(`sqs: maxReceiveCount ${count} is below 10 times the ${endpoint.maxAttempts} attempts of the retry policy; set it to at least ${least}`)
  return count
}

function envelopeOf(value: unknown): 'sns' {
  if (value === 'sns') return value
  throw configuration("sqs: option 'envelope' must be 'sns'")
}

function encryptionOf(value: unknown): NonNullable<SqsRouteOptions['encryption']> {
  if (value === 'sse-sqs') return value
  if (typeof value !== 'object' || value === null) throw configuration("sqs: option 'encryption' must be 'sse-sqs' or { kmsKeyId }")
  checkKnown('sqs: encryption', value, ['kmsKeyId', 'dataKeyReuseMs'])
  const { kmsKeyId, dataKeyReuseMs } = value as { readonly kmsKeyId?: unknown; readonly dataKeyReuseMs?: unknown }
  const key = textOf('encryption.kmsKeyId', kmsKeyId)
  if (key === undefined) throw configuration("sqs: option 'encryption' needs a kmsKeyId")
  const reuse = optional(dataKeyReuseMs, (ms) => wholeSeconds('encryption.dataKeyReuseMs', ms, 0, 60_000, 86_400_000))
  return reuse === undefined ? { kmsKeyId: key } : { kmsKeyId: key, dataKeyReuseMs: reuse }
}
