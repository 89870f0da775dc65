import { sleep, type BrokerError, type Claim, type Clock, type LeaseStore, type MaybePromise, type Note, type StoredClaim } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import { parsePosition } from '../shards/position.ts'
import type { Origin } from './shard-graph.ts'
import { within } from './within.ts'

/** Longer than a stream keeps records, which is 365 days at most. */
const rememberMs = 400 * 86_400_000
/** For where a group began and was replayed, which nobody writes again: a hundred years. */
const longMs = 36_500 * 86_400_000
/** Claims per page of a scan. */
const pageSize = 1_000

export interface LeaseTableOptions {
  readonly store: LeaseStore
  readonly clock: Clock
  /** What all keys begin with: the stream and the subscription. No other group may have a name that begins with it and `/`. */
  readonly group: string
  readonly leaseMs: number
}

/** The latest replay of a group. */
export interface Replay {
  /** From 1. */
  readonly number: number
  readonly origin: Origin
}

/** The table at one moment. */
export interface TableView {
  /** Shards that each living worker has a lease on. */
  readonly workers: ReadonlyMap<string, ReadonlySet<string>>
  /** Shards that have a lease, also from before a replay, and their workers, also silent ones. */
  readonly leased: ReadonlyMap<string, string>
  /** Since the latest replay. */
  readonly ended: ReadonlySet<string>
  readonly replay: Replay | undefined
  /** How the group began, before all replays; `undefined` if nobody has begun yet. */
  readonly origin: Origin | undefined
}

/** A lease of a shard as it is stored. */
export interface LeaseRow {
  readonly shard: string
  /** Replays before it. */
  readonly generation: number
  readonly state: 'leased' | 'ended'
  /** Empty for a shard that has ended. */
  readonly worker: string
  /** What is written of how far it has been read. */
  readonly checkpoint: string | undefined
  readonly expiresInMs: number
}

interface Scanned {
  readonly workers: Map<string, Set<string>>
  readonly shards: readonly LeaseRow[]
  readonly replay: Replay | undefined
  readonly origin: Origin | undefined
}

/** What came of trying to lease a shard. */
export type Leased = { readonly state: 'leased'; readonly claim: Claim; readonly note: string | undefined } | { readonly state: 'busy' | 'ended' }

/** The leases of a group in a store, whose answers are checked: one that no store may give has no effect and is a failure. */
export class LeaseTable {
  readonly #options: LeaseTableOptions
  readonly #fences = new Map<string, number>()
  #claims = 0

  constructor(options: LeaseTableOptions) {
    this.#options = options
  }

  /** Tells the others that this worker lives. */
  async announce(worker: string): Promise<void> {
    const { store, leaseMs } = this.#options
    await this.#within('announcing this worker', () => store.claim({ key: this.#key('worker', worker), owner: worker, leaseMs }))
  }

  /** The others need not wait for its lease to end. */
  async leave(worker: string): Promise<void> {
    const { store, leaseMs } = this.#options
    const key = this.#key('worker', worker)
    const result = await this.#within('leaving', () => store.claim({ key, owner: worker, leaseMs }))
    if (result.state === 'claimed') await this.#within('leaving', () => store.release({ key, owner: worker, fence: result.fence }))
  }

  /** How the group began: what its first worker has found, which is asked for if it is this one. `undefined` while another worker is about to tell. */
  async origin(worker: string, beginning: () => MaybePromise<Origin>): Promise<Origin | undefined> {
    const { store, leaseMs } = this.#options
    const key = this.#key('origin', '')
    const result = await this.#within('looking how the group began', () => store.claim({ key, owner: worker, leaseMs }))
    if (result.state === 'done') return readOrigin(result.value)
    if (result.state !== 'claimed') return undefined
    const claim = { key, owner: worker, fence: result.fence }
    const origin = await this.#whileRenewed(claim, beginning)
    const ended = await this.#within('beginning the group', () => store.complete(claim, JSON.stringify(origin), longMs))
    return ended === 'completed' ? origin : undefined
  }

