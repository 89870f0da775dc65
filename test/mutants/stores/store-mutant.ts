import type { Claim, LeaseStore, StoredClaim } from '@busbar/core/driver'
import type { StoreCaseId } from '@busbar/contract-tests/store'
import type { MemoryStore } from '@busbar/memory'
import type { StoreSite } from '../../contract/harness/memory-store-harness.ts'

/** A store with one fault, built on the memory store. */
export interface StoreMutant {
  readonly name: string
  /** The fault, as a sentence about the store. */
  readonly fault: string
  /** The case that must fail on it. */
  readonly killedBy: StoreCaseId
  /** Made anew for every run: the fault may have a memory, which all clients share. */
  readonly make: () => (site: StoreSite) => LeaseStore
}

/** The sound store but for the functions given. */
export function broken(changes: (site: StoreSite) => Partial<LeaseStore>): StoreMutant['make'] {
  return () => (site) => ({ ...sound(site.store), ...changes(site) })
}

/** The same with a memory that all clients share. */
export function remembering<T>(memory: () => T, changes: (site: StoreSite, memory: T) => Partial<LeaseStore>): StoreMutant['make'] {
  return () => {
    const shared = memory()
    return (site) => ({ ...sound(site.store), ...changes(site, shared) })
  }
}

export function sound(store: LeaseStore): LeaseStore {
  return {
    claim: (request) => store.claim(request),
    renew: (claims, leaseMs) => store.renew(claims, leaseMs),
    complete: (claim, value, ttlMs) => store.complete(claim, value, ttlMs),
    release: (claim) => store.release(claim),
    save: (notes, leaseMs, ttlMs) => store.save(notes, leaseMs, ttlMs),
    scan: (prefix, options) => store.scan(prefix, options),
  }
}

/** What is known of the key. */
export function look(store: MemoryStore, key: string): StoredClaim | undefined {
  const [first] = store.scan(key, { limit: 1 }).claims
  return first?.key === key ? first : undefined
}

/** The claim that holds the key now, whoever asks. */
export function holder(store: MemoryStore, key: string): Claim | undefined {
  const found = look(store, key)
  return found === undefined ? undefined : { key, owner: found.owner ?? '', fence: found.fence }
}

/** Is this claim what holds the key now, or what it was completed by? */
export function holds(store: MemoryStore, { key, owner, fence }: Claim): boolean {
  const found = look(store, key)
  return found?.fence === fence && (found.state === 'done' || found.owner === owner)
}

/** A fence that no claim of the memory store has. */
export const madeUpFence = 1_000_000
