import { check, checkEqual, show } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs } from '../context.ts'
import { oddTexts } from '../odd-texts.ts'

const timeToLive: StoreCase = {
  id: 'completions/time-to-live',
  title: 'a value is kept for its time to live, whatever was left of the lease, and then the key is free',
  kills: ['done-ends-with-lease', 'done-for-ever', 'done-lasts-as-long-as-lease'],
  async run(context) {
    const store = await context.store()
    const brief = await context.claimed(store, context.key(), 'a', longMs)
    const lasting = await context.claimed(store, context.key(), 'a', context.leaseMs)
    const since = context.now
    checkEqual(await store.complete(brief, 'brief', context.leaseMs), 'completed', 'completing')
    checkEqual(await store.complete(lasting, 'lasting', longMs), 'completed', 'completing')
    const still = await context.before(since, context.leaseMs, () => context.ask(store, brief.key))
    check(still === undefined || still.state === 'done', () => `the value is there; got ${show(still)}`)
    await context.passes(context.leaseMs)
    await context.claimed(store, brief.key, 'b')
    await context.checkDone(store, lasting.key, 'lasting', 'a value outlasts the lease of its claim')
  },
}

const values: StoreCase = {
  id: 'completions/values',
  title: 'values come back as they are: empty, any Unicode, control characters, halves of surrogate pairs',
  kills: ['value-trimmed', 'value-through-utf8', 'value-empty-is-none'],
  async run(context) {
    const store = await context.store()
    for (const value of ['', ...oddTexts]) {
      const claim = await context.claimed(store, context.key(), 'a')
      checkEqual(await store.complete(claim, value, longMs), 'completed', 'completing')
      await context.checkDone(store, claim.key, value, `the value ${show(value)} comes back`)
      const [stored] = (await context.scanned(store, claim.key)).claims
      check(stored?.value === value, () => `a scan shows the value ${show(value)}; got ${show(stored)}`)
    }
  },
}

const mebibyte: StoreCase = {
  id: 'completions/mebibyte',
  title: 'values of a mebibyte come back whole',
  kills: ['value-cut'],
  async run(context) {
    const store = await context.store()
    const claim = await context.claimed(store, context.key(), 'a')
    const value = `begin ${'0123456789abcdef'.repeat(65_536).slice(0, 2 ** 20 - 10)} end`
    checkEqual(value.length, 2 ** 20, 'the length of the value')
    checkEqual(await store.complete(claim, value, longMs), 'completed', 'completing')
    await context.checkDone(store, claim.key, value, 'the value comes back whole')
  },
}

export const completionCases: readonly StoreCase[] = [timeToLive, values, mebibyte]
