import type { FencedStore } from '@busbar/core/driver'
import { check, checkEqual } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs } from '../context.ts'

const renew: StoreCase = {
  id: 'repeats/renew',
  title: 'a renewal may be repeated',
  kills: ['renew-once'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    for (let time = 0; time < 3; time++) checkEqual(await store.renew([claim], longMs), ['renewed'], 'renewing')
    checkEqual(await store.complete(claim, 'value', longMs), 'completed', 'completing')
  },
}

const complete: StoreCase = {
  id: 'repeats/complete',
  title: 'a completion may be repeated, and keeps the value that others may have seen',
  kills: ['complete-once', 'complete-overwrites'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    checkEqual(await store.complete(claim, 'first', longMs), 'completed', 'completing')
    checkEqual(await store.complete(claim, 'second', longMs), 'completed', 'completing again')
    await context.checkDone(store, claim.key, 'first', 'the first value stays')
  },
}

const release: StoreCase = {
  id: 'repeats/release',
  title: 'a release may be repeated, and frees nothing that somebody has claimed meanwhile',
  kills: ['release-by-key'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    checkEqual(await store.release(claim), 'released', 'releasing')
    await store.release(claim)
    const next = await context.claimed(store, claim.key, 'b')
    checkEqual(await store.release(claim), 'lost', 'releasing what another owner has claimed meanwhile')
    await context.checkBusy(store, claim.key, 'the key stays with its new owner')
    checkEqual(await store.renew([next], longMs), ['renewed'], 'renewing the newer claim')
  },
}

const lostAnswer: StoreCase = {
  id: 'repeats/lost-answer',
  title: 'when an answer is lost, the same call made again answers as the first would have',
  kills: ['lost-answer-is-final'],
  faults: ['loseNextAnswer'],
  async run(context) {
    const store = await context.store()
    const key = context.key()
    const lose = async <T>(call: () => T | Promise<T>): Promise<T> => {
      await context.harness.faults?.loseNextAnswer?.(store)
      // The store repeats it by itself, or it fails and the caller does.
      return attempt(call, 5)
    }
    const result = await lose(() => store.claim({ key, owner: 'a', leaseMs: longMs }))
    check(result.state === 'claimed', 'the key is claimed')
    const claim = { key, owner: 'a', fence: result.fence }
    checkEqual(await lose(() => store.renew([claim], longMs)), ['renewed'], 'renewing')
    checkEqual(await lose(() => store.complete(claim, 'value', longMs)), 'completed', 'completing')
    await context.checkDone(store, key, 'value', 'the value is there')
    const second = await context.claimed(store, context.key(), 'a')
    const released = await lose<Awaited<ReturnType<FencedStore['release']>>>(() => store.release(second))
    check(released === 'released' || released === 'lost', () => `releasing answers 'released' or 'lost'; got ${released}`)
    await context.claimed(store, second.key, 'b')
  },
}

async function attempt<T>(call: () => T | Promise<T>, times: number): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (times === 1) throw error
    return attempt(call, times - 1)
  }
}

export const repeatCases: readonly StoreCase[] = [renew, complete, release, lostAnswer]
