import type { FencedStore, LeaseStore } from '@busbar/core/driver'
import type { StoreHarness } from '@busbar/contract-tests/store'
import { memoryStore, virtualClock, type MemoryStore } from '@busbar/memory'
import type { Clock } from '@busbar/core/driver'

/** What a client of a broken store is made of. */
export interface StoreSite {
  readonly store: MemoryStore
  readonly clock: Clock
  /** Number of the client, from 0. */
  readonly client: number
}

export interface MemoryStoreHarnessOptions {
  /** Makes a client out of the sound store: for mutants. */
  readonly wrap?: (site: StoreSite) => LeaseStore
}

/** One memory store in virtual time; all clients are the store itself, or `wrap` around it. */
export function memoryStoreHarness({ wrap = ({ store }) => store }: MemoryStoreHarnessOptions = {}): StoreHarness {
  const virtual = virtualClock()
  let jumpedMs = 0
  const clock: Clock = {
    now: () => virtual.now() + jumpedMs,
    monotonic: () => virtual.monotonic(),
    timer: (atMs, wake) => virtual.timer(atMs, wake),
    external: (operation) => virtual.external(operation),
  }
  const store = memoryStore({ clock })
  let clients = 0
  let keys = 0
  // The calls of the client that are to lose an answer.
  const losing = new WeakSet<FencedStore>()
  return {
    label: { store: 'memory', version: '1', kind: 'simulator' },
    clock,
    bounds: { leaseMs: 10_000, slackMs: 0, caseMs: 30_000 },
    createStore: () => forgetful(wrap({ store, clock, client: clients++ }), losing),
    uniqueKey: (prefix) => `${prefix}-${++keys}-`,
    keepsNotes: true,
    faults: {
      jumpClock: (byMs) => {
        jumpedMs += byMs
      },
      loseNextAnswer: async (client) => void losing.add(client),
    },
  }
}

/** The same store; when it is listed, its next call is carried out and fails. */
function forgetful(store: LeaseStore, losing: WeakSet<FencedStore>): LeaseStore {
  const pass = <T>(answer: T): T => {
    if (!losing.delete(client)) return answer
    throw new Error('the answer was lost')
  }
  const client: LeaseStore = {
    claim: async (request) => pass(await store.claim(request)),
    renew: async (claims, leaseMs) => pass(await store.renew(claims, leaseMs)),
    complete: async (claim, value, ttlMs) => pass(await store.complete(claim, value, ttlMs)),
    release: async (claim) => pass(await store.release(claim)),
    save: async (notes, leaseMs, ttlMs) => pass(await store.save(notes, leaseMs, ttlMs)),
    scan: async (prefix, options) => pass(await store.scan(prefix, options)),
  }
  return client
}
