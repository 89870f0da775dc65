import type { FencedStore } from '@busbar/core/driver'
import type { MemoryStore } from '@busbar/memory'

/** `store`, but for some of its functions. */
export function storeWith(store: MemoryStore, changed: Partial<FencedStore>): FencedStore {
  return {
    claim: (request) => store.claim(request),
    renew: (claims, leaseMs) => store.renew(claims, leaseMs),
    complete: (claim, value, ttlMs) => store.complete(claim, value, ttlMs),
    release: (claim) => store.release(claim),
    scan: (prefix, options) => store.scan(prefix, options),
    ...changed,
  }
}
