import type { StoredClaim } from '@busbar/core/driver'
import { check, checkEqual, checkSameMembers, show } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs } from '../context.ts'

const keysOf = (claims: readonly StoredClaim[]): string[] => claims.map(({ key }) => key)

const content: StoreCase = {
  id: 'scans/content',
  title: 'a scan shows of each claim its state, its fence, how long it lasts, and its owner or its value',
  kills: ['scan-without-owner', 'scan-without-value', 'scan-wrong-fence', 'scan-wrong-time', 'scan-calls-all-busy'],
  async run(context) {
    const store = await context.store()
    const prefix = context.key('prefix')
    const busy = await context.claimed(store, `${prefix}:busy`, 'the owner', 2 * longMs)
    const done = await context.claimed(store, `${prefix}:done`, 'another', longMs)
    await store.complete(done, 'the value', 3 * longMs)
    const { claims } = await context.scanned(store, prefix)
    checkSameMembers(keysOf(claims), [busy.key, done.key], 'the keys')
    for (const [claim, state, lastsMs] of [
      [busy, 'busy', 2 * longMs],
      [done, 'done', 3 * longMs],
    ] as const) {
      const stored = claims.find(({ key }) => key === claim.key)
      check(
        stored !== undefined && stored.state === state && stored.fence === claim.fence,
        () => `${claim.key} is ${state} with its fence; got ${show(stored)}`,
      )
      check(stored.expiresInMs <= lastsMs && stored.expiresInMs > lastsMs - longMs, () => `${claim.key} lasts ${lastsMs} ms; got ${show(stored)}`)
      if (state === 'busy') checkEqual(stored.owner, claim.owner, 'the owner')
      else checkEqual(stored.value, 'the value', 'the value')
    }
  },
}

const prefix: StoreCase = {
  id: 'scans/prefix',
  title: 'a scan shows the claims whose key begins with the prefix, letter by letter, and no others',
  kills: ['scan-ignores-prefix', 'scan-prefix-is-a-pattern', 'scan-finds-inside', 'scan-leaves-out-the-prefix-itself'],
  async run(context) {
    const store = await context.store()
    const base = context.key('prefix')
    const odd = ['*', '?', '[ab]', '.', '\\', '%', '_', '^a', '{x}', ' ', '😀', '\ud83d']
    const keys = [base, `${base}a`, `${base}b`, `x${base}`, base.slice(0, -1), ...odd.flatMap((text) => [`${base}${text}`, `${base}${text}z`])]
    for (const key of keys) await context.claimed(store, key, 'a')
    for (const wanted of [base, ...odd.map((text) => base + text), `${base}*z`, `${base}nothing`]) {
      const { claims } = await context.scanned(store, wanted)
      const expected = keys.filter((key) => key.startsWith(wanted))
      checkSameMembers(keysOf(claims), expected, `the keys with the prefix ${show(wanted)}`)
    }
    checkSameMembers(
      keysOf((await context.scanned(store, '')).claims).filter((key) => keys.includes(key)),
      keys,
      'the keys with the empty prefix',
    )
  },
}

const pages: StoreCase = {
  id: 'scans/pages',
  title: 'pages hold no more than asked, and together everything that lasted while they were read',
  kills: ['scan-ignores-limit', 'scan-forgets-last-of-page', 'scan-first-page-only', 'scan-never-ends'],
  async run(context) {
    const store = await context.store()
    const base = context.key('prefix')
    const keys = Array.from({ length: 230 }, (_, index) => `${base}:${index}`)
    await Promise.all(keys.map((key) => context.claimed(store, key, 'a')))
    for (const limit of [1, 7, 115, 230, 1_000]) {
      const { claims, pages: sizes } = await context.scanned(store, base, limit)
      check(
        sizes.every((size) => size <= limit),
        () => `pages hold ${limit} claims at most; got ${show(sizes)}`,
      )
      checkSameMembers(keysOf(claims), keys, `the keys in pages of ${limit}`)
    }
  },
}

const expired: StoreCase = {
  id: 'scans/expired',
  title: 'a scan shows nothing whose time is over',
  kills: ['scan-shows-expired'],
  async run(context) {
    const store = await context.store()
    const base = context.key('prefix')
    await context.claimed(store, `${base}:1`, 'a', context.leaseMs)
    const done = await context.claimed(store, `${base}:2`, 'a')
    await store.complete(done, 'value', context.leaseMs)
    await context.claimed(store, `${base}:3`, 'a')
    await context.passes(context.leaseMs)
    checkSameMembers(keysOf((await context.scanned(store, base)).claims), [`${base}:3`], 'the keys')
  },
}

export const scanCases: readonly StoreCase[] = [content, prefix, pages, expired]
