import { sleep, type BrokerError, type Timer } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import type { HeldShard } from './held-shard.ts'
import type { LeaseTable } from './lease-table.ts'
import type { GroupWorkerOptions } from './options.ts'
import { within } from './within.ts'

/** Part of a lease after which it counts as lost here, so that it does before it ends in the store. */
const surePart = 0.9
/** Between two attempts to write the last checkpoint of a shard, in milliseconds. */
const lastSaveMs = 250

export interface HeldShardsOptions extends Pick<GroupWorkerOptions, 'clock' | 'handler' | 'leaseMs' | 'checkpointMs' | 'handOverMs'> {
  readonly table: LeaseTable
  /** Fires when nothing is waited for any more. */
  readonly signal: AbortSignal
  /** The shard has been read to its end, and its children can be read. */
  readonly onEnded: (shard: HeldShard) => void
  /** Tells of what fails, and never rejects. */
  readonly attempt: (act: () => Promise<void>) => Promise<void>
}

/**
 * The shards of one worker, from when it has leased them until they are lost, ended or handed over: writes their checkpoints, and renews their leases by that.
 *
 * Leases run on the monotonic clock from before each call on, so that a lease is lost here before it ends in the store.
 */
export class HeldShards {
  readonly #options: HeldShardsOptions
  readonly #held = new Map<string, HeldShard>()
  #watch: Timer | undefined

  constructor(options: HeldShardsOptions) {
    this.#options = options
  }

  /** Those that it is handing over among them. */
  get all(): readonly HeldShard[] {
    return [...this.#held.values()]
  }

  has(id: string): boolean {
    return this.#held.has(id)
  }

  /** Until when a lease is surely ours that was asked for at this time. */
  sureUntil(since: number): number {
    return since + this.#options.leaseMs * surePart
  }

  /** Writes the first checkpoint of a shard that has just been leased, and throws when that cannot be done. */
  async begin(shard: HeldShard): Promise<void> {
    const { clock, leaseMs, table } = this.#options
    const [since, note] = [clock.monotonic(), shard.note]
    const [answer] = await within(clock, leaseMs, `beginning shard ${shard.shard}`, () => table.save([note]))
    if (answer !== 'saved') throw lostError(shard, 'it was lost at once')
    this.#renewed(shard, since, note.note)
  }

  /** It is to be kept from now on. */
  keep(shard: HeldShard): void {
    this.#held.set(shard.shard, shard)
    this.#watchExpiry()
  }

  /** Writes what has changed, and renews what has not been written for a while: one call for all. */
  saveDue(): void {
    const { clock, leaseMs, checkpointMs } = this.#options
    const now = clock.monotonic()
    const idle = this.all.filter(({ saving }) => !saving)
    for (const shard of idle) if (shard.ended) void this.#end(shard)
    const isDue = (shard: HeldShard): boolean => shard.changed || now - shard.savedAt >= leaseMs / 3 - checkpointMs / 2
    const due = idle.filter((shard) => !shard.ended && isDue(shard))
    if (due.length > 0) void this.#save(due)
  }

  /** Gives a shard up when what runs has ended and its checkpoint is written. Never rejects. */
  async handOver(shard: HeldShard): Promise<void> {
    const { clock, handOverMs, handler, table, attempt } = this.#options
    shard.revoking = true
    let finished = false
    const revoked = attempt(() => handler.revoke(shard, handOverMs)).then(() => {
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
    // A store that never answers holds nothing up for longer than the lease lasts.
    const gone = new Promise<void>((resolve) => (shard.onGone = resolve))
    while (isOpen()) {
      if (!shard.saving) await Promise.race([gone, shard.ended ? this.#end(shard) : this.#save([shard])])
      if (isOpen()) await this.#pause()
    }
    if (!this.#isHeld(shard)) return
    this.#forget(shard)
    await attempt(() => table.release(shard.claim))
  }

  /** Hands all of them over. Never rejects. */
  async drain(): Promise<void> {
    while (this.#held.size > 0) await Promise.all(this.all.map((shard) => (shard.revoking ? this.#pause() : this.handOver(shard))))
    this.#watch?.cancel()
  }

  /**
   * No shard has two calls out, or the earlier one might be carried out last and set the checkpoint back. Of one that is never answered the lease ends, and whatever
   * it does later is refused.
   */
  async #save(shards: readonly HeldShard[]): Promise<void> {
    const { clock, table, attempt } = this.#options
    const since = clock.monotonic()
    const notes = shards.map((shard) => {
      shard.saving = true
      return shard.note
    })
    await attempt(async () => {
      try {
        const answers = await table.save(notes)
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
    shard.expiresAt = this.sureUntil(since)
  }

  async #end(shard: HeldShard): Promise<void> {
    const { table, onEnded, attempt } = this.#options
    shard.saving = true
    await attempt(async () => {
      try {
        if ((await table.end(shard.claim)) === 'lost') return this.#lose(shard, 'another worker may have it')
        if (!this.#isHeld(shard)) return
        this.#forget(shard)
        onEnded(shard)
      } finally {
        shard.saving = false
      }
    })
  }

  async #pause(): Promise<void> {
    await sleep(this.#options.clock, lastSaveMs, this.#options.signal).catch(() => undefined)
  }

  #isHeld(shard: HeldShard): boolean {
    return this.#held.get(shard.shard) === shard
  }

  #forget(shard: HeldShard): void {
    this.#held.delete(shard.shard)
    shard.held = false
    shard.onGone?.()
  }

  #lose(shard: HeldShard, why: string): void {
    if (!this.#isHeld(shard)) return
    const { held } = shard
    this.#forget(shard)
    if (held) this.#options.handler.lost(shard, lostError(shard, why))
  }

  #watchExpiry(): void {
    this.#watch?.cancel()
    const next = Math.min(...this.all.map(({ expiresAt }) => expiresAt))
    if (next === Infinity) return
    const { clock } = this.#options
    this.#watch = clock.timer(next, () => {
      const now = clock.monotonic()
      for (const shard of this.all) if (shard.expiresAt <= now) this.#lose(shard, 'it could not be renewed in time')
      this.#watchExpiry()
    })
  }
}

function lostError({ shard }: HeldShard, why: string): BrokerError {
  return kinesisError('ERR_TOO_LATE', `kinesis: the lease of shard ${shard} is lost: ${why}`)
}
