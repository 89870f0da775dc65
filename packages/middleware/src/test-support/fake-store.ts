import type { Claim, ClaimRequest, ClaimResult, FencedStore, StoredClaim } from '@busbar/core/driver'

interface Kept {
  owner: string
  fence: number
  value: string | undefined
  until: number
}

/** A synchronous store with a clock that stands still until `nowMs` is set. Answers as the contract says, written without regard to speed. */
export class FakeStore implements FencedStore {
  nowMs = 0
  /** Names of the calls, in order. */
  readonly calls: string[] = []
  readonly kept: Map<string, Kept> = new Map()
  #fence = 0

  claim({ key, owner, leaseMs }: ClaimRequest): ClaimResult {
    this.calls.push('claim')
    const kept = this.#alive(key)
    if (kept?.value !== undefined) return { state: 'done', value: kept.value }
    if (kept !== undefined && kept.owner !== owner) return { state: 'busy', expiresInMs: kept.until - this.nowMs }
    const fence = kept?.fence ?? ++this.#fence
    this.kept.set(key, { owner, fence, value: undefined, until: this.nowMs + leaseMs })
    return { state: 'claimed', fence }
  }

  renew(claims: readonly Claim[], leaseMs: number): readonly ('renewed' | 'lost')[] {
    this.calls.push('renew')
    return claims.map((claim) => {
      const kept = this.#ours(claim)
      if (kept === undefined) return 'lost'
      kept.until = this.nowMs + leaseMs
      return 'renewed'
    })
  }

  complete(claim: Claim, value: string, ttlMs: number): 'completed' | 'lost' {
    this.calls.push('complete')
    const kept = this.#ours(claim)
    if (kept === undefined) return 'lost'
    kept.value = value
    kept.until = this.nowMs + ttlMs
    return 'completed'
  }

  release(claim: Claim): 'released' | 'lost' {
    this.calls.push('release')
    if (this.#ours(claim) === undefined) return 'lost'
    this.kept.delete(claim.key)
    return 'released'
  }

  scan(prefix: string): { readonly claims: readonly StoredClaim[] } {
    const claims = [...this.kept].filter(([key]) => key.startsWith(prefix))
    return {
      claims: claims.map(([key, { owner, fence, value, until }]) => ({
        key,
        state: value === undefined ? 'busy' : 'done',
        owner,
        fence,
        ...(value === undefined ? {} : { value }),
        expiresInMs: until - this.nowMs,
      })),
    }
  }

  #alive(key: string): Kept | undefined {
    const kept = this.kept.get(key)
    if (kept === undefined || kept.until > this.nowMs) return kept
    this.kept.delete(key)
    return undefined
  }

  #ours({ key, owner, fence }: Claim): Kept | undefined {
    const kept = this.#alive(key)
    return kept?.value === undefined && kept?.owner === owner && kept.fence === fence ? kept : undefined
  }
}

/** The same store, answering in a later turn. */
export function later(store: FakeStore): FencedStore {
  return {
    claim: async (request) => store.claim(request),
    renew: async (claims, leaseMs) => store.renew(claims, leaseMs),
    complete: async (claim, value, ttlMs) => store.complete(claim, value, ttlMs),
    release: async (claim) => store.release(claim),
    scan: async (prefix) => store.scan(prefix),
  }
}

/** As query builders are: not promises, and nothing is done before somebody waits for the answer. */
export function lazily(store: FakeStore): FencedStore {
  // oxlint-disable-next-line unicorn/no-thenable -- that is what query builders are.
  const lazy = <T>(act: () => T): Promise<T> => ({ then: (resolve: (value: T) => unknown) => Promise.resolve().then(act).then(resolve) }) as Promise<T>
  return {
    claim: (request) => lazy(() => store.claim(request)),
    renew: (claims, leaseMs) => lazy(() => store.renew(claims, leaseMs)),
    complete: (claim, value, ttlMs) => lazy(() => store.complete(claim, value, ttlMs)),
    release: (claim) => lazy(() => store.release(claim)),
    scan: (prefix) => lazy(() => store.scan(prefix)),
  }
}
