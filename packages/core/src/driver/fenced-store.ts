/** Longest lease and time to live that every {@link FencedStore} takes, in milliseconds: a hundred years of 365 days, far from where servers stop counting. */
export const longestClaimMs = 3_153_600_000_000

/** A value now or later. Stores in memory answer at once and cost no turn of the event loop. */
export type MaybePromise<T> = T | Promise<T>

export interface ClaimRequest {
  readonly key: string
  /** Token of the claimant. The same owner may claim again (a repeated call after a lost answer). */
  readonly owner: string
  readonly leaseMs: number
}

export type ClaimResult =
  /** `fence` rises with every new owner of the key. `note`: what an owner before has left, see {@link LeaseStore}. */
  | { readonly state: 'claimed'; readonly fence: number; readonly note?: string }
  | { readonly state: 'busy'; readonly expiresInMs: number }
  | { readonly state: 'done'; readonly value: string }

/** A held claim. */
export interface Claim {
  readonly key: string
  readonly owner: string
  readonly fence: number
}

export interface StoredClaim {
  readonly key: string
  readonly state: 'busy' | 'done'
  readonly owner?: string
  readonly fence: number
  readonly value?: string
  /** Of a claim that is busy; see {@link LeaseStore}. */
  readonly note?: string
  readonly expiresInMs: number
}

/** A held claim, and what the next owner of its key shall know. */
export interface Note extends Claim {
  readonly note: string
}

/**
 * Claims with an owner, a fence and an expiry: behind idempotency and shard leases. Keys, owners and values are any texts. Every operation may be repeated after a
 * lost answer. A claim whose lease has ended is lost, also if nobody else has taken the key. Leases and times to live are 0 to {@link longestClaimMs} milliseconds; a
 * longer one is kept for at least that long, or refused with a `RangeError`, at every call. Certified by `@busbar/contract-tests/store`.
 */
export interface FencedStore {
  claim(request: ClaimRequest): MaybePromise<ClaimResult>
  /** Per claim: still ours for `leaseMs`, or lost. */
  renew(claims: readonly Claim[], leaseMs: number): MaybePromise<readonly ('renewed' | 'lost')[]>
  /** Ends a claim and keeps `value` for `ttlMs`. Repeated, it keeps the first value. */
  complete(claim: Claim, value: string, ttlMs: number): MaybePromise<'completed' | 'lost'>
  /** Ends a claim without a trace but for the fence, which goes on rising. Repeated, it answers either and frees nothing that is not this claim. */
  release(claim: Claim): MaybePromise<'released' | 'lost'>
  /** Claims whose key begins with `prefix`, paged, in any order. A page may hold fewer than `limit` while more follow; what changes meanwhile may be missing or come twice. */
  scan(
    prefix: string,
    options: { readonly cursor?: string; readonly limit: number },
  ): MaybePromise<{ readonly claims: readonly StoredClaim[]; readonly cursor?: string }>
}

/** A {@link FencedStore} whose claims hand something on, such as how far a shard has been read. */
export interface LeaseStore extends FencedStore {
  /**
   * Per claim: still ours for `leaseMs`, with a note that whoever claims the key later is given; or lost, and nothing is changed. The last note counts. It is kept for
   * `ttlMs` from now, whether the claim is released or its lease ends; completing the claim ends it.
   */
  save(notes: readonly Note[], leaseMs: number, ttlMs: number): MaybePromise<readonly ('saved' | 'lost')[]>
}
