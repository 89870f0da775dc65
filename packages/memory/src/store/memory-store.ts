import type { Claim, ClaimRequest, ClaimResult, Clock, LeaseStore, Note, StoredClaim } from '@busbar/core/driver'
import { claimState, placeOf } from './claim-pages.ts'
import { ClaimTable } from './claim-table.ts'
import { Notes } from './notes.ts'

export interface MemoryStoreOptions {
  /** Leases and times to live run on its monotonic time. */
  readonly clock: Clock
}

/** A {@link LeaseStore} in this process that answers synchronously. */
export interface MemoryStore extends LeaseStore {
  claim(request: ClaimRequest): ClaimResult
  renew(claims: readonly Claim[], leaseMs: number): readonly ('renewed' | 'lost')[]
  complete(claim: Claim, value: string, ttlMs: number): 'completed' | 'lost'
  release(claim: Claim): 'released' | 'lost'
  save(notes: readonly Note[], leaseMs: number, ttlMs: number): readonly ('saved' | 'lost')[]
  scan(prefix: string, options: { readonly cursor?: string; readonly limit: number }): { readonly claims: readonly StoredClaim[]; readonly cursor?: string }
  /** Entries held, expired ones included until they are swept. */
  readonly size: number
}

/**
 * Claims in memory: O(1) per claim, renewal, completion and release, and no timer. Their number is limited by memory alone: about 150 bytes each.
 * An expired claim counts as absent at once; its memory is given back by later claims, a few at a time.
 * For tests, single-process programs and the memory driver's streams. Throws a `TypeError` without a clock.
 */
export function memoryStore(options: MemoryStoreOptions): MemoryStore {
  const clock = (options as Partial<MemoryStoreOptions> | undefined)?.clock
  if (typeof clock?.monotonic !== 'function')
    throw new TypeError('memoryStore: clock is needed, memoryStore({ clock: systemClock }), the same as that of the broker')
  return new TableStore(options.clock)
}

/** Places that one claim looks at for expired ones. It adds one at most, so that a round over all of them ends soon, and expired ones never pile up. */
const sweptPerClaim = 4

class TableStore implements MemoryStore {
  readonly #clock: Clock
  readonly #table: ClaimTable = new ClaimTable()
  readonly #notes: Notes = new Notes()
  #fences = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#table.size
  }

  claim(request: ClaimRequest): ClaimResult {
    const result = this.#claim(request)
    return result.state === 'claimed' ? { ...result, ...this.#noteOf(request.key, this.#clock.monotonic()) } : result
  }

  #claim({ key, owner, leaseMs }: ClaimRequest): ClaimResult {
    const now = this.#clock.monotonic()
    this.#table.sweep(now, sweptPerClaim)
    const number = this.#table.find(key)
    if (number === -1) {
      this.#table.add(key, owner, ++this.#fences, now + leaseMs)
      return { state: 'claimed', fence: this.#fences }
    }
    const page = this.#table.page(number)
    const at = placeOf(number)
    const expiresAt = page.expiresAt[at] as number
    if (expiresAt <= now) {
      page.states[at] = claimState.busy
      page.texts[at] = owner
      page.fences[at] = ++this.#fences
    } else if (page.states[at] === claimState.done) {
      return { state: 'done', value: page.texts[at] as string }
    } else if (page.texts[at] !== owner) {
      return { state: 'busy', expiresInMs: expiresAt - now }
    }
    page.expiresAt[at] = now + leaseMs
    return { state: 'claimed', fence: page.fences[at] as number }
  }

  renew(claims: readonly Claim[], leaseMs: number): readonly ('renewed' | 'lost')[] {
    const now = this.#clock.monotonic()
    return claims.map((claim) => {
      const number = this.#heldBusy(claim, now)
      if (number === -1) return 'lost'
      this.#table.page(number).expiresAt[placeOf(number)] = now + leaseMs
      return 'renewed'
    })
  }

  complete(claim: Claim, value: string, ttlMs: number): 'completed' | 'lost' {
    const now = this.#clock.monotonic()
    const number = this.#held(claim, now)
    if (number === -1) return 'lost'
    const page = this.#table.page(number)
    const at = placeOf(number)
    // A repeated completion keeps the first value: that is what others may have seen.
    if (page.states[at] === claimState.busy) page.texts[at] = value
    page.states[at] = claimState.done
    this.#notes.delete(claim.key)
    page.expiresAt[at] = now + ttlMs
    return 'completed'
  }

  release(claim: Claim): 'released' | 'lost' {
    const number = this.#heldBusy(claim, this.#clock.monotonic())
    if (number === -1) return 'lost'
    this.#table.delete(number)
    return 'released'
  }

  save(notes: readonly Note[], leaseMs: number, ttlMs: number): readonly ('saved' | 'lost')[] {
    const now = this.#clock.monotonic()
    return this.renew(notes, leaseMs).map((result, index) => {
      if (result === 'lost') return 'lost'
      const { key, note } = notes[index] as Note
      this.#notes.keep(key, note, now, now + ttlMs)
      return 'saved'
    })
  }

  scan(
    prefix: string,
    { cursor, limit }: { readonly cursor?: string; readonly limit: number },
  ): { readonly claims: readonly StoredClaim[]; readonly cursor?: string } {
    const now = this.#clock.monotonic()
    const numbers = new Map<string, number>()
    for (const number of this.#table.numbers()) {
      const page = this.#table.page(number)
      const at = placeOf(number)
      const key = page.keys[at] as string
      if (key.startsWith(prefix) && (page.expiresAt[at] as number) > now && (cursor === undefined || key > cursor)) numbers.set(key, number)
    }
    const keys = [...numbers.keys()].sort()
    const claims = keys.slice(0, limit).map((key) => this.#stored(numbers.get(key) as number, now))
    const last = claims.at(-1)
    return last === undefined || keys.length === claims.length ? { claims } : { claims, cursor: last.key }
  }

  /** The claim's number; −1 if it is lost. A completed one is known by its fence alone. */
  #held(claim: Claim, now: number): number {
    const number = this.#table.find(claim.key)
    if (number === -1) return -1
    const page = this.#table.page(number)
    const at = placeOf(number)
    const ours = page.fences[at] === claim.fence && (page.states[at] === claimState.done || page.texts[at] === claim.owner)
    return ours && (page.expiresAt[at] as number) > now ? number : -1
  }

  #heldBusy(claim: Claim, now: number): number {
    const number = this.#held(claim, now)
    return number !== -1 && this.#table.page(number).states[placeOf(number)] === claimState.busy ? number : -1
  }

  #stored(number: number, now: number): StoredClaim {
    const page = this.#table.page(number)
    const at = placeOf(number)
    const text = page.texts[at] as string
    const fence = page.fences[at] as number
    const common = { key: page.keys[at] as string, fence, expiresInMs: (page.expiresAt[at] as number) - now }
    return page.states[at] === claimState.done
      ? { ...common, state: 'done', owner: '', value: text }
      : { ...common, ...this.#noteOf(common.key, now), state: 'busy', owner: text }
  }

  #noteOf(key: string, now: number): { readonly note?: string } {
    const note = this.#notes.find(key, now)
    return note === undefined ? {} : { note }
  }
}
