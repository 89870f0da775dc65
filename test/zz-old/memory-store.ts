import type { Claim, ClaimRequest, ClaimResult, Clock, FencedStore, StoredClaim } from '@busbar/core/driver'
import { Expiries } from './expiries.ts'

export interface MemoryStoreOptions {
  /** Leases and times to live run on its monotonic time. */
  readonly clock: Clock
}

/** A {@link FencedStore} in this process that answers synchronously. */
export interface MemoryStore extends FencedStore {
  claim(request: ClaimRequest): ClaimResult
  renew(claims: readonly Claim[], leaseMs: number): readonly ('renewed' | 'lost')[]
  complete(claim: Claim, value: string, ttlMs: number): 'completed' | 'lost'
  release(claim: Claim): 'released' | 'lost'
  scan(prefix: string, options: { readonly cursor?: string; readonly limit: number }): { readonly claims: readonly StoredClaim[]; readonly cursor?: string }
  /** Entries held, expired ones included until they are swept. */
  readonly size: number
}

/**
 * Claims in memory: O(1) per claim, renewal, completion and release, and no timer. An expired claim counts as absent at once; its memory is given back by
 * later claims, a few at a time. For tests, single-process programs and the memory driver's streams.
 */
export function memoryStore(options: MemoryStoreOptions): MemoryStore {
  return new ClaimTable(options.clock)
}

interface Entry {
  owner: string
  fence: number
  /** Set once the claim is completed. */
  value: string | undefined
  expiresAt: number
}

/** Expired entries that one claim gives back, at most: twice what it can add, so that they never pile up. */
const sweptPerClaim = 4

class ClaimTable implements MemoryStore {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #expiries = new Expiries()
  #fences = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  claim({ key, owner, leaseMs }: ClaimRequest): ClaimResult {
    const now = this.#clock.monotonic()
    this.#sweep(now)
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAt <= now) {
      const fence = ++this.#fences
      this.#expiries.add(key, now + leaseMs)
      if (entry === undefined) this.#entries.set(key, { owner, fence, value: undefined, expiresAt: now + leaseMs })
      else Object.assign(entry, { owner, fence, value: undefined, expiresAt: now + leaseMs })
      return { state: 'claimed', fence }
    }
    if (entry.value !== undefined) return { state: 'done', value: entry.value }
    if (entry.owner !== owner) return { state: 'busy', expiresInMs: entry.expiresAt - now }
    entry.expiresAt = now + leaseMs
    return { state: 'claimed', fence: entry.fence }
  }

  renew(claims: readonly Claim[], leaseMs: number): readonly ('renewed' | 'lost')[] {
    const now = this.#clock.monotonic()
    return claims.map((claim) => {
      const entry = this.#held(claim, now)
      if (entry === undefined || entry.value !== undefined) return 'lost'
      entry.expiresAt = now + leaseMs
      return 'renewed'
    })
  }

  complete(claim: Claim, value: string, ttlMs: number): 'completed' | 'lost' {
    const now = this.#clock.monotonic()
    const entry = this.#held(claim, now)
    if (entry === undefined) return 'lost'
    // A repeated completion keeps the first value: that is what others may have seen.
    if (entry.value === undefined) this.#expiries.add(claim.key, now + ttlMs)
    entry.value ??= value
    entry.expiresAt = now + ttlMs
    // From here on the fence alone tells; a million remembered owners are a hundred megabytes.
    entry.owner = ''
    return 'completed'
  }

  release(claim: Claim): 'released' | 'lost' {
    const entry = this.#held(claim, this.#clock.monotonic())
    if (entry === undefined || entry.value !== undefined) return 'lost'
    this.#entries.delete(claim.key)
    return 'released'
  }

  scan(
    prefix: string,
    { cursor, limit }: { readonly cursor?: string; readonly limit: number },
  ): { readonly claims: readonly StoredClaim[]; readonly cursor?: string } {
    const now = this.#clock.monotonic()
    const keys: string[] = []
    for (const [key, entry] of this.#entries) if (key.startsWith(prefix) && entry.expiresAt > now && (cursor === undefined || key > cursor)) keys.push(key)
    keys.sort()
    const page = keys.slice(0, limit)
    const claims = page.map((key) => stored(key, this.#entries.get(key) as Entry, now))
    const last = page.at(-1)
    return last === undefined || keys.length === page.length ? { claims } : { claims, cursor: last }
  }

  #held(claim: Claim, now: number): Entry | undefined {
    const entry = this.#entries.get(claim.key)
    return entry !== undefined && entry.expiresAt > now && entry.fence === claim.fence && (entry.value !== undefined || entry.owner === claim.owner) ? entry : undefined
  }

  #sweep(now: number): void {
    for (let looked = 0; looked < sweptPerClaim; looked++) {
      const key = this.#expiries.due(now)
      if (key === undefined) return
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      // It was renewed meanwhile.
      if (entry.expiresAt > now) this.#expiries.add(key, entry.expiresAt)
      else this.#entries.delete(key)
    }
  }
}

function stored(key: string, entry: Entry, now: number): StoredClaim {
  const common = { key, owner: entry.owner, fence: entry.fence, expiresInMs: entry.expiresAt - now }
  return entry.value === undefined ? { ...common, state: 'busy' } : { ...common, state: 'done', value: entry.value }
}
