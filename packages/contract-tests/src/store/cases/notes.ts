import type { Claim, FencedStore } from '@busbar/core/driver'
import { check, checkEqual, show } from '../../kit/assert.ts'
import type { StoreCase } from '../case.ts'
import { longMs } from '../context.ts'
import { oddTexts } from '../odd-texts.ts'

/** Claims a key that must be free, and checks what was left to its owner. */
async function checkNote(store: FencedStore, key: string, owner: string, note: string | undefined, leaseMs: number = longMs): Promise<Claim> {
  const result = await store.claim({ key, owner, leaseMs })
  check(result.state === 'claimed', () => `${owner} can claim the key; got ${show(result)}`)
  checkEqual(result.note, note, `the note that ${owner} is given`)
  return { key, owner, fence: result.fence }
}

const handedOn: StoreCase = {
  id: 'notes/handed-on',
  title: 'the last note of a claim is given to whoever claims the key later: after a release, after its lease has ended, and to the owner itself',
  kills: ['note-forgotten-on-release', 'note-forgotten-on-expiry', 'note-first-stays', 'note-for-others-only'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    const first = await checkNote(store, context.key(), 'a', undefined)
    checkEqual(await store.save([{ ...first, note: 'one' }], longMs, longMs), ['saved'], 'saving')
    checkEqual(await store.save([{ ...first, note: 'two' }], longMs, longMs), ['saved'], 'saving again')
    await checkNote(store, first.key, 'a', 'two')
    await store.release(first)
    const second = await checkNote(store, first.key, 'b', 'two')
    checkEqual(await store.save([{ ...second, note: 'three' }], context.leaseMs, longMs), ['saved'], 'saving')
    await context.passes(context.leaseMs)
    const third = await checkNote(store, first.key, 'c', 'three')
    await store.release(third)
    await checkNote(store, first.key, 'd', 'three')
  },
}

const renew: StoreCase = {
  id: 'notes/renew',
  title: 'a note renews its claim for as long as it asks',
  kills: ['save-does-not-renew'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    const claim = await context.claimed(store, context.key(), 'a', context.leaseMs)
    checkEqual(await store.save([{ ...claim, note: 'note' }], longMs, longMs), ['saved'], 'saving')
    await context.passes(context.leaseMs)
    await context.checkBusy(store, claim.key, 'the key is claimed after the first lease would have ended')
  },
}

const each: StoreCase = {
  id: 'notes/each',
  title: 'notes are answered one by one, in the order given: what is lost does not take the others along',
  kills: ['save-all-or-nothing', 'save-first-only'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    const mine = await Promise.all(Array.from({ length: 3 }, () => context.claimed(store, context.key(), 'a')))
    const never: Claim = { key: context.key(), owner: 'a', fence: 1 }
    const claims = [...mine.slice(0, 1), never, ...mine.slice(1)]
    const answers = await store.save(
      claims.map((claim, index) => ({ ...claim, note: `note ${index}` })),
      longMs,
      longMs,
    )
    checkEqual(answers, ['saved', 'lost', 'saved', 'saved'], 'the answers')
    checkEqual(await store.save([], longMs, longMs), [], 'the answers to nothing')
    for (const [index, claim] of claims.entries()) {
      if (claim === never) await checkNote(store, claim.key, 'b', undefined)
      else await checkNote(store, claim.key, 'a', `note ${index}`)
    }
  },
}

const fenced: StoreCase = {
  id: 'notes/fenced',
  title: 'a note of a claim that has been released, has ended, was taken over or is another owner’s is lost and changes nothing',
  kills: ['save-not-fenced', 'save-by-key', 'save-revives'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    const late = async (claim: Claim, what: string): Promise<void> => checkEqual(await store.save([{ ...claim, note: 'late' }], longMs, longMs), ['lost'], what)
    const old = await context.claimed(store, context.key(), 'a')
    await store.save([{ ...old, note: 'early' }], context.leaseMs, longMs)
    await context.passes(context.leaseMs)
    await late(old, 'saving after the lease has ended')
    const newer = await checkNote(store, old.key, 'a', 'early')
    await late(old, 'saving after the same owner has claimed again')
    await late({ ...newer, owner: 'b' }, 'saving as another owner')
    await store.save([{ ...newer, note: 'newer' }], longMs, longMs)
    await store.release(newer)
    await late(newer, 'saving after a release')
    await checkNote(store, old.key, 'c', 'newer')
    await late(newer, 'saving after another owner has taken over')
    await checkNote(store, old.key, 'c', 'newer')
  },
}

