import { longestClaimMs, type FencedStore } from '@busbar/core/driver'
import { check, checkEqual, show } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs, type StoreContext } from '../context.ts'

const end: StoreCase = {
  id: 'leases/end',
  title: 'a claim lasts as long as its lease, and ends with it',
  kills: ['lease-never-ends', 'lease-ends-early'],
  async run(context) {
    const store = await context.store()
    const key = context.key()
    const since = context.now
    await context.claimed(store, key, 'a', context.leaseMs)
    // The lease began between these two moments.
    const claimedBy = context.now
    await context.waiting.until(since + context.leaseMs * 0.6)
    const early = await context.before(since, context.leaseMs, () => context.ask(store, key))
    check(early === undefined || early.state === 'busy', () => `the key is busy before the lease ends; got ${show(early)}`)
    await context.waiting.until(claimedBy + context.leaseMs + context.harness.bounds.slackMs)
    await context.claimed(store, key, 'b')
  },
}

const overIsLost: StoreCase = {
  id: 'leases/over-is-lost',
  title: 'when its lease is over a claim is lost, also if nobody else has taken the key',
  kills: ['renew-revives', 'complete-revives', 'release-after-expiry'],
  async run(context) {
    const store = await context.store()
    const claims = [
      await context.claimed(store, context.key(), 'a', context.leaseMs),
      await context.claimed(store, context.key(), 'a', context.leaseMs),
      await context.claimed(store, context.key(), 'a', context.leaseMs),
    ] as const
    await context.passes(context.leaseMs)
    checkEqual(await store.renew([claims[0]], longMs), ['lost'], 'renewing')
    checkEqual(await store.complete(claims[1], 'value', longMs), 'lost', 'completing')
    checkEqual(await store.release(claims[2]), 'lost', 'releasing')
    for (const { key } of claims) await context.claimed(store, key, 'b')
  },
}

const dayMs = 86_400_000

const long: StoreCase = {
  id: 'leases/long',
  title: 'leases and times to live of months are kept as asked',
  kills: ['lease-32-bits'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a', 60 * dayMs)
    const result = await context.ask(store, claim.key)
    check(result.state === 'busy' && result.expiresInMs > 59 * dayMs, () => `the lease of 60 days has just begun; got ${show(result)}`)
    await store.complete(claim, 'value', 400 * dayMs)
    const [stored] = (await context.scanned(store, claim.key)).claims
    check(stored !== undefined && stored.expiresInMs > 399 * dayMs, () => `the value is kept for 400 days; got ${show(stored)}`)
  },
}

const longest: StoreCase = {
  id: 'leases/longest',
  title: 'a hundred years are taken for a lease and a time to live; what is longer is refused, or kept at least as long, and never shorter',
  kills: ['lease-longest-refused', 'lease-longer-wraps'],
  async run(context) {
    const store = await context.store()
    const key = context.key()
    const claim = await context.claimed(store, key, 'a', longestClaimMs)
    checkEqual(await store.renew([claim], longestClaimMs), ['renewed'], 'renewing for a hundred years')
    checkEqual(await store.complete(claim, 'value', longestClaimMs), 'completed', 'completing for a hundred years')
    await checkStored(context, store, key)
    for (const ms of [longestClaimMs + 1, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE]) {
      const longer = context.key()
      if (await refuses(() => store.claim({ key: longer, owner: 'a', leaseMs: ms }))) await context.claimed(store, longer, 'a')
      else await checkStored(context, store, longer)
      const held = await context.claimed(store, context.key(), 'a')
      if (await refuses(() => store.complete(held, 'value', ms))) await context.checkBusy(store, held.key, 'what is refused changes nothing')
      else await checkStored(context, store, held.key)
    }
  },
}

/** True for a `RangeError`; anything else that is thrown is thrown on. */
async function refuses(call: () => unknown): Promise<boolean> {
  try {
    await call()
    return false
  } catch (error) {
    if (error instanceof RangeError) return true
    throw error
  }
}

async function checkStored(context: StoreContext, store: FencedStore, key: string): Promise<void> {
  const [stored] = (await context.scanned(store, key)).claims
  check(stored !== undefined && stored.expiresInMs > longestClaimMs - dayMs, () => `it is kept for a hundred years; got ${show(stored)}`)
}

const clockJumps: StoreCase = {
  id: 'leases/clock-jumps',
  title: 'a jump of the wall clock of a process neither ends a lease nor makes it last',
  kills: ['lease-by-wall-clock'],
  faults: ['jumpClock'],
  async run(context) {
    const store = await context.store()
    const jump = (ms: number): void => context.harness.faults?.jumpClock?.(ms)
    const held = await context.claimed(store, context.key(), 'a')
    const short = await context.claimed(store, context.key(), 'a', context.leaseMs)
    jump(dayMs)
    try {
      await context.checkBusy(store, held.key, 'the key is busy although the clock was put forward by a day')
      checkEqual(await store.renew([held], longMs), ['renewed'], 'renewing after the clock was put forward')
    } finally {
      jump(-2 * dayMs)
    }
    try {
      await context.passes(context.leaseMs)
      await context.claimed(store, short.key, 'b')
    } finally {
      jump(dayMs)
    }
  },
}

export const leaseCases: readonly StoreCase[] = [end, overIsLost, long, longest, clockJumps]
