import type { StoredClaim } from '@busbar/core/driver'
import { leftMs, numberValue, readClaim } from './claim-item.ts'
import { keyOf, type Item, type TableApi } from './table-api.ts'
import { nameBeginning, slotName, slots } from './key-names.ts'
import { loadNote, loadText } from './values.ts'

export interface ScanPage {
  readonly claims: readonly StoredClaim[]
  readonly cursor?: string
}

/** Where a scan stands: the partition, and the last sort key that was looked at in it. */
interface Position {
  readonly slot: number
  readonly after: string | undefined
}

/** Requests after which a page ends, full or not, so that it has its answer in time. */
const mostQueries = 2 * slots

/** Reads only items whose key begins with the prefix, partition by partition. */
export async function scanClaims(api: TableApi, prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
  const claims: StoredClaim[] = []
  let position: Position | undefined = cursor === undefined ? { slot: 0, after: undefined } : readCursor(cursor)
  for (let queries = 0; position !== undefined && claims.length < limit && queries < mostQueries; queries++) {
    const { slot, after }: Position = position
    const { Items = [], LastEvaluatedKey }: { Items?: readonly Item[] | undefined; LastEvaluatedKey?: Item | undefined } = await api.query({
      KeyConditionExpression: 'slot = :slot AND begins_with(claimKey, :beginning)',
      FilterExpression: 'endsAt > :now',
      ExpressionAttributeValues: { ':slot': { S: slotName(slot) }, ':beginning': { S: nameBeginning(prefix) }, ':now': numberValue(api.now().earliest) },
      Limit: limit - claims.length,
      ...(after !== undefined && { ExclusiveStartKey: keyOf({ slot: slotName(slot), name: after }) }),
    })
    for (const item of Items) {
      const claim = await storedClaim(api, item)
      if (claim.key.startsWith(prefix)) claims.push(claim)
    }
    const last = LastEvaluatedKey?.['claimKey']?.S
    position = last !== undefined ? { slot, after: last } : slot + 1 < slots ? { slot: slot + 1, after: undefined } : undefined
  }
  return position === undefined ? { claims } : { claims, cursor: writeCursor(position) }
}

async function storedClaim(api: TableApi, item: Item): Promise<StoredClaim> {
  const claim = readClaim(item)
  const common = { key: claim.key, fence: claim.fence, expiresInMs: leftMs(claim, api.now()) }
  if (claim.kind === 'done') return { ...common, state: 'done', value: (await loadText(api, 'outcome', item)) ?? '' }
  return { ...common, state: 'busy', owner: claim.claimant, ...(await loadNote(api, item)) }
}

function writeCursor({ slot, after }: Position): string {
  return Buffer.from(JSON.stringify(after === undefined ? [slot] : [slot, after])).toString('base64url')
}

/** Throws a `TypeError` for what is not a cursor of this store. */
function readCursor(text: string): Position {
  const [slot, after] = parse(Buffer.from(text, 'base64url').toString())
  if (!Number.isInteger(slot) || (slot as number) < 0 || (slot as number) >= slots || (after !== undefined && typeof after !== 'string'))
    throw new TypeError('scan: the cursor is not one of this store')
  return { slot: slot as number, after }
}

function parse(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(text)
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}
