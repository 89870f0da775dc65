import type { Endpoint } from '@busbar/core/driver'
import { configuration } from './errors.ts'
import { limits } from './limits.ts'
import { booleanOf, checkKnown, integer, optional, textOf, wholeUnits } from './option-checks.ts'

/** Options of a stream, topic or queue on Kinesis: `routes: { positions: { options: { … } } }`. */
export interface KinesisRouteOptions {
  /**
   * Puts headers, type and the other metadata of messages into an envelope around the body, and opens those of what is received. Default false: a record is the body
   * alone, and messages with headers or a type are refused. Places for dead letters always have it.
   */
  readonly envelope?: boolean
  /**
   * Puts messages for one shard together into aggregated records of the Kinesis Producer Library, which its readers split again. `maxBytes`: of one aggregated
   * record, 1,024 to 10,485,760 and never more than {@link KinesisRouteOptions.maxRecordBytes}. Default false; with `true` as large as a record may be.
   */
  readonly aggregate?: boolean | { readonly maxBytes?: number }
  /**
   * The hash key of an ordering key, from 0 to 2¹²⁸ − 1, where it shall not be the key's MD5: keys whose hash keys are in one shard's range go there. Called for every
   * message, and must give the same for the same key, so that its order is kept. Not called for messages without a key. Maps to `ExplicitHashKey`. Not in configuration files.
   */
  readonly explicitHashKey?: (orderingKey: string) => bigint
  /** Largest record, data and partition key, in bytes: 1,048,576 to 10,485,760, a multiple of 1,024. Default 1,048,576. Maps to `MaxRecordSizeInKiB`; a stream that allows less narrows it. */
  readonly maxRecordBytes?: number
  /**
   * Who provides the capacity. Default of a new stream: `on-demand`. An existing stream is changed to what is given here: leave it out where something else scales it.
   * `shards`: 1 to 10,000; at most doubled or halved at once. Maps to `StreamModeDetails` and `ShardCount`.
   */
  readonly capacity?: 'on-demand' | { readonly shards: number }
  /** How long records are kept, in milliseconds: 86,400,000 (24 hours) to 31,536,000,000 (365 days), whole hours. Never lowered on an existing stream. Default of a new stream: 24 hours. */
  readonly retentionMs?: number
  /** Encryption at rest by KMS: with the key of Kinesis itself, or with your own. Default of a new stream: none. Never taken off. */
  readonly encryption?: 'aws-managed' | { readonly kmsKeyId: string }
  /**
   * Each subscription reads by enhanced fan-out: with 2 MiB a second of each shard of its own, pushed as it is written, billed by the hour for each shard. Default
   * false: by polling, which all subscriptions share. Maps to a stream consumer with the name of the subscription, which `provision: 'create'` registers, and nothing deregisters.
   */
  readonly fanOut?: boolean
  /**
   * Takes the records in an aggregated record also where one of them has a key of another shard. Default false: all of them are left out, since the Kinesis Producer
   * Library sends them again after it has met a reshard. Set it where another aggregator puts any keys together: the order of a key is then that of its writing to each shard alone.
   */
  readonly keepMisplaced?: boolean
}

export interface ResolvedRouteOptions {
  readonly envelope: boolean
  /** Largest aggregated record; `undefined`: records go one by one. */
  readonly aggregateBytes: number | undefined
  readonly explicitHashKey: KinesisRouteOptions['explicitHashKey']
  readonly maxRecordBytes: number
  readonly capacity: KinesisRouteOptions['capacity']
  readonly retentionMs: number | undefined
  /** A key of KMS. */
  readonly kmsKeyId: string | undefined
  readonly fanOut: boolean
  readonly keepMisplaced: boolean
}

const known: readonly (keyof KinesisRouteOptions)[] = [
  'envelope',
  'aggregate',
  'explicitHashKey',
  'maxRecordBytes',
  'capacity',
  'retentionMs',
  'encryption',
  'fanOut',
  'keepMisplaced',
]

const managedKey = 'alias/aws/kinesis'

/** Throws `ERR_CONFIGURATION`. */
export function resolveRouteOptions(endpoint: Endpoint): ResolvedRouteOptions {
  const options = endpoint.options as KinesisRouteOptions
  checkKnown('kinesis', options, known)
  const { explicitHashKey } = options
  if (explicitHashKey !== undefined && typeof explicitHashKey !== 'function')
    throw configuration("kinesis: option 'explicitHashKey' must be a function of the ordering key")
  const maxRecordBytes =
    optional(options.maxRecordBytes, (value) => wholeUnits('maxRecordBytes', value, 1_024, limits.recordBytes, limits.largestRecordBytes)) ?? limits.recordBytes
  return {
    // What a dead letter says of itself is in its headers.
    envelope: booleanOf('envelope', options.envelope, endpoint.deadLettersOf !== undefined),
    aggregateBytes: aggregateBytesOf(options.aggregate, maxRecordBytes),
    explicitHashKey,
    maxRecordBytes,
    capacity: optional(options.capacity, capacityOf),
    retentionMs: optional(options.retentionMs, (value) => wholeUnits('retentionMs', value, 3_600_000, limits.retentionMs.least, limits.retentionMs.most)),
    kmsKeyId: optional(options.encryption, kmsKeyIdOf),
    fanOut: booleanOf('fanOut', options.fanOut, false),
    keepMisplaced: booleanOf('keepMisplaced', options.keepMisplaced, false),
  }
}

function aggregateBytesOf(value: unknown, maxRecordBytes: number): number | undefined {
  if (typeof value !== 'object' || value === null) return booleanOf('aggregate', value, false) ? maxRecordBytes : undefined
  checkKnown('kinesis: aggregate', value, ['maxBytes'])
  const { maxBytes } = value as { readonly maxBytes?: unknown }
  return Math.min(maxRecordBytes, integer('aggregate.maxBytes', maxBytes, maxRecordBytes, 1_024, limits.largestRecordBytes))
}

function capacityOf(value: unknown): NonNullable<KinesisRouteOptions['capacity']> {
  if (value === 'on-demand') return value
  if (typeof value !== 'object' || value === null) throw configuration("kinesis: option 'capacity' must be 'on-demand' or { shards }")
  checkKnown('kinesis: capacity', value, ['shards'])
  const { shards } = value as { readonly shards?: unknown }
  if (shards === undefined) throw configuration("kinesis: option 'capacity' needs a number of shards")
  return { shards: integer('capacity.shards', shards, 1, 1, limits.shards) }
}

function kmsKeyIdOf(value: unknown): string {
  if (value === 'aws-managed') return managedKey
  if (typeof value !== 'object' || value === null) throw configuration("kinesis: option 'encryption' must be 'aws-managed' or { kmsKeyId }")
  checkKnown('kinesis: encryption', value, ['kmsKeyId'])
  const key = textOf('encryption.kmsKeyId', (value as { readonly kmsKeyId?: unknown }).kmsKeyId)
  if (key === undefined) throw configuration("kinesis: option 'encryption' needs a kmsKeyId")
  return key
}
