import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { checkedInteger, checkedNumber, longestClaimMs, type Claim, type ClaimRequest, type ClaimResult, type LeaseStore, type Note } from '@busbar/core/driver'
import { Calls } from './calls.ts'
import { isAlive, leftMs, numberValue, readClaim } from './claim-item.ts'
import { encode, placeOf, type Place } from './key-names.ts'
import { resolveOptions, type DynamoStoreOptions, type ResolvedOptions } from './options.ts'
import { inParallel } from './parallel.ts'
import { scanClaims, type ScanPage } from './scan.ts'
import { createTable, verifyTable, type TableOptions } from './table.ts'
import type { TableApi, Updated } from './table-api.ts'
import { loadNote, loadText, storeText } from './values.ts'

/** A {@link LeaseStore} in DynamoDB, to be closed when it is no longer needed. */
export interface DynamoStore extends LeaseStore, AsyncDisposable {
  claim(request: ClaimRequest): Promise<ClaimResult>
  renew(claims: readonly Claim[], leaseMs: number): Promise<readonly ('renewed' | 'lost')[]>
  complete(claim: Claim, value: string, ttlMs: number): Promise<'completed' | 'lost'>
  release(claim: Claim): Promise<'released' | 'lost'>
  save(notes: readonly Note[], leaseMs: number, ttlMs: number): Promise<readonly ('saved' | 'lost')[]>
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
        UpdateExpression: `SET kind = :done, endsAt = :end, lastsMs = :lasts, deleteAt = :deleteAt, ${name} = :value REMOVE note, noteParts, noteEndsAt`,
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

  async save(notes: readonly Note[], leaseMs: number, ttlMs: number): Promise<readonly ('saved' | 'lost')[]> {
    const [lease, ttl] = [whole('leaseMs', leaseMs), whole('ttlMs', ttlMs)]
    if (notes.length === 0) return []
    return this.#calls.run('save', (api) =>
      inParallel(notes, this.#options.maxParallel, async (note) => ((await this.#save(api, note, lease, ttl)) ? 'saved' : 'lost')),
    )
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
      if (taken.met) return { state: 'claimed', fence: readClaim(taken.item).fence, ...(await loadNote(api, taken.item)) }
      const { found } = taken
      if (found === undefined) continue
      const claim = readClaim(found)
      if (!isAlive(claim, api.now())) continue
      if (claim.kind === 'done') return { state: 'done', value: (await loadText(api, 'outcome', found)) ?? '' }
      if (claim.claimant !== owner) return { state: 'busy', expiresInMs: leftMs(claim, api.now()) }
      if (await this.#renew(api, { key, owner, fence: claim.fence }, leaseMs)) return { state: 'claimed', fence: claim.fence, ...(await loadNote(api, found)) }
    }
  }

  #take(api: TableApi, key: string, owner: string, leaseMs: number): Promise<Updated> {
    const place = placeOf(key)
    const encoded = encode(key)
    const isWhole = place.name.length === encoded.length + 1
    const { earliest } = api.now()
    return this.#extend(api, place, leaseMs, {
      set: `kind = :busy, fence = if_not_exists(fence, :micros) + :one, claimant = :owner${isWhole ? '' : ', wholeKey = :key'}`,
      remove: 'REMOVE outcome, outcomeParts',
      condition: 'attribute_not_exists(fence) OR endsAt <= :now',
      values: {
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
    const { met } = await this.#extend(api, placeOf(claim.key), leaseMs, { condition: held, values: heldValues(api, claim) })
    return met
  }

  /** Begins a lease. The item must not be deleted before a note in it ends, so where that is later the time of its deletion stays. */
  async #extend(api: TableApi, place: Place, leaseMs: number, { set, remove = '', condition, values }: Extension): Promise<Updated> {
    const { ':deleteAt': deleteAt, ...end } = this.#end(api, leaseMs)
    const assignments = `SET ${set === undefined ? '' : `${set}, `}endsAt = :end, lastsMs = :lasts`
    const updated = await api.update(place, {
      UpdateExpression: `${assignments}, deleteAt = :deleteAt ${remove}`,
      ConditionExpression: `(${condition}) AND (attribute_not_exists(noteEndsAt) OR deleteAt <= :deleteAt)`,
      ExpressionAttributeValues: { ...values, ...end, ':deleteAt': deleteAt },
    })
    if (updated.met || updated.found?.['noteEndsAt'] === undefined) return updated
    return api.update(place, { UpdateExpression: `${assignments} ${remove}`, ConditionExpression: condition, ExpressionAttributeValues: { ...values, ...end } })
  }

  async #save(api: TableApi, claim: Note, leaseMs: number, ttlMs: number): Promise<boolean> {
    const { ':end': end, ':lasts': lasts } = this.#end(api, leaseMs)
    const { ':end': noteEnd } = this.#end(api, ttlMs)
    const { ':deleteAt': deleteAt } = this.#end(api, Math.max(leaseMs, ttlMs))
    const [[name, text] = ['note', { S: '' }]] = Object.entries(await storeText(api, 'note', claim.note, deleteAt))
    const { met } = await api.update(placeOf(claim.key), {
      UpdateExpression: `SET endsAt = :end, lastsMs = :lasts, deleteAt = :deleteAt, noteEndsAt = :noteEnd, ${name} = :note REMOVE ${name === 'note' ? 'noteParts' : 'note'}`,
      ConditionExpression: held,
      ExpressionAttributeValues: { ...heldValues(api, claim), ':end': end, ':lasts': lasts, ':deleteAt': deleteAt, ':noteEnd': noteEnd, ':note': text },
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

/** What else is done with an item whose lease begins anew. */
interface Extension {
  readonly set?: string
  readonly remove?: string
  readonly condition: string
  readonly values: Record<string, AttributeValue>
}

function heldValues(api: TableApi, { owner, fence }: Claim): Record<string, AttributeValue> {
  return { ':busy': { S: 'busy' }, ':fence': numberValue(fence), ':owner': { S: encode(owner) }, ':now': numberValue(api.now().earliest) }
}

function whole(what: string, ms: number): number {
  return Math.ceil(checkedNumber(`dynamodb: ${what}`, ms, 0, longestClaimMs))
}
