import type { Delivery, Incoming, Scope, SettleResult, Tracked } from '@busbar/core/driver'
import type { ShardLease } from '../group/held-shard.ts'
import type { Page, ReadRecord } from '../reading/shard-reader.ts'
import { comparePositions, type Position } from '../shards/position.ts'
import { incomingOf } from './incoming.ts'
import { shardRecordsOf, type ShardRecord, type Splitting } from './shard-record.ts'
import type { Room, SharedWindow, WindowPart } from './shared-window.ts'

/** Of aggregated records split at a time. A megabyte of the smallest records takes a tenth of a second. */
export const mostSplitBytes = 1_048_576

/** What is remembered of a record until the checkpoint passes it. */
interface Step extends Position {
  /** That it fills of the window; `undefined` for what was left out. */
  readonly bytes: number | undefined
  readonly arrivedAt: number | undefined
}

/** One record handed to the holder of its shard. */
export class KinesisDelivery implements Delivery {
  readonly scope: ShardScope
  readonly incoming: Incoming
  readonly sameAs: string
  readonly brokerAttempts: undefined = undefined
  leaseUntil: undefined = undefined
  readonly tracked: Tracked<Position>

  constructor(scope: ShardScope, incoming: Incoming, tracked: Tracked<Position>) {
    this.scope = scope
    this.incoming = incoming
    this.sameAs = `${scope.reading}/${incoming.position}`
    this.tracked = tracked
  }
}

export interface ShardScopeOptions {
  readonly lease: ShardLease
  readonly window: SharedWindow
  readonly envelope: boolean
  readonly splitting: () => Splitting
}

/** A lease on a shard, as the scope of its deliveries, and what was read of it to be handed out: a page, and what is left of the one before. */
export class ShardScope implements Scope {
  readonly id: string
  readonly partition: string
  /** The shard, and how many replays there were: what is read again by a replay is another message. */
  readonly reading: string
  readonly lease: ShardLease
  readonly #window: SharedWindow
  readonly #part: WindowPart
  readonly #envelope: boolean
  readonly #splitting: () => Splitting
  /** The last one before `at` is being handed out. */
  #fetched: readonly ReadRecord[] = []
  #at = 0
  /** Of the record that is being handed out. */
  #records: readonly ShardRecord[] = []
  #next = 0
  /** By the call of `take` that runs. */
  #splitBytes = 0
  #last: Position | undefined
  #open = true
  #waiting: { readonly left: number; readonly resolve: () => void } | undefined

  constructor({ lease, window, envelope, splitting }: ShardScopeOptions) {
    this.id = lease.id
    this.partition = lease.shard
    this.reading = `${lease.shard}#${lease.generation}`
    this.lease = lease
    this.#window = window
    this.#part = window.join()
    this.#envelope = envelope
    this.#splitting = splitting
    this.#last = lease.from.kind === 'after' ? lease.from.position : undefined
    lease.onPassed = (steps) => this.#passed(steps as readonly Step[])
  }

  /** False when nothing more of it is handed out. */
  get open(): boolean {
    return this.#open
  }

  /** The last record that was handed out or left out. */
  get last(): Position | undefined {
    return this.#last
  }

  get hasMore(): boolean {
    return this.#left > 0
  }

