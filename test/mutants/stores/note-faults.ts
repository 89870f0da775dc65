import type { ClaimResult, LeaseStore, Note } from '@busbar/core/driver'
import type { MemoryStore } from '@busbar/memory'
import { broken, holder, holds, look, remembering, type StoreMutant } from './store-mutant.ts'

type Saved = readonly ('saved' | 'lost')[]

const saves = (change: (store: MemoryStore, notes: readonly Note[], leaseMs: number, ttlMs: number) => Saved): StoreMutant['make'] =>
  broken(({ store }) => ({ save: (notes, leaseMs, ttlMs) => change(store, notes, leaseMs, ttlMs) }))

const eachNote = (change: (note: string) => string): StoreMutant['make'] =>
  saves((store, notes, leaseMs, ttlMs) =>
    store.save(
      notes.map((each) => ({ ...each, note: change(each.note) })),
      leaseMs,
      ttlMs,
    ),
  )

const claims = (change: (result: ClaimResult, owner: string) => ClaimResult): StoreMutant['make'] =>
  broken(({ store }) => ({ claim: (request) => change(store.claim(request), request.owner) }))

const withoutNote = (result: ClaimResult): ClaimResult => (result.state === 'claimed' ? { state: 'claimed', fence: result.fence } : result)

/** Forgets the note of a key by a claim whose own note ends at once. */
function forget(store: MemoryStore, key: string): void {
  const result = store.claim({ key, owner: 'forgetting', leaseMs: 1_000 })
  if (result.state !== 'claimed') return
  store.save([{ key, owner: 'forgetting', fence: result.fence, note: '' }], 1_000, 0)
  store.release({ key, owner: 'forgetting', fence: result.fence })
}

/** Notes kept beside the store, given where it gives none. */
const besides = (changes: (store: MemoryStore, kept: Map<string, string>) => Partial<LeaseStore>): StoreMutant['make'] =>
  remembering(
    () => new Map<string, string>(),
    ({ store }, kept) => ({
      save: (notes, leaseMs, ttlMs) => {
        const results = store.save(notes, leaseMs, ttlMs)
        for (const [index, { key, note }] of notes.entries()) if (results[index] === 'saved') kept.set(key, note)
        return results
      },
      claim: (request) => {
        const result = store.claim(request)
        const note = kept.get(request.key)
        return result.state === 'claimed' && result.note === undefined && note !== undefined ? { ...result, note } : result
      },
      ...changes(store, kept),
    }),
  )

