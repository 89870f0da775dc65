import type { Claim, ClaimRequest, ClaimResult, LeaseStore, Note, StoredClaim } from '@busbar/core/driver'
import type { VirtualTime } from './virtual-time.ts'

interface Entry {
  state: 'busy' | 'done' | 'free'
  owner: string
  fence: number
  endsAt: number
  value: string
  note: string | undefined
}

/** What happens to one call: carried out or not, and how it is answered. */
export type Fault = 'down' | 'lost' | 'slow' | 'hang' | 'lie'

export interface SimulatedStoreOptions {
  readonly time: VirtualTime
  readonly random: () => number
  readonly latencyMs?: number
}

/** What was really saved. */
export type SavedNote = Note

/** A lease store as the contract wants it, with faults between it and its clients. Keeps count of what it was asked. */
export class SimulatedStore {
  readonly #options: SimulatedStoreOptions
  readonly #entries = new Map<string, Entry>()
  /** Requests by operation; claims that are renewed or noted count one by one, as they do on DynamoDB. */
  readonly operations: Map<string, number> = new Map()
  onSave: (saved: SavedNote) => void = () => undefined
  /** The chance of each fault. */
  faults: Partial<Record<Fault, number>> = {}

  constructor(options: SimulatedStoreOptions) {
    this.#options = options
  }

  get total(): number {
    return [...this.operations.values()].reduce((sum, count) => sum + count, 0)
  }

  noteOf(key: string): string | undefined {
    return this.#entries.get(key)?.note
  }

  /** As a fail-over that loses the last writes: the key is free. */
  free(key: string): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) entry.state = 'free'
  }

  /** Loses all that it was given. */
  forget(): void {
    this.#entries.clear()
  }

  set(key: string, note: string): void {
    this.#entries.set(key, { state: 'free', owner: '', fence: 1, endsAt: 0, value: '', note })
  }

  /** As one process sees it; `reachable` says whether it is alive and connected. */
  client(reachable: () => boolean = () => true): LeaseStore {
    const ask = async <T>(operation: string, count: number, act: () => T): Promise<T> => this.#ask(reachable, operation, count, act)
    return {
      claim: (request) => ask('claim', 1, () => this.#claim(request)),
      renew: (claims, leaseMs) => ask('renew', claims.length, () => claims.map((claim) => (this.#extend(claim, leaseMs) ? 'renewed' : 'lost'))),
      save: (notes, leaseMs) => ask('save', notes.length, () => notes.map((note) => this.#save(note, leaseMs))),
      complete: (claim, value) => ask('complete', 1, () => this.#complete(claim, value)),
      release: (claim) => ask('release', 1, () => this.#release(claim)),
      scan: (prefix, options) => ask('scan', 1, () => this.#scan(prefix, options)),
    }
  }

  async #ask<T>(reachable: () => boolean, operation: string, count: number, act: () => T): Promise<T> {
    const { time, random, latencyMs = 5 } = this.#options
    this.operations.set(operation, (this.operations.get(operation) ?? 0) + count)
    const fault = (Object.entries(this.faults) as [Fault, number][]).find(([, chance]) => random() < chance)?.[0]
    await time.sleep(latencyMs * random())
    if (!reachable() || fault === 'hang') return new Promise(() => undefined)
    if (fault === 'down') throw new Error('the store is down')
    if (fault === 'lie') return lies[Math.floor(random() * lies.length)] as T
    if (fault === 'slow') await time.sleep(20_000 * random())
    const answer = act()
    await time.sleep(latencyMs * random())
    if (!reachable()) return new Promise(() => undefined)
    if (fault === 'lost') throw new Error('the answer was lost')
    return answer
  }

  #claim({ key, owner, leaseMs }: ClaimRequest): ClaimResult {
    const now = this.#options.time.nowMs
    const entry = this.#entries.get(key) ?? { state: 'free' as const, owner: '', fence: 0, endsAt: 0, value: '', note: undefined }
    this.#entries.set(key, entry)
    if (entry.state === 'done') return { state: 'done', value: entry.value }
    const alive = entry.state === 'busy' && entry.endsAt > now
    if (alive && entry.owner !== owner) return { state: 'busy', expiresInMs: entry.endsAt - now }
    if (!alive) entry.fence++
    Object.assign(entry, { state: 'busy', owner, endsAt: now + leaseMs })
    return { state: 'claimed', fence: entry.fence, ...(entry.note !== undefined && { note: entry.note }) }
  }

  #held({ key, owner, fence }: Claim): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry?.state === 'busy' && entry.endsAt > this.#options.time.nowMs && entry.owner === owner && entry.fence === fence ? entry : undefined
  }

  #extend(claim: Claim, leaseMs: number): Entry | undefined {
    const entry = this.#held(claim)
    if (entry !== undefined) entry.endsAt = this.#options.time.nowMs + leaseMs
    return entry
  }

  #save(note: Note, leaseMs: number): 'saved' | 'lost' {
    const entry = this.#extend(note, leaseMs)
    if (entry === undefined) return 'lost'
    entry.note = note.note
    this.onSave(note)
    return 'saved'
  }

  #complete(claim: Claim, value: string): 'completed' | 'lost' {
    const done = this.#entries.get(claim.key)
    if (done?.state === 'done' && done.fence === claim.fence) return 'completed'
    const entry = this.#held(claim)
    if (entry === undefined) return 'lost'
    Object.assign(entry, { state: 'done', value, note: undefined })
    return 'completed'
  }

  #release(claim: Claim): 'released' | 'lost' {
    const entry = this.#held(claim)
    if (entry === undefined) return 'lost'
    entry.state = 'free'
    return 'released'
  }

  #scan(prefix: string, { cursor, limit }: { readonly cursor?: string; readonly limit: number }): { claims: StoredClaim[]; cursor?: string } {
    const now = this.#options.time.nowMs
    const found = [...this.#entries].filter(
      ([key, { state, endsAt }]) =>
        key.startsWith(prefix) && (cursor === undefined || key > cursor) && (state === 'done' || (state === 'busy' && endsAt > now)),
    )
    const page = found.toSorted(([one], [other]) => (one < other ? -1 : 1)).slice(0, limit)
    const claims = page.map(([key, { state, owner, fence, endsAt, value, note }]): StoredClaim =>
      state === 'done'
        ? { key, state, fence, value, expiresInMs: 1 }
        : { key, state: 'busy', owner, fence, expiresInMs: endsAt - now, ...(note !== undefined && { note }) },
    )
    const last = page.at(-1)?.[0]
    return page.length < found.length && last !== undefined ? { claims, cursor: last } : { claims }
  }
}

/** Answers that no store may give. */
const lies: readonly unknown[] = [
  undefined,
  null,
  [],
  {},
  'claimed',
  { state: 'claimed' },
  { state: 'claimed', fence: 0 },
  { state: 'claimed', fence: Number.NaN },
  ['saved'],
  { claims: 'none' },
]
