import type { MemoryStore } from '@busbar/memory'
import { broken, holder, holds, look, madeUpFence, remembering, type StoreMutant } from './store-mutant.ts'

const values = (change: (value: string) => string): StoreMutant['make'] =>
  broken(({ store }) => ({ complete: (claim, value, ttlMs) => store.complete(claim, change(value), ttlMs) }))

const timesToLive = (change: (ttlMs: number, leftMs: number) => number): StoreMutant['make'] =>
  broken(({ store }) => ({ complete: (claim, value, ttlMs) => store.complete(claim, value, change(ttlMs, look(store, claim.key)?.expiresInMs ?? ttlMs)) }))

/** Values that were put in the place of those in the store. */
const replacing = (replaces: (store: MemoryStore, claim: Parameters<MemoryStore['complete']>[0]) => boolean): StoreMutant['make'] =>
  remembering(
    () => new Map<string, string>(),
    ({ store }, replaced) => ({
      claim: (request) => {
        const result = store.claim(request)
        return result.state === 'done' ? { ...result, value: replaced.get(request.key) ?? result.value } : result
      },
      complete: (claim, value, ttlMs) => {
        if (look(store, claim.key)?.state === 'done' && replaces(store, claim)) replaced.set(claim.key, value)
        return store.complete(claim, value, ttlMs)
      },
    }),
  )

export const endingFaults: readonly StoreMutant[] = [
  {
    name: 'done-ends-with-lease',
    fault: 'forgets a value when the lease of its claim would have ended',
    killedBy: 'completions/time-to-live',
    make: timesToLive((ttlMs, leftMs) => Math.min(ttlMs, leftMs)),
  },
  { name: 'done-for-ever', fault: 'keeps values for ever', killedBy: 'completions/time-to-live', make: timesToLive(() => Number.MAX_SAFE_INTEGER) },
  {
    name: 'done-lasts-as-long-as-lease',
    fault: 'keeps values at least as long as the lease of their claim',
    killedBy: 'completions/time-to-live',
    make: timesToLive((ttlMs, leftMs) => Math.max(ttlMs, leftMs)),
  },
  { name: 'value-trimmed', fault: 'drops the space around values', killedBy: 'completions/values', make: values((value) => value.trim()) },
  {
    name: 'value-through-utf8',
    fault: 'keeps values as UTF-8, which has no bytes for half a surrogate pair',
    killedBy: 'completions/values',
    make: values((value) => Buffer.from(value).toString()),
  },
  {
    name: 'value-empty-is-none',
    fault: 'takes an empty value for none',
    killedBy: 'completions/values',
    make: broken(({ store }) => ({
      complete: (claim, value, ttlMs) => {
        if (value !== '') return store.complete(claim, value, ttlMs)
        return store.release(claim) === 'released' ? 'completed' : 'lost'
      },
    })),
  },
  { name: 'value-cut', fault: 'cuts values at 64 KiB', killedBy: 'completions/mebibyte', make: values((value) => value.slice(0, 65_536)) },
  {
    name: 'release-no-op',
    fault: 'says that it has released what it has not',
    killedBy: 'releases/free',
    make: broken(({ store }) => ({ release: (claim) => (holds(store, claim) ? 'released' : 'lost') })),
  },
  {
    name: 'release-forgets-value',
    fault: 'forgets the value of a completed claim that is released',
    killedBy: 'releases/done',
    make: remembering(
      () => new Set<string>(),
      ({ store }, forgotten) => ({
        claim: (request) => (forgotten.delete(request.key) ? { state: 'claimed', fence: madeUpFence } : store.claim(request)),
        release: (claim) => {
          if (look(store, claim.key)?.state === 'done' && holds(store, claim)) forgotten.add(claim.key)
          return store.release(claim)
        },
      }),
    ),
  },
  {
    name: 'complete-once',
    fault: 'says of a claim that is completed again that it was lost',
    killedBy: 'repeats/complete',
    make: broken(({ store }) => ({
      complete: (claim, value, ttlMs) => (look(store, claim.key)?.state === 'done' ? 'lost' : store.complete(claim, value, ttlMs)),
    })),
  },
  {
    name: 'complete-overwrites',
    fault: 'replaces the value when a claim is completed again',
    killedBy: 'repeats/complete',
    make: replacing((store, claim) => holds(store, claim)),
  },
  {
    name: 'release-by-key',
    fault: 'frees the key, whoever has it, when a released claim is released again',
    killedBy: 'repeats/release',
    make: remembering(
      () => new Set<string>(),
      ({ store }, released) => ({
        release: (claim) => {
          const id = `${claim.key} ${claim.fence}`
          const current = holder(store, claim.key)
          if (released.has(id) && current !== undefined) return store.release(current)
          released.add(id)
          return store.release(claim)
        },
      }),
    ),
  },
  {
    name: 'lost-answer-is-final',
    fault: 'refuses a call that it has carried out before',
    killedBy: 'repeats/lost-answer',
    make: remembering(
      () => new Set<string>(),
      ({ store }, seen) => {
        const once = <T>(id: unknown, call: () => T): T => {
          const text = JSON.stringify(id)
          if (seen.has(text)) throw new Error('duplicate request')
          seen.add(text)
          return call()
        }
        return {
          claim: (request) => once(['claim', request], () => store.claim(request)),
          complete: (claim, value, ttlMs) => once(['complete', claim], () => store.complete(claim, value, ttlMs)),
        }
      },
    ),
  },
  {
    name: 'stale-complete-wins',
    fault: 'completes the claim that has taken over when the old one is completed',
    killedBy: 'stale/complete',
    make: broken(({ store }) => ({
      complete: (claim, value, ttlMs) => {
        const result = store.complete(claim, value, ttlMs)
        const current = holder(store, claim.key)
        if (result === 'lost' && current !== undefined) store.complete(current, value, ttlMs)
        return result
      },
    })),
  },
  {
    name: 'stale-complete-of-done',
    fault: 'replaces the value of the claim that has taken over when the old one is completed',
    killedBy: 'stale/complete-done',
    make: replacing((store, claim) => !holds(store, claim)),
  },
  {
    name: 'stale-release-frees',
    fault: 'frees the claim that has taken over when the old one is released',
    killedBy: 'stale/release',
    make: broken(({ store }) => ({
      release: (claim) => {
        const result = store.release(claim)
        const current = holder(store, claim.key)
        if (result === 'lost' && current !== undefined) store.release(current)
        return result
      },
    })),
  },
]
