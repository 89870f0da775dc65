import { sleep, type BrokerError, type StartFrom, type Timer } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import { beginningOf, type FindPosition } from './beginning.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { HeldShard } from './held-shard.ts'
import { LeaseTable, type TableView } from './lease-table.ts'
import type { GroupWorkerOptions } from './options.ts'
import { replayGroup } from './replay.ts'
import { clockMarginMs, ShardGraph, type Origin } from './shard-graph.ts'
import { sharesOf } from './shares.ts'
import { within } from './within.ts'

/** Of a look at the table, each worker's part, in milliseconds: so that looks of all workers together stay at twenty a second. */
const lookMsPerWorker = 50
/** Leases begun at once. */
const leasedAtOnce = 16
/** Part of a lease after which it counts as lost here, so that it does before it ends in the store. */
const surePart = 0.9
/** Looks in vain after which a worker counts for nobody for a while, and that while in leases. */
const mostVainLooks = 3
const abstainLeases = 3
/** Between two attempts to write the last checkpoint of a shard, in milliseconds. */
const lastSaveMs = 250
/** Between two looks of a replay at whether the shards of before it have been given up, in milliseconds. */
const replayLookMs = 50

/**
 * One member of a group that reads a stream together: leases shards, as many as its share is, and tells its handler which to read from where. When workers come
 * and go, each gives up what it has too many, without being asked, and takes what is free.
 *
 * Leases here run on the monotonic clock from before each call on, so that a lease is lost here before it ends in the store; clocks of workers are never compared.
 */
export class GroupWorker {
  readonly #options: GroupWorkerOptions
  readonly #table: LeaseTable
  readonly #held = new Map<string, HeldShard>()
  readonly #stopping = new AbortController()
  /** Ends what a look waits for, when no more shards are wanted. */
  readonly #draining = new AbortController()
  /** Ended by this worker. */
  readonly #endedHere = new Set<string>()
  /** Shards whose checkpoint cannot be read, until when they are left alone. */
  readonly #unreadable = new Map<string, number>()
  #origin: Origin | undefined
  /** Has this worker begun the group in this look? */
  #begun = false
  /** How many replays there have been. */
  #generation = 0
  #graph: ShardGraph | undefined
  #listAt = 0
  #endedWhenListed = 0
  #workers = 1
  /** Looks in a row in which it could take nothing, because that failed. */
  #vainLooks = 0
  /** Until when it counts for nobody, on the monotonic clock. */
  #abstainsUntil = 0
  #announcing: Promise<void> | undefined
  #looking: Promise<void> | undefined
  #lookAgain = false
  #watch: Timer | undefined

  constructor(options: GroupWorkerOptions) {
    this.#options = options
    this.#table = new LeaseTable(options)
  }

