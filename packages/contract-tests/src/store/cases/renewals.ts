import type { Claim } from '@busbar/core/driver'
import { check, checkEqual, show } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs } from '../context.ts'

const hold: StoreCase = {
  id: 'renewals/hold',
  title: 'a renewed claim lasts as long as the renewal asks, and then ends',
  kills: ['renew-no-op', 'renew-for-ever'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a', context.leaseMs)
    const since = context.now
    checkEqual(await store.renew([claim], 3 * context.leaseMs), ['renewed'], 'renewing')
    await context.passes(context.leaseMs)
    const later = await context.before(since, 3 * context.leaseMs, () => context.ask(store, claim.key))
    check(later === undefined || later.state === 'busy', () => `the key is busy after the first lease; got ${show(later)}`)
    await context.passes(2 * context.leaseMs)
    await context.claimed(store, claim.key, 'b')
  },
}

const each: StoreCase = {
  id: 'renewals/each',
  title: 'renewals are answered one by one, in the order asked: what is lost does not take the others along',
  kills: ['renew-all-or-nothing', 'renew-answers-reversed', 'renew-answers-fewer'],
  async run(context) {
    const store = await context.store()
    const mine = await Promise.all(Array.from({ length: 4 }, () => context.claimed(store, context.key(), 'a', context.leaseMs)))
    const never: Claim = { key: context.key(), owner: 'a', fence: 1 }
    const released = await context.claimed(store, context.key(), 'a')
    await store.release(released)
    const answers = await store.renew([never, ...mine.slice(0, 2), released, ...mine.slice(2)], longMs)
    checkEqual(answers, ['lost', 'renewed', 'renewed', 'lost', 'renewed', 'renewed'], 'the answers')
    await context.passes(context.leaseMs)
    for (const { key } of mine) await context.checkBusy(store, key, 'every claim that was said to be renewed is')
    await context.claimed(store, never.key, 'b')
  },
}

const none: StoreCase = {
  id: 'renewals/none',
  title: 'renewing nothing answers nothing',
  kills: ['renew-nothing-fails'],
  async run(context) {
    checkEqual(await (await context.store()).renew([], longMs), [], 'the answers')
  },
}

const thousand: StoreCase = {
  id: 'renewals/thousand',
  title: 'a thousand claims are renewed in one call',
  kills: ['renew-first-hundred'],
  async run(context) {
    const store = await context.store()
    const claims = await Promise.all(Array.from({ length: 1_000 }, (_, index) => context.claimed(store, context.key(), `owner-${index}`, longMs)))
    const answers = await store.renew(claims, 3 * longMs)
    check(answers.length === 1_000 && answers.every((answer) => answer === 'renewed'), () => `all are renewed; got ${show(answers)}`)
    for (const claim of [claims[0], claims[499], claims[999]]) {
      const result = await context.ask(store, claim?.key ?? '')
      check(result.state === 'busy' && result.expiresInMs > 2 * longMs, () => `each lasts as long as asked; got ${show(result)}`)
    }
  },
}

const done: StoreCase = {
  id: 'renewals/done',
  title: 'a completed claim cannot be renewed, and keeps its value and its time to live',
  kills: ['renew-done', 'renew-prolongs-done'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    await store.complete(claim, 'value', context.leaseMs)
    const since = context.now
    checkEqual(await store.renew([claim], longMs), ['lost'], 'renewing')
    const still = await context.before(since, context.leaseMs, () => context.ask(store, claim.key))
    check(still === undefined || still.state === 'done', () => `the value stays; got ${show(still)}`)
    await context.passes(context.leaseMs)
    await context.claimed(store, claim.key, 'b')
  },
}

export const renewalCases: readonly StoreCase[] = [hold, each, none, thousand, done]
