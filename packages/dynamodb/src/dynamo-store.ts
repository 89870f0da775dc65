import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { checkedInteger, checkedNumber, type Claim, type ClaimRequest, type ClaimResult, type FencedStore } from '@busbar/core/driver'
import { Calls } from './calls.ts'
import { isAlive, leftMs, numberValue, readClaim } from './claim-item.ts'
import { encode, placeOf } from './key-names.ts'
import { resolveOptions, type DynamoStoreOptions, type ResolvedOptions } from './options.ts'
import { inParallel } from './parallel.ts'
import { scanClaims, type ScanPage } from './scan.ts'
import { createTable, verifyTable, type TableOptions } from './table.ts'
import type { TableApi, Updated } from './table-api.ts'
import { loadText, storeText } from './values.ts'

/** A {@link FencedStore} in DynamoDB, to be closed when it is no longer needed. */
export interface DynamoStore extends FencedStore, AsyncDisposable {
  claim(request: ClaimRequest): Promise<ClaimResult>
  renew(claims: readonly Claim[], leaseMs: number): Promise<readonly ('renewed' | 'lost')[]>
  complete(claim: Claim, value: string, ttlMs: number): Promise<'completed' | 'lost'>
  release(claim: Claim): Promise<'released' | 'lost'>
  scan(prefix: string, options: { readonly cursor?: string; readonly limit: number }): Promise<ScanPage>
  /**
   * Makes the table unless it is there, waits until it can be used, and has DynamoDB delete from it what has expired. Takes up to two minutes. May be repeated, and
   * called by several processes at once. Throws `ERR_CONFIGURATION` for a table of that name with another key.
   */
  createTable(options?: TableOptions): Promise<void>
  /** Throws `ERR_NOT_FOUND` without the table, and `ERR_CONFIGURATION` if it has another key, cannot be used yet or no more, or deletes nothing that has expired. */
  verifyTable(): Promise<void>
  /** Lets running calls finish, then ends the connections if the store has made them. Later calls reject with `ERR_CLOSED`. Never rejects. */
  close(): Promise<void>
}

/**
 * Claims in a table of DynamoDB: shared by all processes that use the same table.
 *
 * Each change is one conditional write of one item and atomic. Leases run on the service's time, which comes with its answers, so the clocks of the processes may
 * differ and jump. Every call settles within `timeoutMs`, with a `BrokerError` when the service cannot be reached (`ERR_UNAVAILABLE`), throttles
 * (`ERR_THROTTLED`) or does not answer (`ERR_TIMEOUT`). What was under way then may have been carried out, and can be repeated by the same owner. Until then a
 * request that failed is repeated here.
 *
 * Throws `ERR_CONFIGURATION` for options out of bounds or unknown. Connects at the first call.
 */
export function dynamoStore(options: DynamoStoreOptions = {}): DynamoStore {
  return new TableStore(resolveOptions(options))
}

/** Longest lease and time to live: a hundred years. */
const longestMs = 3_153_600_000_000
const microsPerMs = 1_000

/** That a claim is held. */
const held = 'kind = :busy AND fence = :fence AND claimant = :owner AND endsAt > :now'

