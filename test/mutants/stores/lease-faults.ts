import { longestClaimMs, type Claim } from '@busbar/core/driver'
import { memoryStore, virtualClock, type MemoryStore } from '@busbar/memory'
import { broken, holder, holds, look, remembering, sound, type StoreMutant } from './store-mutant.ts'

const leases = (change: (leaseMs: number) => number): StoreMutant['make'] =>
  broken(({ store }) => ({ claim: (request) => store.claim({ ...request, leaseMs: change(request.leaseMs) }) }))

const renewals = (change: (store: MemoryStore, claims: readonly Claim[], leaseMs: number) => readonly ('renewed' | 'lost')[]): StoreMutant['make'] =>
  broken(({ store }) => ({ renew: (claims, leaseMs) => change(store, claims, leaseMs) }))

const eachRenewal = (change: (result: 'renewed' | 'lost', claim: Claim, store: MemoryStore, leaseMs: number) => 'renewed' | 'lost'): StoreMutant['make'] =>
  renewals((store, claims, leaseMs) => store.renew(claims, leaseMs).map((result, index) => change(result, claims[index] as Claim, store, leaseMs)))

const isDone = (store: MemoryStore, claim: Claim): boolean => look(store, claim.key)?.state === 'done' && holds(store, claim)

export const leaseFaults: readonly StoreMutant[] = [
  { name: 'lease-never-ends', fault: 'keeps claims for ever', killedBy: 'leases/end', make: leases(() => Number.MAX_SAFE_INTEGER) },
  { name: 'lease-ends-early', fault: 'ends leases at half time', killedBy: 'leases/end', make: leases((ms) => ms / 2) },
  {
    name: 'lease-32-bits',
    fault: 'keeps no lease beyond 24 days, the longest that 32 bits of milliseconds hold',
    killedBy: 'leases/long',
    make: leases((ms) => Math.min(ms, 2 ** 31 - 1)),
  },
  {
    name: 'lease-longest-refused',
    fault: 'refuses what is longer than ten years',
    killedBy: 'leases/longest',
    make: leases((ms) => {
      if (ms > 315_360_000_000) throw new RangeError('more than ten years')
      return ms
    }),
  },
  {
    name: 'lease-longer-wraps',
    fault: 'begins at nothing again beyond a hundred years',
    killedBy: 'leases/longest',
    make: leases((ms) => ms % (longestClaimMs + 1)),
  },
  {
    name: 'lease-by-wall-clock',
    fault: 'ends leases by the wall clock of the process',
    killedBy: 'leases/clock-jumps',
    make: () => {
      let shared: MemoryStore | undefined
      return ({ clock }) => sound((shared ??= memoryStore({ clock: { ...virtualClock(), now: () => clock.now(), monotonic: () => clock.now() } })))
    },
  },
  {
    name: 'renew-revives',
    fault: 'renews a claim whose lease has ended',
    killedBy: 'leases/over-is-lost',
    make: eachRenewal((result, claim, store, leaseMs) =>
      result === 'lost' && holder(store, claim.key) === undefined && store.claim({ ...claim, leaseMs }).state === 'claimed' ? 'renewed' : result,
    ),
  },
  {
    name: 'complete-revives',
    fault: 'completes a claim whose lease has ended',
    killedBy: 'leases/over-is-lost',
    make: broken(({ store }) => ({
      complete: (claim, value, ttlMs) => {
        const result = store.complete(claim, value, ttlMs)
        if (result === 'completed' || holder(store, claim.key) !== undefined) return result
        store.claim({ ...claim, leaseMs: ttlMs })
        return store.complete(holder(store, claim.key) ?? claim, value, ttlMs)
      },
    })),
  },
  {
    name: 'release-after-expiry',
    fault: 'says of a claim whose lease has ended that it was released',
    killedBy: 'leases/over-is-lost',
    make: broken(({ store }) => ({ release: (claim) => (holder(store, claim.key) === undefined ? 'released' : store.release(claim)) })),
  },
  {
    name: 'renew-no-op',
    fault: 'says that it has renewed what it has not',
    killedBy: 'renewals/hold',
    make: renewals((store, claims) => claims.map((claim) => (holds(store, claim) ? 'renewed' : 'lost'))),
  },
  {
    name: 'renew-for-ever',
    fault: 'keeps renewed claims for ever',
    killedBy: 'renewals/hold',
    make: renewals((store, claims) => store.renew(claims, Number.MAX_SAFE_INTEGER)),
  },
  {
    name: 'renew-all-or-nothing',
    fault: 'renews none when one is lost',
    killedBy: 'renewals/each',
    make: renewals((store, claims, leaseMs) =>
      claims.every((claim) => holds(store, claim)) ? store.renew(claims, leaseMs) : claims.map(() => 'lost' as const),
    ),
  },
  {
    name: 'renew-answers-reversed',
    fault: 'answers renewals in reverse',
    killedBy: 'renewals/each',
    make: renewals((store, claims, leaseMs) => store.renew(claims, leaseMs).toReversed()),
  },
  {
    name: 'renew-answers-fewer',
    fault: 'answers only the renewals that it made',
    killedBy: 'renewals/each',
    make: renewals((store, claims, leaseMs) => store.renew(claims, leaseMs).filter((result) => result === 'renewed')),
  },
  {
    name: 'renew-nothing-fails',
    fault: 'fails when nothing is to be renewed',
    killedBy: 'renewals/none',
    make: renewals((store, claims, leaseMs) => {
      if (claims.length === 0) throw new Error('wrong number of arguments')
      return store.renew(claims, leaseMs)
    }),
  },
  {
    name: 'renew-first-hundred',
    fault: 'renews the first hundred and says that it was all',
    killedBy: 'renewals/thousand',
    make: renewals((store, claims, leaseMs) => {
      const results = store.renew(claims.slice(0, 100), leaseMs)
      return claims.map((_, index) => results[index] ?? 'renewed')
    }),
  },
  {
    name: 'renew-done',
    fault: 'says of completed claims that they were renewed',
    killedBy: 'renewals/done',
    make: eachRenewal((result, claim, store) => (isDone(store, claim) ? 'renewed' : result)),
  },
  {
    name: 'renew-prolongs-done',
    fault: 'keeps a value longer when its claim is renewed',
    killedBy: 'renewals/done',
    make: eachRenewal((result, claim, store, leaseMs) => {
      if (isDone(store, claim)) store.complete(claim, '', leaseMs)
      return result
    }),
  },
  {
    name: 'renew-once',
    fault: 'renews a claim once',
    killedBy: 'repeats/renew',
    make: remembering(
      () => new Set<string>(),
      ({ store }, renewed) => ({
        renew: (claims, leaseMs) =>
          store.renew(claims, leaseMs).map((result, index) => {
            const id = `${claims[index]?.key} ${claims[index]?.fence}`
            if (renewed.has(id)) return 'lost'
            renewed.add(id)
            return result
          }),
      }),
    ),
  },
  {
    name: 'stale-renew-extends',
    fault: 'prolongs the claim that has taken over when the old one is renewed',
    killedBy: 'stale/renew',
    make: eachRenewal((result, claim, store, leaseMs) => {
      const current = holder(store, claim.key)
      if (result === 'lost' && current !== undefined) store.renew([current], leaseMs)
      return result
    }),
  },
]
