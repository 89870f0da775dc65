import { checkEqual, checkSameMembers, show } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs, type StoreContext } from '../context.ts'
import { oddTexts } from '../odd-texts.ts'

/** Each key has a claim of its own, which can be renewed, scanned, completed and released under it. */
async function checkApart(context: StoreContext, keys: readonly string[], prefix: string): Promise<void> {
  const store = await context.store()
  const claims = []
  for (const key of keys) claims.push(await context.claimed(store, key, 'a'))
  checkSameMembers(
    (await context.scanned(store, prefix)).claims.map(({ key }) => key),
    keys,
    'the keys that a scan shows',
  )
  checkEqual(
    await store.renew(claims, longMs),
    keys.map(() => 'renewed'),
    'renewing',
  )
  for (const [index, claim] of claims.entries()) {
    if (index % 2 === 0) checkEqual(await store.release(claim), 'released', `releasing ${show(claim.key)}`)
    else checkEqual(await store.complete(claim, `value ${index}`, longMs), 'completed', `completing ${show(claim.key)}`)
  }
  for (const [index, { key }] of claims.entries()) {
    if (index % 2 === 0) await context.claimed(store, key, 'b')
    else await context.checkDone(store, key, `value ${index}`, `${show(key)} has its own value`)
  }
}

const keys: StoreCase = {
  id: 'texts/keys',
  title: 'any text is a key of its own: empty, any Unicode, control characters, halves of surrogate pairs, what looks like a name of the store',
  kills: ['keys-through-utf8', 'keys-trimmed', 'keys-without-controls', 'keys-empty-refused'],
  async run(context) {
    const base = context.key()
    await checkApart(context, [base, ...oddTexts.map((text) => base + text)], base)
    const store = await context.store()
    const own = ['', 'fence', 'scan', 'busbar:', 'busbar:claim:', `busbar:claim:${base}`, '__proto__', 'constructor', `${base}:fence`, `{${base}}`]
    const claims = []
    for (const key of own) claims.push(await context.claimed(store, key, base))
    for (const claim of claims) {
      await context.checkBusy(store, claim.key, `${show(claim.key)} is claimed`)
      checkEqual(await store.release(claim), 'released', `releasing ${show(claim.key)}`)
    }
  },
}

const similarKeys: StoreCase = {
  id: 'texts/similar-keys',
  title: 'keys that differ in case, spaces, accents or one half of a pair are different keys',
  kills: ['keys-case-folded', 'keys-normalised'],
  run(context) {
    const base = context.key()
    const similar = ['a', 'A', 'a ', ' a', 'a\u0000', '\u00e9', 'e\u0301', '\u212b', '\u00c5', '\ud83d', '\ud83e', '\ufffd', '%d83d', '%25', '%']
    return checkApart(
      context,
      similar.map((text) => base + text),
      base,
    )
  },
}

const longKeys: StoreCase = {
  id: 'texts/long-keys',
  title: 'keys of ten thousand characters that differ in the last one are different keys',
  kills: ['keys-cut'],
  run(context) {
    const base = context.key()
    const long = base + 'k'.repeat(9_999 - base.length)
    return checkApart(context, [`${long}1`, `${long}2`, `${base}${'ü'.repeat(10_000 - base.length)}`], base)
  },
}

const owners: StoreCase = {
  id: 'texts/owners',
  title: 'any text is an owner of its own, and a scan shows it as it is',
  kills: ['owners-through-utf8', 'owners-trimmed'],
  async run(context) {
    const store = await context.store()
    for (const [index, owner] of oddTexts.entries()) {
      const claim = await context.claimed(store, context.key(), owner)
      const other = oddTexts[(index + 1) % oddTexts.length] ?? ''
      checkEqual(await store.renew([{ ...claim, owner: other }], longMs), ['lost'], `renewing as ${show(other)} what ${show(owner)} has`)
      checkEqual((await store.claim({ key: claim.key, owner: `${owner} `, leaseMs: longMs })).state, 'busy', `claiming as ${show(owner)} and a space`)
      const [stored] = (await context.scanned(store, claim.key)).claims
      checkEqual(stored?.owner, owner, 'the owner that a scan shows')
      checkEqual(await store.complete(claim, owner, longMs), 'completed', `completing as ${show(owner)}`)
    }
    const [one, two] = ['half \ud83d', 'half \ud83e']
    const claim = await context.claimed(store, context.key(), one ?? '')
    checkEqual((await store.claim({ key: claim.key, owner: two ?? '', leaseMs: longMs })).state, 'busy', 'claiming with the other half')
  },
}

export const textCases: readonly StoreCase[] = [keys, similarKeys, longKeys, owners]
