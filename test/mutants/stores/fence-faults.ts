import type { Claim, FencedStore } from '@busbar/core/driver'
import { broken, holder, look, remembering, type StoreMutant } from './store-mutant.ts'

interface Numbered {
  readonly owner: string
  /** The fence of the sound store. */
  readonly real: number
  /** The fence that was told. */
  readonly told: number
  readonly ended: 'by-release' | 'by-value' | undefined
}

/** Tells fences of its own making for every new claim. */
const renumbered = (next: (before: Numbered | undefined, owner: string) => number): StoreMutant['make'] =>
  remembering(
    () => new Map<string, Numbered>(),
    ({ store }, numbers): FencedStore => {
      const real = (claim: Claim): Claim => {
        const known = numbers.get(claim.key)
        return { ...claim, fence: known?.told === claim.fence ? known.real : -1 }
      }
      const end = (key: string, ended: Numbered['ended']): void => {
        const known = numbers.get(key)
        if (known !== undefined) numbers.set(key, { ...known, ended })
      }
      return {
        claim: (request) => {
          const result = store.claim(request)
          if (result.state !== 'claimed') return result
          const known = numbers.get(request.key)
          const told = known?.real === result.fence ? known.told : next(known, request.owner)
          numbers.set(request.key, { owner: request.owner, real: result.fence, told, ended: undefined })
          return { state: 'claimed', fence: told }
        },
        renew: (claims, leaseMs) => store.renew(claims.map(real), leaseMs),
        complete: (claim, value, ttlMs) => {
          const result = store.complete(real(claim), value, ttlMs)
          if (result === 'completed') end(claim.key, 'by-value')
          return result
        },
        release: (claim) => {
          const result = store.release(real(claim))
          if (result === 'released') end(claim.key, 'by-release')
          return result
        },
        scan: (prefix, options) => store.scan(prefix, options),
      }
    },
  )

const above = (before: Numbered | undefined): number => (before?.told ?? 0) + 1

/** Takes a claim for another before everything that needs one. */
const mistaken = (take: (claim: Claim, current: Claim) => Claim): StoreMutant['make'] =>
  broken(({ store }) => {
    const taken = (claim: Claim): Claim => {
      const current = holder(store, claim.key)
      return current === undefined || look(store, claim.key)?.state === 'done' ? claim : take(claim, current)
    }
    return {
      renew: (claims, leaseMs) => store.renew(claims.map(taken), leaseMs),
      complete: (claim, value, ttlMs) => store.complete(taken(claim), value, ttlMs),
      release: (claim) => store.release(taken(claim)),
    }
  })

export const fenceFaults: readonly StoreMutant[] = [
  {
    name: 'fence-forgotten-on-release',
    fault: 'counts fences from 1 again after a release',
    killedBy: 'fences/after-release',
    make: renumbered((before) => (before?.ended === 'by-release' ? 1 : above(before))),
  },
  {
    name: 'fence-constant',
    fault: 'gives the same fence to every owner',
    killedBy: 'fences/after-release',
    make: renumbered(() => 7),
  },
  {
    name: 'fence-forgotten-on-expiry',
    fault: 'counts fences from 1 again after a lease has ended',
    killedBy: 'fences/after-expiry',
    make: renumbered((before) => (before?.ended === undefined ? 1 : above(before))),
  },
  {
    name: 'fence-forgotten-with-value',
    fault: 'counts fences from 1 again after a value has expired',
    killedBy: 'fences/after-done',
    make: renumbered((before) => (before?.ended === 'by-value' ? 1 : above(before))),
  },
  {
    name: 'fence-kept-for-owner',
    fault: 'gives an owner that comes back the fence that it had',
    killedBy: 'fences/same-owner-again',
    make: renumbered((before, owner) => (before?.owner === owner ? before.told : above(before))),
  },
  {
    name: 'fence-not-checked',
    fault: 'knows claims by their owner alone',
    killedBy: 'stale/same-owner',
    make: mistaken((claim, current) => (claim.owner === current.owner ? current : claim)),
  },
  {
    name: 'owner-not-checked',
    fault: 'knows claims by their fence alone',
    killedBy: 'stale/other-owner',
    make: mistaken((claim, current) => (claim.fence === current.fence ? current : claim)),
  },
]
