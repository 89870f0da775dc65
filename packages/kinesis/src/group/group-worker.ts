import { sleep, type StartFrom } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import { beginningOf, type FindPosition } from './beginning.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { GroupBeginning } from './group-beginning.ts'
import { HeldShard } from './held-shard.ts'
import { HeldShards } from './held-shards.ts'
import { LeaseTable, type TableView } from './lease-table.ts'
import type { GroupWorkerOptions } from './options.ts'
import { replayGroup } from './replay.ts'
import { clockMarginMs, ShardGraph } from './shard-graph.ts'
import { sharesOf } from './shares.ts'
import { within } from './within.ts'

/** Of a look at the table, each worker's part, in milliseconds: so that looks of all workers together stay at twenty a second. */
const lookMsPerWorker = 50
/** Leases begun at once. */
const leasedAtOnce = 16
/** Looks in a row that fail, after which a worker counts for nobody until one succeeds; or in which it can take nothing, and then it does so for some leases. */
const mostVainLooks = 3
const abstainLeases = 3
/** Between two looks of a replay at whether the shards of before it have been given up, in milliseconds. */
const replayLookMs = 50

/**
 * One member of a group that reads a stream together: leases shards, as many as its share is, and tells its handler which to read from where. When workers come
 * and go, each gives up what it has too many, without being asked, and takes what is free. What it has, {@link HeldShards} keeps. Clocks of workers are never compared.
 */
export class GroupWorker {
  readonly #options: GroupWorkerOptions
  readonly #table: LeaseTable
  readonly #held: HeldShards
  readonly #beginning: GroupBeginning
  readonly #stopping = new AbortController()
  /** Ends what a look waits for, when no more shards are wanted. */
  readonly #draining = new AbortController()
  /** Ended by this worker. */
  readonly #endedHere = new Set<string>()
  /** What it has had since the latest replay, also what it has no more: up to their checkpoints all is done, also if the store has forgotten that. */
  readonly #had = new Map<string, HeldShard>()
  /** Shards whose checkpoint cannot be read, until when they are left alone. */
  readonly #unreadable = new Map<string, number>()
  /** Has this worker begun the group in this look? */
  #begun = false
  #graph: ShardGraph | undefined
  #listAt = 0
  #endedWhenListed = 0
  #workers = 1
  /** Looks in a row that have failed. */
  #failedLooks = 0
  /** Looks in a row in which it could take nothing, because that failed. */
  #vainLooks = 0
  /** Until when it counts for nobody, on the monotonic clock. */
  #abstainsUntil = 0
  #announcing: Promise<void> | undefined
  #looking: Promise<void> | undefined
  #lookAgain = false

