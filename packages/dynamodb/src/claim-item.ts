import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { dynamoError } from './errors.ts'
import { decode } from './key-names.ts'
import type { TimeBounds } from './service-time.ts'
import type { Item } from './table-api.ts'

/*
 * One item per claim:
 *   slot, claimKey         the table's key: a partition, and the claim's key
 *   kind                   busy, done or released
 *   fence                  rises by one with every claim; that of a new item is the service's time in microseconds
 *   endsAt                 when it ends, by the service's time, in milliseconds since the epoch; 0 if it was released
 *   lastsMs                the lease or time to live that was asked for
 *   claimant               the owner, kept when it is done
 *   outcome, outcomeParts  the value of a completed claim: see values.ts
 *   note, noteParts        what later owners are given, until noteEndsAt
 *   wholeKey               the claim's key where claimKey is too short for it
 *   deleteAt               when DynamoDB may delete the item, in seconds since the epoch
 */

/** What an item says of its claim. */
export interface ClaimItem {
  readonly key: string
  readonly kind: 'busy' | 'done' | 'released'
  readonly fence: number
  readonly endsAt: number
  readonly lastsMs: number
  readonly claimant: string
}

/** Throws `ERR_CONFLICT` for what no store has written. */
export function readClaim(item: Item): ClaimItem {
  const kind = item['kind']?.S
  const fence = Number(item['fence']?.N)
  const endsAt = Number(item['endsAt']?.N)
  const lastsMs = Number(item['lastsMs']?.N ?? 0)
  if ((kind !== 'busy' && kind !== 'done' && kind !== 'released') || ![fence, endsAt, lastsMs].every(Number.isSafeInteger))
    throw dynamoError('ERR_CONFLICT', 'an item of the table is not a claim; use a table of its own for claims')
  const key = decode(item['wholeKey']?.S ?? item['claimKey']?.S?.slice(1) ?? '')
  return { key, kind, fence, endsAt, lastsMs, claimant: decode(item['claimant']?.S ?? '') }
}

/** Has the claim, or its value, not ended yet? */
export function isAlive({ endsAt }: ClaimItem, { earliest }: TimeBounds): boolean {
  return endsAt > earliest
}

/** Never more than was asked for, although the end may be: it is counted from the latest moment that the service's time may have been. */
export function leftMs({ endsAt, lastsMs }: ClaimItem, { earliest }: TimeBounds): number {
  return Math.max(1, Math.min(lastsMs, Math.ceil(endsAt - earliest)))
}

export function numberValue(value: number): AttributeValue {
  return { N: String(value) }
}