  /** From now on all shards begin there, under leases of their own; false if there is such a replay already. */
  async replay(worker: string, number: number, beginning: Origin): Promise<boolean> {
    const { store, leaseMs } = this.#options
    const key = this.#key('replay', String(number))
    // An owner of its own: the same worker may have begun one that it was never answered for.
    const owner = `${worker}/replay/${++this.#claims}`
    const result = await this.#within('beginning a replay', () => store.claim({ key, owner, leaseMs }))
    if (result.state !== 'claimed') return false
    const claim = { key, owner, fence: result.fence }
    return (await this.#within('beginning a replay', () => store.complete(claim, JSON.stringify(beginning), longMs))) === 'completed'
  }

  async view(): Promise<TableView> {
    const { workers, shards, replay, origin } = await this.#scan()
    const held = shards.filter(({ state }) => state === 'leased')
    for (const { worker, shard } of held) workers.get(worker)?.add(shard)
    const ended = shards.filter(({ state, generation }) => state === 'ended' && generation === (replay?.number ?? 0))
    return { workers, leased: new Map(held.map(({ shard, worker }) => [shard, worker])), ended: new Set(ended.map(({ shard }) => shard)), replay, origin }
  }

  /** Leases and ended shards since the latest replay, and where all began; `undefined` if nobody has begun yet. */
  async rows(): Promise<{ readonly rows: readonly LeaseRow[]; readonly generation: number; readonly origin: Origin | undefined }> {
    const { shards, replay, origin } = await this.#scan()
    const generation = replay?.number ?? 0
    return { rows: shards.filter((row) => row.generation === generation), generation, origin: replay?.origin ?? origin }
  }

  /** The checkpoint of a shard that nobody has a lease on, which is leased for it for a moment; `undefined` if it has none, or is leased after all. */
  async checkpointOf(worker: string, id: string, generation: number): Promise<string | undefined> {
    const leased = await this.lease(worker, id, generation)
    if (leased.state !== 'leased') return undefined
    await this.release(leased.claim)
    return leased.note
  }

  async #scan(): Promise<Scanned> {
    const workers = new Map<string, Set<string>>()
    const shards: LeaseRow[] = []
    let replay: { readonly number: number; readonly value: string } | undefined
    let origin: string | undefined
    let cursor: string | undefined
    do {
      const page = await this.#within('looking at the leases', () =>
        this.#options.store.scan(`${this.#options.group}/`, cursor === undefined ? { limit: pageSize } : { limit: pageSize, cursor }),
      )
      if (!Array.isArray(page?.claims)) throw failure('a scan answered with no claims')
      for (const claim of page.claims) {
        const [, kind, generation = 0, id = ''] =
          /^(worker|shard|replay|origin)(?:\.(\d{1,15}))?\/(.*)$/s.exec(claim.key.slice(this.#options.group.length + 1)) ?? []
        const done = claim.state === 'done'
        if (kind === 'worker' && !done) workers.set(id, new Set())
        else if (kind === 'shard') shards.push(rowOf(claim, id, Number(generation)))
        else if (kind === 'origin' && done) origin = claim.value
        else if (kind === 'replay' && done && numberOf(id) > (replay?.number ?? 0)) replay = { number: numberOf(id), value: claim.value ?? '' }
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    return {
      workers,
      shards,
      replay: replay && { number: replay.number, origin: readOrigin(replay.value) },
      origin: origin === undefined ? undefined : readOrigin(origin),
    }
  }

  /**
   * Under an owner that was never used before: a call of an earlier lease that comes late finds another owner, and changes nothing. A lost answer is asked for once
   * more. Throws where the fence does not rise, since the store has forgotten it, or never counts; the next time it counts from there.
   */
  async lease(worker: string, id: string, generation = 0): Promise<Leased> {
    const { store, leaseMs } = this.#options
    const key = this.#key(generation === 0 ? 'shard' : `shard.${generation}`, id)
    const owner = `${worker}/${++this.#claims}`
    const ask = (): ReturnType<typeof within<Awaited<ReturnType<LeaseStore['claim']>>>> =>
      this.#within(`leasing shard ${id}`, () => store.claim({ key, owner, leaseMs }))
    const result = await ask().catch(ask)
    if (result?.state === 'done') return { state: 'ended' }
    if (result?.state === 'busy') return { state: 'busy' }
    if (result?.state !== 'claimed' || !Number.isSafeInteger(result.fence) || result.fence <= 0) throw failure(`leasing shard ${id} was answered with no fence`)
    const claim = { key, owner, fence: result.fence }
    const last = this.#fences.get(key) ?? 0
    this.#fences.set(key, claim.fence)
    if (claim.fence > last) return { state: 'leased', claim, note: result.note }
    await this.release(claim)
    throw failure(`leasing shard ${id} was answered with a fence that is not above the last one: the store has forgotten that`)
  }

  /** Renews leases, and keeps a checkpoint with each. May take for ever: what it was to do may still be done. */
  async save(notes: readonly Note[]): Promise<readonly ('saved' | 'lost')[]> {
    const answers: unknown = await this.#options.store.save(notes, this.#options.leaseMs, rememberMs)
    if (!Array.isArray(answers) || answers.length !== notes.length || answers.some((answer) => answer !== 'saved' && answer !== 'lost'))
      throw failure('saving checkpoints was answered with nonsense')
    return answers as ('saved' | 'lost')[]
  }

  /** The shard has been read to its end. May take for ever, as {@link LeaseTable.save}. */
  async end(claim: Claim): Promise<'completed' | 'lost'> {
    const answer = await this.#options.store.complete(claim, 'end', rememberMs)
    if (answer !== 'completed' && answer !== 'lost') throw failure('ending a shard was answered with nonsense')
    return answer
  }

  async release(claim: Claim): Promise<void> {
    await this.#within('releasing a lease', () => this.#options.store.release(claim))
  }

  /** To find a position may take longer than a lease lasts. */
  async #whileRenewed<T>(claim: Claim, work: () => MaybePromise<T>): Promise<T> {
    const { store, clock, leaseMs } = this.#options
    const ending = new AbortController()
    const renew = async (): Promise<void> => {
      for (;;) {
        await sleep(clock, leaseMs / 3, ending.signal)
        // Where it fails, the claim shows in the end whether it still holds.
        await this.#within('renewing a claim', () => store.renew([claim], leaseMs)).catch(() => undefined)
      }
    }
    renew().catch(() => undefined)
    try {
      return await work()
    } finally {
      ending.abort()
    }
  }

  #key(kind: 'worker' | 'shard' | `shard.${number}` | 'origin' | 'replay', id: string): string {
    return `${this.#options.group}/${kind}/${id}`
  }

  #within<T>(doing: string, call: () => T | Promise<T>): Promise<T> {
    return within(this.#options.clock, this.#options.leaseMs, doing, call)
  }
}

/** Of a replay; 0 for what nobody here has written. */
function numberOf(id: string): number {
  return /^[1-9]\d{0,14}$/.test(id) ? Number(id) : 0
}

function readOrigin(text: string): Origin {
  try {
    const origin = JSON.parse(text) as Origin
    if (isOrigin(origin)) return origin
  } catch {
    // Refused below, as what is no origin.
  }
  throw failure('how the group began cannot be read', false)
}

function isOrigin(origin: Origin): boolean {
  switch (origin.from) {
    case 'horizon':
      return true
    case 'time':
      return Number.isFinite(origin.timestamp)
    case 'latest':
      return Number.isFinite(origin.at) && Array.isArray(origin.open) && origin.open.every((shard) => typeof shard === 'string')
    case 'position':
      return (
        Number.isFinite(origin.timestamp) &&
        [origin.shard, origin.position].every((text) => typeof text === 'string') &&
        parsePosition(origin.position) !== undefined
      )
    default:
      return false
  }
}

function rowOf({ state, owner = '', note, expiresInMs }: StoredClaim, shard: string, generation: number): LeaseRow {
  const worker = workerOf(owner)
  return { shard, generation, state: state === 'done' ? 'ended' : 'leased', worker, checkpoint: note, expiresInMs }
}

function workerOf(owner: string): string {
  return owner.slice(0, owner.lastIndexOf('/'))
}

function failure(text: string, retryable = true): BrokerError {
  return kinesisError('ERR_UNAVAILABLE', `kinesis: ${text}`, { retryable })
}