  constructor(options: GroupWorkerOptions) {
    this.#options = options
    this.#table = new LeaseTable(options)
    this.#beginning = new GroupBeginning(this.#table, options.worker)
    this.#held = new HeldShards({
      ...options,
      table: this.#table,
      signal: this.#stopping.signal,
      onEnded: (shard) => this.#ended(shard),
      attempt: (act) => this.#try(act),
    })
  }

  /** Shards that it has, those that it is handing over among them. */
  get shards(): readonly string[] {
    return this.#held.all.map(({ shard }) => shard)
  }

  /** Begins. What fails is told to `handler.failed` and tried again. */
  start(): void {
    const { leaseMs, checkpointMs, lookMs } = this.#options
    const announce = async (): Promise<void> => {
      if (this.#draining.signal.aborted || this.#failedLooks >= mostVainLooks || this.#options.clock.monotonic() < this.#abstainsUntil) return
      await (this.#announcing = this.#table.announce(this.#options.worker))
    }
    const save = async (): Promise<void> => this.#held.saveDue()
    void this.#repeat(() => leaseMs / 3, announce)
    void this.#repeat(() => checkpointMs, save)
    void this.#repeat(
      () => Math.max(lookMs, this.#workers * lookMsPerWorker) * (0.8 + 0.4 * this.#options.random()),
      () => this.#look(),
    )
  }

  /** Takes no more shards, hands over all that it has, and leaves the group. Never rejects. */
  async drain(): Promise<void> {
    this.#draining.abort(kinesisError('ERR_CLOSED', 'kinesis: the worker leaves its group'))
    await this.#held.drain()
    // A shard that it is about to take is to be given back before it is gone, and nobody is to be told that it lives when it has left.
    await Promise.allSettled([this.#looking, this.#announcing])
    this.#stopping.abort()
    await this.#try(() => this.#table.leave(this.#options.worker))
  }

  /**
   * All shards begin anew at `startFrom`, for all workers. Resolves when this one has given up what it read before. Throws `ERR_CONFLICT` while others read, unless
   * `force`; and what the store throws.
   */
  async replay(startFrom: StartFrom, force: boolean = false): Promise<void> {
    const { clock, worker, listShards } = this.#options
    const number = await replayGroup({ table: this.#table, clock, startFrom, listShards, findPosition: this.#findPosition, worker, force })
    const isBehind = (): boolean => this.#beginning.generation < number || this.#held.all.some(({ generation }) => generation < number)
    for (; isBehind() && !this.#draining.signal.aborted; await this.#pause(replayLookMs)) await this.#try(() => this.#look())
    await this.#try(() => this.#look())
  }

  readonly #findPosition: FindPosition = (position, shards) => this.#options.findPosition(position, shards, this.#draining.signal)

  async #repeat(periodMs: () => number, act: () => Promise<void>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#try(act)
      await this.#pause(periodMs())
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(this.#options.clock, ms, this.#stopping.signal).catch(() => undefined)
  }

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.#options.handler.failed(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** One look at a time: two would both take what is missing. */
  async #look(): Promise<void> {
    this.#lookAgain = true
    if (this.#looking !== undefined) return
    this.#looking = this.#lookAll()
    try {
      await this.#looking
    } finally {
      this.#looking = undefined
    }
  }

  async #lookAll(): Promise<void> {
    while (this.#lookAgain && !this.#draining.signal.aborted) {
      this.#lookAgain = false
      try {
        await this.#lookOnce()
        this.#failedLooks = 0
      } catch (error) {
        // Who lives and cannot see what there is takes nothing, and others would leave it its share.
        if (++this.#failedLooks === mostVainLooks) await this.#try(() => this.#table.leave(this.#options.worker))
        throw error
      }
    }
  }

  async #lookOnce(): Promise<void> {
    // Also after a look that failed: what was written since then is to be read.
    this.#begun = false
    const view = await this.#table.view()
    const looked = await this.#beginning.follow(view)
    if (looked === 'unclear') return
    if (looked !== 'known') this.#beginAnew(looked)
    const ended = new Set([...view.ended, ...this.#endedHere])
    const graph = await this.#graphOf(ended)
    if (graph === undefined) return
    await this.#endAgain(graph, view)
    const readable = new Set(graph.readable(ended, new Set([...view.leased.keys(), ...this.shards])))
    const counts = new Map([...view.workers].map(([worker, shards]) => [worker, [...shards].filter((shard) => readable.has(shard)).length]))
    // One that has expired, and is not done, is nothing to share.
    const mine = this.#held.all.filter(({ revoking, shard }) => !revoking && readable.has(shard))
    counts.set(this.#options.worker, mine.length)
    this.#workers = counts.size
    const share = sharesOf(counts, readable.size).get(this.#options.worker) ?? 0
    // What it has got last it has the least work begun with.
    for (const shard of mine.slice(share)) void this.#held.handOver(shard)
    if (mine.length < share) await this.#takeFree(graph, readable, view, share - mine.length)
    this.#options.handler.looked()
  }

  #ended(shard: HeldShard): void {
    if (shard.generation === this.#beginning.generation) this.#endedHere.add(shard.shard)
    // Its children can be read.
    if (!this.#draining.signal.aborted) void this.#try(() => this.#look())
  }

  /**
   * A store may have lost what it was told last. While this worker alone knows that a shard has ended, the others keep it for a share, and its children are nobody's.
   * Where somebody reads it again already, it ends by that.
   */
  async #endAgain(graph: ShardGraph, { ended, leased }: TableView): Promise<void> {
    const { clock, leaseMs, worker } = this.#options
    for (const id of this.#endedHere) {
      if (ended.has(id) || leased.has(id) || !graph.reads(id)) continue
      await this.#try(async () => {
        const again = await this.#table.lease(worker, id, this.#beginning.generation)
        if (again.state === 'leased') await within(clock, leaseMs, `ending shard ${id}`, () => this.#table.end(again.claim))
      })
    }
  }

  /** What was known is nothing. After a replay, what is held belongs to the past. */
  #beginAnew(why: 'replayed' | 'forgotten'): void {
    this.#graph = undefined
    this.#endedHere.clear()
    this.#unreadable.clear()
    if (why === 'forgotten') return this.#options.handler.forgotten()
    this.#had.clear()
    for (const shard of this.#held.all) if (!shard.revoking) void this.#held.handOver(shard)
  }

  /** Shards are listed anew when something has ended, since only then are there new ones to read. `undefined` while it is not known how the group began. */
  async #graphOf(ended: ReadonlySet<string>): Promise<ShardGraph | undefined> {
    const { clock, leaseMs, listMs, listShards, startFrom } = this.#options
    const known = this.#graph
    if (known !== undefined && ended.size === this.#endedWhenListed && clock.monotonic() < this.#listAt) return known
    const shards = await within(clock, leaseMs, 'listing shards', listShards)
    const origin = await this.#beginning.find(() => {
      this.#begun = true
      return beginningOf({ startFrom, shards, now: clock.now(), findPosition: this.#findPosition })
    })
    if (origin === undefined) return undefined
    this.#graph = new ShardGraph(shards, origin)
    this.#listAt = clock.monotonic() + listMs
    this.#endedWhenListed = ended.size
    return this.#graph
  }

  /** In an order of its own, so that workers that begin together seldom want the same. */
  async #takeFree(graph: ShardGraph, readable: ReadonlySet<string>, { leased }: TableView, wanted: number): Promise<void> {
    const now = this.#options.clock.monotonic()
    const free = [...readable].filter((shard) => !leased.has(shard) && !this.#held.has(shard) && (this.#unreadable.get(shard) ?? 0) <= now)
    shuffle(free, this.#options.random)
    // Others may have been quicker, but a look must not become a storm.
    const tried = free.slice(0, 2 * wanted + 2)
    let missing = wanted
    let failures = 0
    while (missing > 0 && tried.length > 0 && !this.#draining.signal.aborted) {
      const results = await Promise.all(tried.splice(0, Math.min(missing, leasedAtOnce)).map((shard) => this.#take(graph, shard)))
      missing -= results.filter((result) => result === 'taken').length
      failures += results.filter((result) => result === 'failed').length
    }
    if (missing === wanted && failures > 0) await this.#abstainAfter(++this.#vainLooks)
    else this.#vainLooks = 0
  }

  /** A worker that lives and can take nothing, since it may not write for example, must not keep a share free that others could read. */
  async #abstainAfter(vainLooks: number): Promise<void> {
    if (vainLooks < mostVainLooks) return
    this.#vainLooks = 0
    this.#abstainsUntil = this.#options.clock.monotonic() + abstainLeases * this.#options.leaseMs
    await this.#table.leave(this.#options.worker)
  }

  async #take(graph: ShardGraph, id: string): Promise<'taken' | 'not-taken' | 'failed'> {
    let result: 'taken' | 'not-taken' | 'failed' = 'failed'
    await this.#try(async () => {
      const since = this.#options.clock.monotonic()
      const { generation } = this.#beginning
      const leased = await this.#table.lease(this.#options.worker, id, generation)
      result = 'not-taken'
      if (leased.state !== 'leased') return
      result = 'failed'
      const release = (): Promise<void> => this.#table.release(leased.claim)
      let from: Checkpoint
      try {
        from = leased.note === undefined ? (this.#had.get(id)?.checkpoint ?? graph.beginning(id, this.#begun)) : parseCheckpoint(id, leased.note)
      } catch (error) {
        this.#unreadable.set(id, this.#options.clock.monotonic() + this.#options.listMs)
        await release()
        throw error
      }
      const shard = new HeldShard(id, leased.claim, from, since, this.#held.sureUntil(since), generation)
      if (from.kind === 'latest') shard.pin(Math.floor(this.#options.clock.now()) - clockMarginMs)
      // Where nothing is written down yet, a shard that is lost before its first record would begin anew, at another place if that is `latest`. And where something
      // is, who may lease and not write would read for a lease, lose it, and lease it again, without end.
      await this.#held.begin(shard).catch(async (error: unknown) => {
        await release()
        throw error
      })
      if (this.#draining.signal.aborted || this.#options.clock.monotonic() >= shard.expiresAt) return release()
      this.#held.keep(shard)
      this.#had.set(id, shard)
      result = 'taken'
      this.#options.handler.start(shard)
    })
    return result
  }
}

function shuffle(items: unknown[], random: () => number): void {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    ;[items[index], items[other]] = [items[other], items[index]]
  }
}