  /** Shards that it has, those that it is handing over among them. */
  get shards(): readonly string[] {
    return [...this.#held.keys()]
  }

  /** Begins. What fails is told to `handler.failed` and tried again. */
  start(): void {
    const { leaseMs, checkpointMs, lookMs } = this.#options
    const announce = async (): Promise<void> => {
      if (this.#draining.signal.aborted || this.#options.clock.monotonic() < this.#abstainsUntil) return
      await (this.#announcing = this.#table.announce(this.#options.worker))
    }
    const save = async (): Promise<void> => this.#saveDue()
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
    while (this.#held.size > 0) {
      await Promise.all([...this.#held.values()].map((shard) => (shard.revoking ? this.#pause(lastSaveMs) : this.#handOver(shard))))
    }
    // A shard that it is about to take is to be given back before it is gone, and nobody is to be told that it lives when it has left.
    await Promise.allSettled([this.#looking, this.#announcing])
    this.#stopping.abort()
    this.#watch?.cancel()
    await this.#try(() => this.#table.leave(this.#options.worker))
  }

  /**
   * All shards begin anew at `startFrom`, for all workers. Resolves when this one has given up what it read before. Throws `ERR_CONFLICT` while others read, unless
   * `force`; and what the store throws.
   */
  async replay(startFrom: StartFrom, force: boolean = false): Promise<void> {
    const { clock, worker, listShards } = this.#options
    const number = await replayGroup({ table: this.#table, clock, startFrom, listShards, findPosition: this.#findPosition, worker, force })
    const isBehind = (): boolean => this.#generation < number || [...this.#held.values()].some(({ generation }) => generation < number)
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
      await this.#lookOnce()
    }
  }

  async #lookOnce(): Promise<void> {
    // Also after a look that failed: what was written since then is to be read.
    this.#begun = false
    const view = await this.#table.view()
    if (!this.#follow(view)) return
    const ended = new Set([...view.ended, ...this.#endedHere])
    const graph = await this.#graphOf(ended)
    if (graph === undefined) return
    const readable = new Set(graph.readable(ended, new Set([...view.leased.keys(), ...this.#held.keys()])))
    const counts = new Map([...view.workers].map(([worker, shards]) => [worker, [...shards].filter((shard) => readable.has(shard)).length]))
    // One that has expired, and is not done, is nothing to share.
    const mine = [...this.#held.values()].filter(({ revoking, shard }) => !revoking && readable.has(shard))
    counts.set(this.#options.worker, mine.length)
    this.#workers = counts.size
    const share = sharesOf(counts, readable.size).get(this.#options.worker) ?? 0
    // What it has got last it has the least work begun with.
    for (const shard of mine.slice(share)) void this.#handOver(shard)
    if (mine.length < share) await this.#takeFree(graph, readable, view, share - mine.length)
    this.#options.handler.looked()
  }

  /** After a replay, what was known is nothing, and what is held belongs to the past. False for what a store shows of a past that is known to be over. */
  #follow({ replay }: TableView): boolean {
    const number = replay?.number ?? 0
    if (replay !== undefined && number > this.#generation) {
      this.#generation = number
      this.#origin = replay.origin
      this.#graph = undefined
      this.#endedHere.clear()
      this.#unreadable.clear()
      for (const shard of this.#held.values()) if (!shard.revoking) void this.#handOver(shard)
    }
    return number === this.#generation
  }

  /** Shards are listed anew when something has ended, since only then are there new ones to read. `undefined` while it is not known how the group began. */
  async #graphOf(ended: ReadonlySet<string>): Promise<ShardGraph | undefined> {
    const { clock, leaseMs, listMs, listShards, worker, startFrom } = this.#options
    const known = this.#graph
    if (known !== undefined && ended.size === this.#endedWhenListed && clock.monotonic() < this.#listAt) return known
    const shards = await within(clock, leaseMs, 'listing shards', listShards)
    this.#origin ??= await this.#table.origin(worker, () => {
      this.#begun = true
      return beginningOf({ startFrom, shards, now: clock.now(), findPosition: this.#findPosition })
    })
    if (this.#origin === undefined) return undefined
    this.#graph = new ShardGraph(shards, this.#origin)
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
      const generation = this.#generation
      const leased = await this.#table.lease(this.#options.worker, id, generation)
      result = 'not-taken'
      if (leased.state !== 'leased') return
      result = 'failed'
      const release = (): Promise<void> => this.#table.release(leased.claim)
      let from: Checkpoint
      try {
        from = leased.note === undefined ? graph.beginning(id, this.#begun) : parseCheckpoint(id, leased.note)
      } catch (error) {
        this.#unreadable.set(id, this.#options.clock.monotonic() + this.#options.listMs)
        await release()
        throw error
      }
      const shard = new HeldShard(id, leased.claim, from, since, since + this.#options.leaseMs * surePart, generation)
      if (from.kind === 'latest') shard.pin(Math.floor(this.#options.clock.now()) - clockMarginMs)
      // Where nothing is written down yet, a shard that is lost before its first record would begin anew, at another place if that is `latest`. And where something
      // is, who may lease and not write would read for a lease, lose it, and lease it again, without end.
      await this.#saveFirst(shard).catch(async (error: unknown) => {
        await release()
        throw error
      })
      if (this.#draining.signal.aborted || this.#options.clock.monotonic() >= shard.expiresAt) return release()
      this.#held.set(id, shard)
      this.#watchExpiry()
      result = 'taken'
      this.#options.handler.start(shard)
    })
    return result
  }

  async #saveFirst(shard: HeldShard): Promise<void> {
    const { clock, leaseMs } = this.#options
    const [since, note] = [clock.monotonic(), shard.note]
    const [answer] = await within(clock, leaseMs, `beginning shard ${shard.shard}`, () => this.#table.save([note]))
    if (answer !== 'saved') throw lostError(shard, 'it was lost at once')
    this.#renewed(shard, since, note.note)
  }

  /** Writes what has changed, and renews what has not been written for a while: one call for all. */
  #saveDue(): void {
    const now = this.#options.clock.monotonic()
    const idle = [...this.#held.values()].filter(({ saving }) => !saving)
    for (const shard of idle) if (shard.ended) void this.#end(shard)
    const isDue = (shard: HeldShard): boolean => shard.changed || now - shard.savedAt >= this.#options.leaseMs / 3 - this.#options.checkpointMs / 2
    const due = idle.filter((shard) => !shard.ended && isDue(shard))
    if (due.length > 0) void this.#save(due)
  }

  /**
   * No shard has two calls out, or the earlier one might be carried out last and set the checkpoint back. Of one that is never answered the lease ends, and whatever
   * it does later is refused.
   */
  async #save(shards: readonly HeldShard[]): Promise<void> {
    const since = this.#options.clock.monotonic()
    const notes = shards.map((shard) => {
      shard.saving = true
      return shard.note
    })
    await this.#try(async () => {
      try {
        const answers = await this.#table.save(notes)
        for (const [index, shard] of shards.entries()) {
          if (answers[index] === 'lost') this.#lose(shard, 'another worker may have it')
          else this.#renewed(shard, since, notes[index]?.note ?? '')
        }
        this.#watchExpiry()
      } finally {
        for (const shard of shards) shard.saving = false
      }
    })
  }

  #renewed(shard: HeldShard, since: number, note: string): void {
    shard.saved(note)
    shard.savedAt = since
    shard.expiresAt = since + this.#options.leaseMs * surePart
  }

  async #end(shard: HeldShard): Promise<void> {
    shard.saving = true
    await this.#try(async () => {
      try {
        if ((await this.#table.end(shard.claim)) === 'lost') return this.#lose(shard, 'another worker may have it')
        if (!this.#isHeld(shard)) return
        this.#forget(shard)
        if (shard.generation === this.#generation) this.#endedHere.add(shard.shard)
        // Its children can be read.
        if (!this.#draining.signal.aborted) void this.#try(() => this.#look())
      } finally {
        shard.saving = false
      }
    })
  }

  async #handOver(shard: HeldShard): Promise<void> {
    const { clock, handOverMs, handler } = this.#options
    shard.revoking = true
    let finished = false
    const revoked = this.#try(() => handler.revoke(shard, handOverMs)).then(() => {
      finished = true
    })
    const late = new AbortController()
    await Promise.race([revoked, sleep(clock, handOverMs, late.signal).catch(() => undefined)])
    late.abort()
    if (this.#isHeld(shard) && !finished) {
      shard.held = false
      handler.lost(shard, lostError(shard, `it was not handed over within ${handOverMs} ms`))
    }
    const isOpen = (): boolean => this.#isHeld(shard) && (shard.saving || shard.changed || shard.ended)
    while (isOpen()) {
      if (!shard.saving) await (shard.ended ? this.#end(shard) : this.#save([shard]))
      if (isOpen()) await this.#pause(lastSaveMs)
    }
    if (!this.#isHeld(shard)) return
    this.#forget(shard)
    await this.#try(() => this.#table.release(shard.claim))
  }

  #isHeld(shard: HeldShard): boolean {
    return this.#held.get(shard.shard) === shard
  }

  #forget(shard: HeldShard): void {
    this.#held.delete(shard.shard)
    shard.held = false
  }

  #lose(shard: HeldShard, why: string): void {
    if (!this.#isHeld(shard)) return
    const { held } = shard
    this.#forget(shard)
    if (held) this.#options.handler.lost(shard, lostError(shard, why))
  }

  #watchExpiry(): void {
    this.#watch?.cancel()
    const next = Math.min(...[...this.#held.values()].map(({ expiresAt }) => expiresAt))
    if (next === Infinity) return
    this.#watch = this.#options.clock.timer(next, () => {
      const now = this.#options.clock.monotonic()
      for (const shard of this.#held.values()) if (shard.expiresAt <= now) this.#lose(shard, 'it could not be renewed in time')
      this.#watchExpiry()
    })
  }
}

function lostError({ shard }: HeldShard, why: string): BrokerError {
  return kinesisError('ERR_TOO_LATE', `kinesis: the lease of shard ${shard} is lost: ${why}`)
}

function shuffle(items: unknown[], random: () => number): void {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    ;[items[index], items[other]] = [items[other], items[index]]
  }
}
