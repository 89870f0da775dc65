import type { ClaimRequest, ClaimResult } from '@busbar/core/driver'
import { memoryStore, type MemoryStore } from '@busbar/memory'
import { broken, holder, look, madeUpFence, remembering, sound, type StoreMutant } from './store-mutant.ts'

/** Changes the answers to claims. */
const answers = (change: (result: ClaimResult, request: ClaimRequest, store: MemoryStore) => ClaimResult): StoreMutant['make'] =>
  broken(({ store }) => ({ claim: (request) => change(store.claim(request), request, store) }))

/** Changes the answers to repeated claims of an owner that has the key. */
const repeated = (change: (result: Extract<ClaimResult, { state: 'claimed' }>, request: ClaimRequest, store: MemoryStore, leftMs: number) => ClaimResult) =>
  broken(({ store }) => ({
    claim: (request) => {
      const before = look(store, request.key)
      const result = store.claim(request)
      return result.state === 'claimed' && before?.fence === result.fence ? change(result, request, store, before.expiresInMs) : result
    },
  }))

const claimed: ClaimResult = { state: 'claimed', fence: madeUpFence }
const turn = async (): Promise<void> => {
  for (let count = 0; count < 10; count++) await Promise.resolve()
}

export const claimFaults: readonly StoreMutant[] = [
  {
    name: 'fence-missing',
    fault: 'gives fence 0 to everybody',
    killedBy: 'claims/free-key',
    make: answers((result) => (result.state === 'claimed' ? { ...result, fence: 0 } : result)),
  },
  {
    name: 'fence-too-large',
    fault: 'counts fences where numbers have no units any more',
    killedBy: 'claims/free-key',
    make: answers((result) => (result.state === 'claimed' ? { ...result, fence: result.fence + 2 ** 53 } : result)),
  },
  {
    name: 'busy-ignored',
    fault: 'gives a claimed key to the next who asks',
    killedBy: 'claims/busy',
    make: answers((result) => (result.state === 'busy' ? claimed : result)),
  },
  {
    name: 'busy-time-unknown',
    fault: 'says of every busy key that it is free at once',
    killedBy: 'claims/busy',
    make: answers((result) => (result.state === 'busy' ? { ...result, expiresInMs: 0 } : result)),
  },
  {
    name: 'busy-time-from-other-lease',
    fault: "tells who asks about a busy key the asker's own lease",
    killedBy: 'claims/busy',
    make: answers((result, { leaseMs }) => (result.state === 'busy' ? { ...result, expiresInMs: leaseMs } : result)),
  },
  {
    name: 'same-owner-is-busy',
    fault: 'tells the owner that its own key is busy',
    killedBy: 'claims/same-owner',
    make: repeated((_result, { leaseMs }) => ({ state: 'busy', expiresInMs: leaseMs })),
  },
  {
    name: 'same-owner-new-fence',
    fault: 'tells a new fence at a repeated claim',
    killedBy: 'claims/same-owner',
    make: repeated((result) => ({ ...result, fence: result.fence + 1 })),
  },
  {
    name: 'same-owner-loses-claim',
    fault: 'makes a new claim at a repeated one, and tells the fence of the old',
    killedBy: 'claims/same-owner',
    make: repeated((result, request, store) => {
      store.release({ ...request, fence: result.fence })
      store.claim(request)
      return result
    }),
  },
  {
    name: 'same-owner-keeps-lease',
    fault: 'does not begin the lease anew at a repeated claim',
    killedBy: 'claims/same-owner-lease',
    make: repeated((result, request, store, leftMs) => {
      store.renew([{ ...request, fence: result.fence }], leftMs)
      return result
    }),
  },
  {
    name: 'done-is-free',
    fault: 'gives a completed key to whoever asks',
    killedBy: 'claims/done',
    make: answers((result) => (result.state === 'done' ? claimed : result)),
  },
  {
    name: 'done-is-free-for-owner',
    fault: 'lets the owner claim again what it has completed',
    killedBy: 'claims/done',
    make: remembering(
      () => new Map<string, string>(),
      ({ store }, completedBy) => ({
        claim: (request) => (completedBy.get(request.key) === request.owner ? claimed : store.claim(request)),
        complete: (claim, value, ttlMs) => {
          completedBy.set(claim.key, claim.owner)
          return store.complete(claim, value, ttlMs)
        },
      }),
    ),
  },
  {
    name: 'done-without-value',
    fault: 'says that a key is completed and not with what',
    killedBy: 'claims/done',
    make: answers((result) => (result.state === 'done' ? { ...result, value: '' } : result)),
  },
  {
    name: 'release-frees-all-of-owner',
    fault: 'releases all claims of an owner with one of them',
    killedBy: 'claims/apart',
    make: broken(({ store }) => ({
      release: (claim) => {
        const result = store.release(claim)
        for (const { key, owner, fence } of store.scan('', { limit: 10_000 }).claims) if (owner === claim.owner) store.release({ key, owner, fence })
        return result
      },
    })),
  },
  {
    name: 'complete-ends-all-of-owner',
    fault: 'completes all claims of an owner with one of them',
    killedBy: 'claims/apart',
    make: broken(({ store }) => ({
      complete: (claim, value, ttlMs) => {
        const result = store.complete(claim, value, ttlMs)
        for (const { key, owner, fence } of store.scan('', { limit: 10_000 }).claims)
          if (owner === claim.owner) store.complete({ key, owner, fence }, value, ttlMs)
        return result
      },
    })),
  },
  {
    name: 'claims-per-client',
    fault: 'keeps the claims of every client apart',
    killedBy: 'claims/shared',
    make:
      () =>
      ({ store, clock, client }) =>
        sound(client === 0 ? store : memoryStore({ clock })),
  },
  {
    name: 'race-both-win',
    fault: 'looks whether a key is free first and takes it later',
    killedBy: 'claims/race',
    make: broken(({ store }) => ({
      claim: async (request) => {
        const free = look(store, request.key) === undefined
        await turn()
        const result = store.claim(request)
        return free && result.state === 'busy' ? claimed : result
      },
    })),
  },
  {
    name: 'race-nobody-wins',
    fault: 'tells all who claim a key at the same time that it is busy',
    killedBy: 'claims/race',
    make: remembering(
      () => new Map<string, number>(),
      ({ store }, crowd) => ({
        claim: async (request) => {
          crowd.set(request.key, (crowd.get(request.key) ?? 0) + 1)
          await turn()
          if ((crowd.get(request.key) ?? 0) > 1) return { state: 'busy', expiresInMs: request.leaseMs }
          crowd.delete(request.key)
          return store.claim(request)
        },
      }),
    ),
  },
  {
    name: 'race-for-expired-both-win',
    fault: 'looks whether a claim has expired first and takes the key later',
    killedBy: 'claims/race-after-expiry',
    make: remembering(
      () => new Set<string>(),
      ({ store }, known) => ({
        claim: async (request) => {
          const expired = known.has(request.key) && holder(store, request.key) === undefined
          known.add(request.key)
          await turn()
          const result = store.claim(request)
          return expired && result.state === 'busy' ? { ...claimed } : result
        },
      }),
    ),
  },
]