export const noteFaults: readonly StoreMutant[] = [
  {
    name: 'note-forgotten-on-release',
    fault: 'forgets the note when its claim is released',
    killedBy: 'notes/handed-on',
    make: broken(({ store }) => ({
      release: (claim) => {
        const result = store.release(claim)
        if (result === 'released') forget(store, claim.key)
        return result
      },
    })),
  },
  {
    name: 'note-forgotten-on-expiry',
    fault: 'forgets notes with the lease that they came with',
    killedBy: 'notes/handed-on',
    make: saves((store, notes, leaseMs, ttlMs) => store.save(notes, leaseMs, Math.min(leaseMs, ttlMs))),
  },
  {
    name: 'note-first-stays',
    fault: 'keeps the first note of a claim',
    killedBy: 'notes/handed-on',
    make: saves((store, notes, leaseMs, ttlMs) =>
      store.save(
        notes.map((each) => ({ ...each, note: look(store, each.key)?.note ?? each.note })),
        leaseMs,
        ttlMs,
      ),
    ),
  },
  {
    name: 'note-for-others-only',
    fault: 'gives no note to the owner that has left it',
    killedBy: 'notes/handed-on',
    make: remembering(
      () => new Map<string, string>(),
      ({ store }, authors) => ({
        save: (notes, leaseMs, ttlMs) => {
          for (const { key, owner } of notes) authors.set(key, owner)
          return store.save(notes, leaseMs, ttlMs)
        },
        claim: (request) => (authors.get(request.key) === request.owner ? withoutNote(store.claim(request)) : store.claim(request)),
      }),
    ),
  },
  {
    name: 'save-does-not-renew',
    fault: 'keeps a note and leaves the lease as it is',
    killedBy: 'notes/renew',
    make: saves((store, notes, _, ttlMs) => notes.flatMap((note) => store.save([note], look(store, note.key)?.expiresInMs ?? 0, ttlMs))),
  },
  {
    name: 'save-all-or-nothing',
    fault: 'keeps no note when one claim is lost',
    killedBy: 'notes/each',
    make: saves((store, notes, leaseMs, ttlMs) =>
      notes.every((note) => holds(store, note)) ? store.save(notes, leaseMs, ttlMs) : notes.map(() => 'lost' as const),
    ),
  },
  {
    name: 'save-first-only',
    fault: 'keeps the first note and says that it was all',
    killedBy: 'notes/each',
    make: saves((store, notes, leaseMs, ttlMs) => {
      const [first] = store.save(notes.slice(0, 1), leaseMs, ttlMs)
      return notes.map((note, index) => (index === 0 ? (first ?? 'lost') : holds(store, note) ? 'saved' : 'lost'))
    }),
  },
  {
    name: 'save-not-fenced',
    fault: 'keeps a note of an earlier claim of the same owner',
    killedBy: 'notes/fenced',
    make: saves((store, notes, leaseMs, ttlMs) =>
      notes.flatMap((note) => {
        const current = holder(store, note.key)
        return store.save([current?.owner === note.owner ? { ...note, fence: current.fence } : note], leaseMs, ttlMs)
      }),
    ),
  },
  {
    name: 'save-by-key',
    fault: 'keeps a note of whoever leaves it while the key is claimed',
    killedBy: 'notes/fenced',
    make: saves((store, notes, leaseMs, ttlMs) => notes.flatMap((note) => store.save([{ ...note, ...holder(store, note.key) }], leaseMs, ttlMs))),
  },
  {
    name: 'save-revives',
    fault: 'takes a claim whose lease has ended for held when a note is left with it',
    killedBy: 'notes/fenced',
    make: saves((store, notes, leaseMs, ttlMs) =>
      notes.flatMap((note) => {
        const results = store.save([note], leaseMs, ttlMs)
        if (results[0] === 'saved' || look(store, note.key) !== undefined) return results
        const again = store.claim({ key: note.key, owner: note.owner, leaseMs })
        return again.state === 'claimed' ? store.save([{ ...note, fence: again.fence }], leaseMs, ttlMs) : results
      }),
    ),
  },
  { name: 'note-for-ever', fault: 'never forgets a note', killedBy: 'notes/time-to-live', make: besides(() => ({})) },
  {
    name: 'note-ends-with-lease',
    fault: 'forgets a note when a lease ends that was renewed after it',
    killedBy: 'notes/time-to-live',
    make: broken(({ store }) => ({
      renew: (all, leaseMs) => {
        for (const claim of all) {
          const note = look(store, claim.key)?.note
          if (note !== undefined) store.save([{ ...claim, note }], leaseMs, leaseMs)
        }
        return store.renew(all, leaseMs)
      },
    })),
  },
  {
    name: 'note-outlives-completion',
    fault: 'gives a note after its claim was completed',
    killedBy: 'notes/completed',
    make: besides((store, kept) => ({
      // Forgets it where it should, but for completions.
      release: (claim) => {
        kept.delete(claim.key)
        return store.release(claim)
      },
    })),
  },
  {
    name: 'save-after-completion',
    fault: 'says that it has kept a note of a completed claim',
    killedBy: 'notes/completed',
    make: saves((store, notes, leaseMs, ttlMs) =>
      store.save(notes, leaseMs, ttlMs).map((result, index) => (look(store, notes[index]?.key ?? '')?.state === 'done' ? 'saved' : result)),
    ),
  },
  {
    name: 'scan-empties-notes',
    fault: 'shows the notes of all claims as empty',
    killedBy: 'notes/shown',
    make: broken(({ store }) => ({
      scan: (prefix, options) => {
        const page = store.scan(prefix, options)
        return { ...page, claims: page.claims.map((claim) => ({ ...claim, note: '' })) }
      },
    })),
  },
  { name: 'note-through-utf8', fault: 'keeps notes as UTF-8', killedBy: 'notes/texts', make: eachNote((note) => note.toWellFormed()) },
  { name: 'note-trimmed', fault: 'trims notes', killedBy: 'notes/texts', make: eachNote((note) => note.trim()) },
  {
    name: 'note-empty-is-none',
    fault: 'takes an empty note for none',
    killedBy: 'notes/texts',
    make: claims((result) => (result.state === 'claimed' && result.note === '' ? withoutNote(result) : result)),
  },
  { name: 'note-cut', fault: 'keeps the first 65,535 characters of a note', killedBy: 'notes/texts', make: eachNote((note) => note.slice(0, 65_535)) },
  {
    name: 'save-once',
    fault: 'calls a claim lost when the same note is left again',
    killedBy: 'notes/lost-answer',
    make: saves((store, notes, leaseMs, ttlMs) => {
      const known = notes.map(({ key, note }) => look(store, key)?.note === note)
      return store.save(notes, leaseMs, ttlMs).map((result, index) => (known[index] === true ? 'lost' : result))
    }),
  },
]
