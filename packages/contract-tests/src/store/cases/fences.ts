import type { Claim, FencedStore } from '@busbar/core/driver'
import { check, checkEqual } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs, type StoreContext } from '../context.ts'

/** Claims one key several times, ends each claim by `end`, and checks that fences rise. */
async function checkRising(
  context: StoreContext,
  owners: readonly string[],
  leaseMs: number,
  end: (store: FencedStore, claim: Claim) => Promise<void>,
): Promise<void> {
  const store = await context.store()
  const key = context.key()
  let last = 0
  for (const owner of owners) {
    const claim = await context.claimed(store, key, owner, leaseMs)
    check(claim.fence > last, () => `the fence of ${owner} is above ${last}; got ${claim.fence}`)
    last = claim.fence
    await end(store, claim)
  }
}

const afterRelease: StoreCase = {
  id: 'fences/after-release',
  title: 'the fence rises with the next owner after a release',
  kills: ['fence-forgotten-on-release', 'fence-constant'],
  run: (context) =>
    checkRising(context, ['a', 'b', 'c', 'd'], longMs, async (store, claim) => {
      checkEqual(await store.release(claim), 'released', 'releasing')
    }),
}

const afterExpiry: StoreCase = {
  id: 'fences/after-expiry',
  title: 'the fence rises with the next owner after a lease has ended',
  kills: ['fence-forgotten-on-expiry'],
  run: (context) => checkRising(context, ['a', 'b', 'c'], context.leaseMs, () => context.passes(context.leaseMs)),
}

const afterDone: StoreCase = {
  id: 'fences/after-done',
  title: 'the fence rises with the next owner after a value has expired',
  kills: ['fence-forgotten-with-value'],
  run: (context) =>
    checkRising(context, ['a', 'b'], longMs, async (store, claim) => {
      await store.complete(claim, 'value', context.leaseMs)
      await context.passes(context.leaseMs)
    }),
}

const sameOwnerAgain: StoreCase = {
  id: 'fences/same-owner-again',
  title: 'who claims again after its claim has ended has a new claim: a higher fence',
  kills: ['fence-kept-for-owner'],
  async run(context) {
    await checkRising(context, ['a', 'a', 'a'], longMs, async (store, claim) => void (await store.release(claim)))
    await checkRising(context, ['a', 'a'], context.leaseMs, () => context.passes(context.leaseMs))
  },
}

export const fenceCases: readonly StoreCase[] = [afterRelease, afterExpiry, afterDone, sameOwnerAgain]
