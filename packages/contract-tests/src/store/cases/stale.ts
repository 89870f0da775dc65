import type { Claim, FencedStore } from '@busbar/core/driver'
import { check, checkEqual, show } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs, type StoreContext } from '../context.ts'

interface Overtaken {
  readonly store: FencedStore
  /** Its lease has ended. */
  readonly old: Claim
  /** Of another owner, on the same key. */
  readonly newer: Claim
}

async function overtaken(context: StoreContext, newOwner = 'new'): Promise<Overtaken> {
  const store = await context.store()
  const old = await context.claimed(store, context.key(), 'old', context.leaseMs)
  await context.passes(context.leaseMs)
  return { store, old, newer: await context.claimed(store, old.key, newOwner) }
}

/** The newer claim is as it was. */
async function checkUntouched(context: StoreContext, { store, newer }: Overtaken): Promise<void> {
  const result = await context.ask(store, newer.key)
  const { slackMs } = context.harness.bounds
  check(
    result.state === 'busy' && result.expiresInMs <= longMs && result.expiresInMs > longMs / 2 - slackMs,
    () => `the newer claim is as it was; got ${show(result)}`,
  )
  checkEqual(await store.complete(newer, 'value of the newer', longMs), 'completed', 'completing the newer claim')
  await context.checkDone(store, newer.key, 'value of the newer', 'the value is that of the newer claim')
}

const renew: StoreCase = {
  id: 'stale/renew',
  title: 'renewing a claim that another owner has taken over is lost and leaves the newer claim as it is',
  kills: ['stale-renew-extends'],
  async run(context) {
    const all = await overtaken(context)
    checkEqual(await all.store.renew([all.old], 10 * longMs), ['lost'], 'renewing')
    await checkUntouched(context, all)
  },
}

const complete: StoreCase = {
  id: 'stale/complete',
  title: 'completing a claim that another owner has taken over is lost and leaves the newer claim as it is',
  kills: ['stale-complete-wins'],
  async run(context) {
    const all = await overtaken(context)
    checkEqual(await all.store.complete(all.old, 'value of the old', longMs), 'lost', 'completing')
    await checkUntouched(context, all)
  },
}

const completeDone: StoreCase = {
  id: 'stale/complete-done',
  title: 'completing a claim that another owner has taken over and completed is lost and leaves that value',
  kills: ['stale-complete-of-done'],
  async run(context) {
    const { store, old, newer } = await overtaken(context)
    await store.complete(newer, 'value of the newer', longMs)
    checkEqual(await store.complete(old, 'value of the old', longMs), 'lost', 'completing')
    checkEqual(await store.release(old), 'lost', 'releasing')
    await context.checkDone(store, newer.key, 'value of the newer', 'the value stays')
  },
}

const release: StoreCase = {
  id: 'stale/release',
  title: 'releasing a claim that another owner has taken over is lost and leaves the newer claim as it is',
  kills: ['stale-release-frees'],
  async run(context) {
    const all = await overtaken(context)
    checkEqual(await all.store.release(all.old), 'lost', 'releasing')
    await checkUntouched(context, all)
  },
}

const sameOwner: StoreCase = {
  id: 'stale/same-owner',
  title: 'an earlier claim of the same owner is lost all the same: its fence tells it',
  kills: ['fence-not-checked'],
  async run(context) {
    const all = await overtaken(context, 'old')
    checkEqual(await all.store.renew([all.old], longMs), ['lost'], 'renewing')
    checkEqual(await all.store.complete(all.old, 'value of the old', longMs), 'lost', 'completing')
    checkEqual(await all.store.release(all.old), 'lost', 'releasing')
    await checkUntouched(context, all)
  },
}

const otherOwner: StoreCase = {
  id: 'stale/other-owner',
  title: 'a fence alone is no claim: the owner must be the one that has it',
  kills: ['owner-not-checked'],
  async run(context) {
    const store = await context.store()
    const newer = await context.claimed(store, context.key(), 'a')
    const forged: Claim = { ...newer, owner: 'b' }
    checkEqual(await store.renew([forged], 10 * longMs), ['lost'], 'renewing')
    checkEqual(await store.complete(forged, 'forged', longMs), 'lost', 'completing')
    checkEqual(await store.release(forged), 'lost', 'releasing')
    await checkUntouched(context, { store, old: forged, newer })
  },
}

export const staleCases: readonly StoreCase[] = [renew, complete, completeDone, release, sameOwner, otherOwner]