const timeToLive: StoreCase = {
  id: 'notes/time-to-live',
  title: 'a note is kept for its time to live, which renewals neither shorten nor prolong, and is then forgotten',
  kills: ['note-for-ever', 'note-ends-with-lease'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    const [brief, lasting] = [await context.claimed(store, context.key(), 'a'), await context.claimed(store, context.key(), 'a')]
    await store.save([{ ...brief, note: 'brief' }], longMs, context.leaseMs)
    await store.save([{ ...lasting, note: 'lasting' }], context.leaseMs, longMs)
    await store.renew([brief], longMs)
    await store.renew([lasting], context.leaseMs)
    await context.passes(context.leaseMs)
    await checkNote(store, lasting.key, 'b', 'lasting')
    await checkNote(store, brief.key, 'a', undefined)
  },
}

const completed: StoreCase = {
  id: 'notes/completed',
  title: 'completing a claim ends its note, and nothing can be saved with it any more',
  kills: ['note-outlives-completion', 'save-after-completion'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    const claim = await context.claimed(store, context.key(), 'a')
    await store.save([{ ...claim, note: 'note' }], longMs, longMs)
    checkEqual(await store.complete(claim, 'value', context.leaseMs), 'completed', 'completing')
    checkEqual(await store.save([{ ...claim, note: 'late' }], longMs, longMs), ['lost'], 'saving')
    await context.passes(context.leaseMs)
    await checkNote(store, claim.key, 'b', undefined)
  },
}

const shown: StoreCase = {
  id: 'notes/shown',
  title: 'a scan shows the note of a claim that is busy',
  kills: ['scan-empties-notes'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    const base = context.key()
    const [one, two] = [await context.claimed(store, `${base}:1`, 'a'), await context.claimed(store, `${base}:2`, 'a')]
    await store.save([{ ...one, note: 'note' }], longMs, longMs)
    const { claims } = await context.scanned(store, base)
    for (const { key, note } of [
      { key: one.key, note: 'note' },
      { key: two.key, note: undefined },
    ])
      checkEqual(claims.find((claim) => claim.key === key)?.note, note, `the note of ${key}`)
  },
}

const texts: StoreCase = {
  id: 'notes/texts',
  title: 'notes come back as they are: empty, any Unicode, control characters, halves of surrogate pairs, a hundred thousand characters',
  kills: ['note-through-utf8', 'note-trimmed', 'note-empty-is-none', 'note-cut'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    for (const note of ['', ...oddTexts, `${'0123456789'.repeat(10_000)} end`]) {
      const claim = await context.claimed(store, context.key(), 'owner of 1 2 =')
      checkEqual(await store.save([{ ...claim, note }], longMs, longMs), ['saved'], 'saving')
      await store.release(claim)
      await checkNote(store, claim.key, 'another', note)
    }
  },
}

const lostAnswer: StoreCase = {
  id: 'notes/lost-answer',
  title: 'when the answer to a note is lost, the same call made again answers as the first would have',
  kills: ['save-once'],
  faults: ['loseNextAnswer'],
  needsNotes: true,
  async run(context) {
    const store = await context.leaseStore()
    const claim = await context.claimed(store, context.key(), 'a')
    const save = (): ReturnType<typeof store.save> => store.save([{ ...claim, note: 'note' }], longMs, longMs)
    await context.harness.faults?.loseNextAnswer?.(store)
    // The store repeats it by itself, or it fails and the caller does.
    const answers = await Promise.resolve(save()).catch(save)
    checkEqual(answers, ['saved'], 'saving')
    checkEqual(await save(), ['saved'], 'saving the same again')
    await checkNote(store, claim.key, 'a', 'note')
  },
}

export const noteCases: readonly StoreCase[] = [handedOn, renew, each, fenced, timeToLive, completed, shown, texts, lostAnswer]
