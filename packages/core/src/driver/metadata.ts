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

/** The fields in JSON, in their order. Read, they may have any type. */
type Packed = Record<'v' | 'i' | 't' | 'c' | 'k' | 'r' | 'to' | 's' | 'a' | 'd', unknown>

/** Core sends no longer `id`, `type` or `key` than 128 characters; AMQP has room for 255 bytes in the first two. */
const maxIdentity = 255
const maxText = 1_024

/**
 * Compact JSON of the fields that are set: `{"v":1,"k":"truck-7","a":2}`. Pass only what the backend has no native field for.
 * `undefined` if nothing is set (0 counts as not set). At most 1 KiB, because core bounds every field.
 */
export function packMetadata(metadata: Metadata): string | undefined {
  const { id, type, contentType, key, correlationId, replyTo, timestamp, attempt, deliveries } = metadata
  if ((id ?? type ?? contentType ?? key ?? correlationId ?? replyTo) === undefined && !timestamp && !attempt && !deliveries) return undefined
  const packed: Packed = {
    v: metadataVersion,
    i: id,
    t: type,
    c: contentType,
    k: key,
    r: correlationId,
    to: replyTo,
    s: timestamp || undefined,
    a: attempt || undefined,
    d: deliveries || undefined,
  }
  return JSON.stringify(packed)
}

/** Reads what {@link packMetadata} wrote. Malformed text, wrong types, texts that are empty or too long (ids, types and keys above 255 characters, others above 1,024), and newer versions yield no fields: the body is delivered all the same. */
export function unpackMetadata(text: string | undefined): Metadata {
  if (text === undefined || text.length > 4096) return noMetadata
  const packed = parseObject(text)
  if (packed?.v !== metadataVersion) return noMetadata
  return {
    id: textOf(packed.i, maxIdentity),
    type: textOf(packed.t, maxIdentity),
    contentType: textOf(packed.c, maxText),
    key: textOf(packed.k, maxIdentity),
    correlationId: textOf(packed.r, maxText),
    replyTo: textOf(packed.to, maxText),
    timestamp: countOf(packed.s),
    attempt: countOf(packed.a),
    deliveries: countOf(packed.d),
  }
}

function textOf(value: unknown, longest: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= longest ? value : undefined
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

function parseObject(text: string): Partial<Packed> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
