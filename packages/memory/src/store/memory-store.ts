import type { Claim, ClaimRequest, ClaimResult, Clock, FencedStore, StoredClaim } from '@busbar/core/driver'

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
 * later claims, each of which looks at two entries. For tests, single-process programs and the memory driver's streams.
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

class ClaimTable implements MemoryStore {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  #sweeper: MapIterator<[string, Entry]> | undefined
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
    entry.value ??= value
    entry.expiresAt = now + ttlMs
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
    return entry !== undefined && entry.expiresAt > now && entry.owner === claim.owner && entry.fence === claim.fence ? entry : undefined
  }

  #sweep(now: number): void {
    for (let looked = 0; looked < 2; looked++) {
      const next = (this.#sweeper ??= this.#entries.entries()).next()
      if (next.done) this.#sweeper = undefined
      else if (next.value[1].expiresAt <= now) this.#entries.delete(next.value[0])
    }
  }
}

function stored(key: string, entry: Entry, now: number): StoredClaim {
  const common = { key, owner: entry.owner, fence: entry.fence, expiresInMs: entry.expiresAt - now }
  return entry.value === undefined ? { ...common, state: 'busy' } : { ...common, state: 'done', value: entry.value }
}
