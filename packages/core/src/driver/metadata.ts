import type { Outgoing } from './sender.ts'

/** Name of the one header that carries what a backend has no native field for. */
export const metadataHeader = 'busbar'

/** Newest version that {@link packMetadata} writes and {@link unpackMetadata} understands. */
export const metadataVersion = 1

/** The parts of a message that may have to travel in the packed header. */
export interface Metadata extends Partial<Pick<Outgoing, 'type' | 'contentType' | 'key' | 'correlationId' | 'replyTo'>> {
  readonly id?: string | undefined
  readonly timestamp?: number | undefined
  readonly attempt?: number | undefined
  /** Where a retry is a copy: deliveries counted before this copy was made. */
  readonly deliveries?: number | undefined
}

/** Of a message without the packed header. */
export const noMetadata: Metadata = Object.freeze({})

const names = { id: 'i', type: 't', contentType: 'c', timestamp: 's', key: 'k', attempt: 'a', deliveries: 'd', correlationId: 'r', replyTo: 'to' } as const
const texts = ['id', 'type', 'contentType', 'key', 'correlationId', 'replyTo'] as const
/** Core sends no longer `id`, `type` or `key` than 128 characters; AMQP has room for 255 bytes in the first two. */
const maxIdentity = 255
const maxText = 1_024
const numbers = ['timestamp', 'attempt', 'deliveries'] as const

/**
 * Compact JSON of the fields that are set: `{"v":1,"k":"truck-7","a":2}`. Pass only what the backend has no native field for.
 * `undefined` if nothing is set (0 counts as not set). At most 1 KiB, because core bounds every field.
 */
export function packMetadata(metadata: Metadata): string | undefined {
  let packed: Record<string, unknown> | undefined
  for (const field of texts) if (metadata[field] !== undefined) (packed ??= { v: metadataVersion })[names[field]] = metadata[field]
  for (const field of numbers) if (metadata[field]) (packed ??= { v: metadataVersion })[names[field]] = metadata[field]
  return packed && JSON.stringify(packed)
}

/** Reads what {@link packMetadata} wrote. Malformed text, wrong types, texts that are empty or too long (ids, types and keys above 255 characters, others above 1,024), and newer versions yield no fields: the body is delivered all the same. */
export function unpackMetadata(text: string | undefined): Metadata {
  if (text === undefined || text.length > 4096) return noMetadata
  const packed = parseObject(text)
  if (packed?.['v'] !== metadataVersion) return noMetadata
  return {
    id: textOf(packed[names.id], maxIdentity),
    type: textOf(packed[names.type], maxIdentity),
    contentType: textOf(packed[names.contentType], maxText),
    key: textOf(packed[names.key], maxIdentity),
    correlationId: textOf(packed[names.correlationId], maxText),
    replyTo: textOf(packed[names.replyTo], maxText),
    timestamp: countOf(packed[names.timestamp]),
    attempt: countOf(packed[names.attempt]),
    deliveries: countOf(packed[names.deliveries]),
  }
}

function textOf(value: unknown, longest: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= longest ? value : undefined
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
