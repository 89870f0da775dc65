import type { Claim, LeaseStore } from '@busbar/core/driver'

export interface CutStore {
  readonly store: LeaseStore
  /** Ends all leases on shards, as a store does that nobody reaches for as long as they last, but at once. */
  readonly cut: () => void
}

/** A store whose leases can be taken from those who hold them. */
export function leasesCutOff(store: LeaseStore): CutStore {
  const held = new Map<string, Claim>()
  return {
    store: {
      claim: async (request) => {
        const result = await store.claim(request)
        if (result.state === 'claimed' && /\/shard[./]/.test(request.key))
          held.set(request.key, { key: request.key, owner: request.owner, fence: result.fence })
        return result
      },
      renew: (claims, leaseMs) => store.renew(claims, leaseMs),
      complete: (claim, value, ttlMs) => store.complete(claim, value, ttlMs),
      release: (claim) => store.release(claim),
      save: (notes, leaseMs, ttlMs) => store.save(notes, leaseMs, ttlMs),
      scan: (prefix, options) => store.scan(prefix, options),
    },
    cut() {
      for (const claim of held.values()) void store.release(claim)
      held.clear()
    },
  }
}
