import { BrokerError, type Claim, type Clock, type LeaseStore, type Note } from '@busbar/core/driver'
import type { GroupShard, Origin } from './shard-graph.ts'
import { within } from './within.ts'

/** Longer than a stream keeps records, which is 365 days at most. */
const rememberMs = 400 * 86_400_000
/** Claims per page of a scan. */
const pageSize = 1_000

export interface LeaseTableOptions {
  readonly store: LeaseStore
  readonly clock: Clock
  /** What all keys begin with: the stream and the subscription. No other group may have a name that begins with it and `/`. */
  readonly group: string
  readonly leaseMs: number
}

/** The table at one moment. */
export interface TableView {
  /** Shards that each living worker has a lease on. */
  readonly workers: ReadonlyMap<string, ReadonlySet<string>>
  /** Shards that have a lease, also of a worker that has fallen silent. */
  readonly leased: ReadonlySet<string>
  readonly ended: ReadonlySet<string>
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

  /** How the group began: what its first worker has found. `undefined` while another worker is about to tell. */
  async origin(worker: string, beginning: Origin): Promise<Origin | undefined> {
    const { store, leaseMs } = this.#options
    const key = this.#key('origin', '')
    const result = await this.#within('looking how the group began', () => store.claim({ key, owner: worker, leaseMs }))
    if (result.state === 'done') return readOrigin(result.value)
    if (result.state !== 'claimed') return undefined
    const claim = { key, owner: worker, fence: result.fence }
    const ended = await this.#within('beginning the group', () => store.complete(claim, JSON.stringify(beginning), rememberMs))
    return ended === 'completed' ? beginning : undefined
  }

  async view(): Promise<TableView> {
    const workers = new Map<string, Set<string>>()
    const held: { readonly worker: string; readonly shard: string }[] = []
    const ended = new Set<string>()
    let cursor: string | undefined
    do {
      const page = await this.#within('looking at the leases', () =>
        this.#options.store.scan(`${this.#options.group}/`, cursor === undefined ? { limit: pageSize } : { limit: pageSize, cursor }),
      )
      if (!Array.isArray(page?.claims)) throw failure('a scan answered with no claims')
      for (const { key, state, owner = '' } of page.claims) {
        const [, kind, id = ''] = /^(worker|shard)\/(.*)$/s.exec(key.slice(this.#options.group.length + 1)) ?? []
        if (kind === 'worker' && state === 'busy') workers.set(id, new Set())
        else if (kind === 'shard' && state === 'done') ended.add(id)
        else if (kind === 'shard') held.push({ worker: workerOf(owner), shard: id })
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    for (const { worker, shard } of held) workers.get(worker)?.add(shard)
    return { workers, leased: new Set(held.map(({ shard }) => shard)), ended }
  }

  /**
   * Under an owner that was never used before: a call of an earlier lease that comes late finds another fence, and changes nothing. A lost answer is asked for once
   * more.
   */
  async lease(worker: string, { id }: Pick<GroupShard, 'id'>): Promise<Leased> {
    const { store, leaseMs } = this.#options
    const key = this.#key('shard', id)
    const owner = `${worker}/${++this.#claims}`
    const ask = (): ReturnType<typeof within<Awaited<ReturnType<LeaseStore['claim']>>>> =>
      this.#within(`leasing shard ${id}`, () => store.claim({ key, owner, leaseMs }))
    const result = await ask().catch(ask)
    if (result?.state === 'done') return { state: 'ended' }
    if (result?.state === 'busy') return { state: 'busy' }
    if (result?.state !== 'claimed' || !Number.isSafeInteger(result.fence) || result.fence <= (this.#fences.get(id) ?? 0))
      throw failure(`leasing shard ${id} was answered with no fence above the last one`)
    this.#fences.set(id, result.fence)
    return { state: 'leased', claim: { key, owner, fence: result.fence }, note: result.note }
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

  #key(kind: 'worker' | 'shard' | 'origin', id: string): string {
    return `${this.#options.group}/${kind}/${id}`
  }

  #within<T>(doing: string, call: () => T | Promise<T>): Promise<T> {
    return within(this.#options.clock, this.#options.leaseMs, doing, call)
  }
}

function readOrigin(text: string): Origin {
  try {
    const origin = JSON.parse(text) as Origin
    if (origin.from === 'horizon' || (origin.from === 'time' && Number.isFinite(origin.timestamp)) || (origin.from === 'latest' && Array.isArray(origin.open)))
      return origin
  } catch {
    // Refused below, as what is no origin.
  }
  throw failure('how the group began cannot be read', false)
}

function workerOf(owner: string): string {
  return owner.slice(0, owner.lastIndexOf('/'))
}

function failure(text: string, retryable = true): BrokerError {
  return new BrokerError('ERR_UNAVAILABLE', `kinesis: ${text}`, { driver: 'kinesis', retryable })
}