class TableStore implements DynamoStore {
  readonly #options: ResolvedOptions
  readonly #calls: Calls

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#calls = new Calls(options)
  }

  async claim({ key, owner, leaseMs }: ClaimRequest): Promise<ClaimResult> {
    const lease = whole('leaseMs', leaseMs)
    return this.#calls.run('claim', (api) => this.#claim(api, key, owner, lease))
  }

  async renew(claims: readonly Claim[], leaseMs: number): Promise<readonly ('renewed' | 'lost')[]> {
    const lease = whole('leaseMs', leaseMs)
    if (claims.length === 0) return []
    return this.#calls.run('renew', (api) =>
      inParallel(claims, this.#options.maxParallel, async (claim) => ((await this.#renew(api, claim, lease)) ? 'renewed' : 'lost')),
    )
  }

  async complete(claim: Claim, value: string, ttlMs: number): Promise<'completed' | 'lost'> {
    const ttl = whole('ttlMs', ttlMs)
    return this.#calls.run('complete', async (api) => {
      const end = this.#end(api, ttl)
      const stored = await storeText(api, 'outcome', value, end[':deleteAt'])
      const [[name, text] = ['', { S: '' }]] = Object.entries(stored)
      const updated = await api.update(placeOf(claim.key), {
        UpdateExpression: `SET kind = :done, endsAt = :end, lastsMs = :lasts, deleteAt = :deleteAt, ${name} = :value`,
        ConditionExpression: held,
        ExpressionAttributeValues: { ...heldValues(api, claim), ...end, ':done': { S: 'done' }, ':value': text },
      })
      // A repeated completion keeps the first value: that is what others may have seen.
      return updated.met || this.#ended(api, updated, claim, 'done') ? 'completed' : 'lost'
    })
  }

  async release(claim: Claim): Promise<'released' | 'lost'> {
    return this.#calls.run('release', async (api) => {
      const updated = await api.update(placeOf(claim.key), {
        UpdateExpression: 'SET kind = :released, endsAt = :zero',
        ConditionExpression: held,
        ExpressionAttributeValues: { ...heldValues(api, claim), ':released': { S: 'released' }, ':zero': numberValue(0) },
      })
      return updated.met || this.#ended(api, updated, claim, 'released') ? 'released' : 'lost'
    })
  }

  async scan(prefix: string, { cursor, limit }: { readonly cursor?: string; readonly limit: number }): Promise<ScanPage> {
    const most = checkedInteger('scan: limit', limit, 1, 10_000)
    return this.#calls.run('scan', (api) => scanClaims(api, prefix, cursor, most))
  }

  async createTable(options: TableOptions = {}): Promise<void> {
    await createTable(this.#calls, this.#options.clock, options)
  }

  verifyTable(): Promise<void> {
    return verifyTable(this.#calls, this.#options.timeoutMs)
  }

  close(): Promise<void> {
    return this.#calls.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** One write if the key is free. Else what is found decides, and where that has changed meanwhile it is looked at again. */
  async #claim(api: TableApi, key: string, owner: string, leaseMs: number): Promise<ClaimResult> {
    for (;;) {
      const taken = await this.#take(api, key, owner, leaseMs)
      if (taken.met) return { state: 'claimed', fence: readClaim(taken.item).fence }
      const { found } = taken
      if (found === undefined) continue
      const claim = readClaim(found)
      if (!isAlive(claim, api.now())) continue
      if (claim.kind === 'done') return { state: 'done', value: (await loadText(api, 'outcome', found)) ?? '' }
      if (claim.claimant !== owner) return { state: 'busy', expiresInMs: leftMs(claim, api.now()) }
      if (await this.#renew(api, { key, owner, fence: claim.fence }, leaseMs)) return { state: 'claimed', fence: claim.fence }
    }
  }

  #take(api: TableApi, key: string, owner: string, leaseMs: number): Promise<Updated> {
    const place = placeOf(key)
    const encoded = encode(key)
    const isWhole = place.name.length === encoded.length + 1
    const { earliest } = api.now()
    return api.update(place, {
      UpdateExpression: `SET kind = :busy, fence = if_not_exists(fence, :micros) + :one, endsAt = :end, lastsMs = :lasts, deleteAt = :deleteAt, claimant = :owner${
        isWhole ? '' : ', wholeKey = :key'
      } REMOVE outcome, outcomeParts`,
      ConditionExpression: 'attribute_not_exists(fence) OR endsAt <= :now',
      ExpressionAttributeValues: {
        ...this.#end(api, leaseMs),
        ':busy': { S: 'busy' },
        ':micros': numberValue(Math.floor(earliest * microsPerMs)),
        ':one': numberValue(1),
        ':now': numberValue(earliest),
        ':owner': { S: encode(owner) },
        ...(isWhole ? {} : { ':key': { S: encoded } }),
      },
    })
  }

  async #renew(api: TableApi, claim: Claim, leaseMs: number): Promise<boolean> {
    const { met } = await api.update(placeOf(claim.key), {
      UpdateExpression: 'SET endsAt = :end, lastsMs = :lasts, deleteAt = :deleteAt',
      ConditionExpression: held,
      ExpressionAttributeValues: { ...heldValues(api, claim), ...this.#end(api, leaseMs) },
    })
    return met
  }

  /** Values for what lasts so long. It ends when that time has passed even if the service's clock is where it is at the latest. */
  #end(api: TableApi, ms: number): Record<':end' | ':lasts' | ':deleteAt', AttributeValue> {
    const end = Math.ceil(api.now().latest + ms)
    return { ':end': numberValue(end), ':lasts': numberValue(ms), ':deleteAt': numberValue(Math.ceil((end + this.#options.fenceMemoryMs) / 1_000)) }
  }

  /** Has this very claim been ended in this way before, by a call whose answer was lost? */
  #ended(api: TableApi, { found }: Updated & { readonly met: false }, { fence }: Claim, kind: 'done' | 'released'): boolean {
    if (found === undefined) return false
    const claim = readClaim(found)
    return claim.kind === kind && claim.fence === fence && (kind === 'released' || isAlive(claim, api.now()))
  }
}

function heldValues(api: TableApi, { owner, fence }: Claim): Record<string, AttributeValue> {
  return { ':busy': { S: 'busy' }, ':fence': numberValue(fence), ':owner': { S: encode(owner) }, ':now': numberValue(api.now().earliest) }
}

function whole(what: string, ms: number): number {
  return Math.ceil(checkedNumber(`dynamodb: ${what}`, ms, 0, longestMs))
}