  /** Records of Kinesis that are not handed out, or not all of them. */
  get #left(): number {
    return this.#fetched.length - this.#at + (this.#next < this.#records.length ? 1 : 0)
  }

  /** When the oldest record that is not done was taken by Kinesis, in milliseconds since the epoch. */
  get oldestArrivedAt(): number | undefined {
    return (this.lease.oldest as Step | undefined)?.arrivedAt
  }

  /** Holds a page behind what is left of the one before. */
  add({ records }: Page): void {
    if (!this.#open) return
    const done = Math.max(0, this.#at - 1)
    this.#fetched = this.#fetched.slice(done).concat(records)
    this.#at -= done
  }

  /** Resolves when so many records of Kinesis are left at most, or nothing will be handed out any more. One may wait at a time. */
  leftAtMost(left: number): Promise<void> {
    if (this.#left <= left) return Promise.resolve()
    return new Promise((resolve) => (this.#waiting = { left, resolve }))
  }

  /**
   * The next records, at most so many, as long as the window has room for them. `splitBytes`: of aggregated records that were split for it; it leaves off when these
   * are many, since splitting takes time in which nothing else runs.
   */
  take(most: number): { readonly deliveries: readonly KinesisDelivery[]; readonly room: Room; readonly splitBytes: number } {
    this.#splitBytes = 0
    const deliveries: KinesisDelivery[] = []
    let room: Room = 'free'
    for (let record = this.#peek(); record !== undefined && deliveries.length < most; record = this.#peek()) {
      room = this.#window.roomFor(this.#part, record.data.length)
      if (room !== 'free') break
      this.#next++
      const { sequence, subSequence, arrivedAt, data } = record
      const step: Step = { sequence, subSequence, bytes: data.length, arrivedAt }
      this.#last = step
      this.#window.take(this.#part, data.length)
      deliveries.push(new KinesisDelivery(this, incomingOf(record, this.#positionOf(record), this.#envelope), this.lease.add(step)))
    }
    if (!this.hasMore) this.#forget()
    else this.#tell()
    return { deliveries, room, splitBytes: this.#splitBytes }
  }

  complete({ tracked }: KinesisDelivery): SettleResult {
    return this.lease.complete(tracked)
  }

  /** Hands out no more. What was handed out can be settled as long as the lease is held. */
  stop(): void {
    this.#open = false
    this.#forget()
  }

  /** Everything of it is gone: what is not below the checkpoint is read again by the next holder. */
  close(): void {
    this.stop()
    this.lease.onPassed = undefined
    this.#window.leave(this.#part)
  }

  /** Of a part of the record of the page that is being handed out. */
  #positionOf({ subSequence }: ShardRecord): string {
    const { digits = '' } = this.#fetched[this.#at - 1] ?? {}
    return subSequence === undefined ? digits : `${digits}:${subSequence}`
  }

  /** The next record that was not done before. */
  #peek(): ShardRecord | undefined {
    for (;;) {
      const record = this.#records[this.#next]
      if (record !== undefined) {
        if (this.#last === undefined || comparePositions(record, this.#last) > 0) return record
        this.#next++
        continue
      }
      const next = this.#fetched[this.#at]
      if (next === undefined || this.#splitBytes >= mostSplitBytes) return undefined
      this.#at++
      this.#records = shardRecordsOf(next, this.partition, this.#splitting())
      this.#next = 0
      if (this.#records[0]?.data !== next.data) this.#splitBytes += next.data.length
      if (this.#records.length === 0) this.#leaveOut(next)
    }
  }

  /** The checkpoint passes it, now or with the next record that is done. */
  #leaveOut({ sequence, arrivedAt }: ReadRecord): void {
    const step: Step = { sequence, subSequence: undefined, bytes: undefined, arrivedAt }
    if (this.lease.oldest !== undefined || (this.#last !== undefined && comparePositions(step, this.#last) <= 0)) return
    this.#last = step
    this.lease.complete(this.lease.add(step))
  }

  #passed(steps: readonly Step[]): void {
    let messages = 0
    let bytes = 0
    for (const step of steps) {
      if (step.bytes === undefined) continue
      messages++
      bytes += step.bytes
    }
    this.#window.free(this.#part, messages, bytes)
  }

  #forget(): void {
    this.#fetched = []
    this.#records = []
    this.#at = this.#next = 0
    this.#tell()
  }

  #tell(): void {
    if (this.#waiting === undefined || this.#left > this.#waiting.left) return
    this.#waiting.resolve()
    this.#waiting = undefined
  }
}
