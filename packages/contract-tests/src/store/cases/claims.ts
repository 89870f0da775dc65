import { check, checkEqual, show } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs, type StoreContext } from '../context.ts'

const freeKey: StoreCase = {
  id: 'claims/free-key',
  title: 'a free key is claimed, with a fence that is a whole number above zero',
  kills: ['fence-missing', 'fence-too-large'],
  async run(context) {
    const store = await context.store()
    const { fence } = await context.claimed(store, context.key(), 'a')
    check(Number.isSafeInteger(fence) && fence > 0, () => `the fence is a whole number above zero; got ${fence}`)
  },
}

const busy: StoreCase = {
  id: 'claims/busy',
  title: 'while a claim lasts, another owner is told that the key is busy and for how long',
  kills: ['busy-ignored', 'busy-time-unknown', 'busy-time-from-other-lease'],
  async run(context) {
    const store = await context.store()
    const key = context.key()
    const since = context.now
    await context.claimed(store, key, 'a', 2 * longMs)
    const result = await store.claim({ key, owner: 'b', leaseMs: 1_000 })
    check(result.state === 'busy', () => `another owner is told that the key is busy; got ${show(result)}`)
    const least = 2 * longMs - (context.now - since) - context.harness.bounds.slackMs
    const { expiresInMs } = result
    check(expiresInMs <= 2 * longMs && expiresInMs >= least, () => `the claim ends in ${least} to ${2 * longMs} ms; got ${expiresInMs}`)
    await context.checkBusy(store, key, 'asking does not change that')
  },
}

const sameOwner: StoreCase = {
  id: 'claims/same-owner',
  title: 'the owner may claim again and has the same claim: the same fence',
  kills: ['same-owner-is-busy', 'same-owner-new-fence', 'same-owner-loses-claim'],
  async run(context) {
    const store = await context.store()
    const first = await context.claimed(store, context.key(), 'a')
    const again = await context.claimed(store, first.key, 'a')
    checkEqual(again.fence, first.fence, 'the fence of a repeated claim')
    await context.checkBusy(store, first.key, 'the key stays claimed')
    checkEqual(await store.renew([first], longMs), ['renewed'], 'renewing after a repeated claim')
  },
}

const sameOwnerLease: StoreCase = {
  id: 'claims/same-owner-lease',
  title: 'a repeated claim begins its lease anew',
  kills: ['same-owner-keeps-lease'],
  async run(context) {
    const store = await context.store()
    const { key } = await context.claimed(store, context.key(), 'a', context.leaseMs)
    await context.claimed(store, key, 'a', longMs)
    await context.passes(context.leaseMs)
    await context.checkBusy(store, key, 'the key is claimed after the first lease would have ended')
  },
}

const done: StoreCase = {
  id: 'claims/done',
  title: 'a completed key gives its value to everybody who claims it, its former owner too, and is not claimed by that',
  kills: ['done-is-free', 'done-is-free-for-owner', 'done-without-value'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    await store.complete(claim, 'the value', longMs)
    for (const owner of ['b', 'a', 'b']) {
      checkEqual(await store.claim({ key: claim.key, owner, leaseMs: longMs }), { state: 'done', value: 'the value' }, `claiming a completed key as ${owner}`)
    }
  },
}

const apart: StoreCase = {
  id: 'claims/apart',
  title: 'claims of different keys have nothing to do with each other, also if one owner has them',
  kills: ['release-frees-all-of-owner', 'complete-ends-all-of-owner'],
  async run(context) {
    const store = await context.store()
    const [one, two, three] = [
      await context.claimed(store, context.key(), 'a'),
      await context.claimed(store, context.key(), 'a'),
      await context.claimed(store, context.key(), 'a'),
    ]
    await store.release(one)
    await store.complete(two, 'done', longMs)
    await context.checkBusy(store, three.key, 'the third key stays claimed')
    checkEqual(await store.renew([three], longMs), ['renewed'], 'renewing the third claim')
    await context.claimed(store, one.key, 'b')
  },
}

const shared: StoreCase = {
  id: 'claims/shared',
  title: 'what one client does holds for all clients',
  kills: ['claims-per-client'],
  async run(context) {
    const [one, two] = [await context.store(), await context.store()]
    const claim = await context.claimed(one, context.key(), 'a')
    await context.checkBusy(two, claim.key, 'the key is busy for another client')
    checkEqual(await two.renew([claim], longMs), ['renewed'], 'renewing through another client')
    checkEqual(await two.complete(claim, 'value', longMs), 'completed', 'completing through another client')
    await context.checkDone(one, claim.key, 'value', 'the first client is given the value')
  },
}

const race: StoreCase = {
  id: 'claims/race',
  title: 'of clients that claim one key at the same time exactly one has it',
  kills: ['race-both-win', 'race-nobody-wins'],
  async run(context) {
    const stores = [await context.store(), await context.store(), await context.store()]
    await Promise.all(Array.from({ length: 50 }, () => raceFor(context, stores, context.key())))
  },
}

const raceAfterExpiry: StoreCase = {
  id: 'claims/race-after-expiry',
  title: 'of clients that claim a key at the same time whose claim has expired exactly one has it',
  kills: ['race-for-expired-both-win'],
  async run(context) {
    const stores = [await context.store(), await context.store(), await context.store()]
    const claims = await Promise.all(Array.from({ length: 20 }, () => context.claimed(stores[0] ?? failed(), context.key(), 'first', context.leaseMs)))
    await context.passes(context.leaseMs)
    await Promise.all(claims.map(({ key, fence }) => raceFor(context, stores, key, fence)))
  },
}

async function raceFor(context: StoreContext, stores: readonly Awaited<ReturnType<StoreContext['store']>>[], key: string, above = 0): Promise<void> {
  const results = await Promise.all(stores.map(async (store, index) => store.claim({ key, owner: `racer-${index}`, leaseMs: longMs })))
  const winners = results.filter((result) => result.state === 'claimed')
  check(winners.length === 1 && results.every(({ state }) => state !== 'done'), () => `one claims, the others are told busy; got ${show(results)}`)
  check((winners[0]?.fence ?? 0) > above, () => `the fence is above ${above}; got ${show(winners[0])}`)
  await context.checkBusy(stores[0] ?? failed(), key, 'the key is claimed after the race')
}

function failed(): never {
  throw new RangeError('there are three clients')
}

export const claimCases: readonly StoreCase[] = [freeKey, busy, sameOwner, sameOwnerLease, done, apart, shared, race, raceAfterExpiry]
