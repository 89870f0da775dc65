import type { Clock, LeaseStore } from '@busbar/core/driver'
import { isFurther, parseCheckpoint, type Checkpoint } from '../checkpoint.ts'
import { GroupWorker } from '../group-worker.ts'
import type { ShardLease } from '../held-shard.ts'
import type { GroupHandler, GroupWorkerOptions } from '../options.ts'
import type { GroupShard } from '../shard-graph.ts'
import { SimulatedStore, type SavedNote } from './simulated-store.ts'
import { seeded, VirtualTime } from './virtual-time.ts'

interface StreamShard extends GroupShard {
  open: boolean
  /** Sequence numbers of its records, in order. */
  readonly records: bigint[]
}

/** A worker, its process and what it reads. */
export interface Member {
  readonly name: string
  readonly worker: GroupWorker
  readonly leases: Map<string, ShardLease>
  readonly failures: Error[]
  alive: boolean
}

/** Far above what a `Number` holds. */
const firstSequence = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898n

/** A stream, a lease store and any number of workers, in virtual time. Every record that is handled is written down. */
export class SimulatedStream {
  readonly time: VirtualTime = new VirtualTime()
  readonly random: () => number
  readonly store: SimulatedStore
  readonly members: Member[] = []
  readonly shards: Map<string, StreamShard> = new Map()
  /** How often each record was handled, by its sequence number. */
  readonly handled: Map<bigint, number> = new Map()
  /** What must not be. */
  readonly violations: string[] = []
  /** How often a worker has told that the store has forgotten how the group began. */
  forgotten = 0
  #sequence = firstSequence
  #names = 0
  readonly #lastSaved = new Map<string, { readonly fence: number; readonly owner: string; readonly checkpoint: Checkpoint }>()
  readonly #checked = new Map<string, number>()
  /** How long a record is handled, at most. */
  handleMs = 200

  constructor(seed: number, shards: number) {
    this.random = seeded(seed)
    this.store = new SimulatedStore({ time: this.time, random: this.random })
    this.store.onSave = (saved) => this.#checkSaved(saved)
    for (let index = 0; index < shards; index++) this.#addShard([])
  }

  get living(): readonly Member[] {
    return this.members.filter(({ alive }) => alive)
  }

  put(shard: string): void {
    const found = this.shards.get(shard)
    if (found?.open !== true) throw new RangeError(`${shard} is not open`)
    this.#sequence += BigInt(1 + Math.floor(this.random() * 1e6))
    found.records.push(this.#sequence)
  }

  putEverywhere(records: number): void {
    for (const { id, open } of this.shards.values()) if (open) for (let index = 0; index < records; index++) this.put(id)
  }

  split(id: string): readonly string[] {
    this.#close(id)
    return [this.#addShard([id]), this.#addShard([id])]
  }

  merge(one: string, other: string): string {
    this.#close(one)
    this.#close(other)
    return this.#addShard([one, other])
  }

  join(options: Partial<GroupWorkerOptions> = {}, clock: Clock = this.time.clock(), wrap: (store: LeaseStore) => LeaseStore = (store) => store): Member {
    const name = `worker-${++this.#names}`
    const leases = new Map<string, ShardLease>()
    const failures: Error[] = []
    const worker = new GroupWorker({
      store: wrap(this.store.client(() => member.alive)),
      clock,
      random: this.random,
      group: 'stream/app',
      worker: name,
      startFrom: 'earliest',
      listShards: async () => [...this.shards.values()].map(({ id, parents, open }) => ({ id, parents, open })),
      findPosition: () => {
        throw new RangeError('there are no positions here')
      },
      handler: this.#handler(name, leases, failures, () => member.alive),
      leaseMs: 10_000,
      checkpointMs: 2_000,
      lookMs: 2_000,
      listMs: 60_000,
      handOverMs: 30_000,
      ...options,
    })
    const member: Member = { name, worker, leases, failures, alive: true }
    this.members.push(member)
    worker.start()
    return member
  }

  /** As SIGKILL would: nothing that it has begun goes on, and nobody is told. */
  kill(member: Member): void {
    member.alive = false
    member.leases.clear()
  }

  /** The store loses all that it was given. */
  forget(): void {
    this.store.forget()
    this.#lastSaved.clear()
  }

  /** How many shards each living worker reads, the fewest first. */
  get loads(): number[] {
    return this.living.map(({ leases }) => leases.size).toSorted((one, other) => one - other)
  }

  /** Shards that nobody reads. */
  get unread(): string[] {
    const read = new Set(this.living.flatMap(({ leases }) => [...leases.keys()]))
    return [...this.shards.values()].filter(({ id, open }) => open && !read.has(id)).map(({ id }) => id)
  }

  get unhandled(): bigint[] {
    return [...this.shards.values()].flatMap(({ records }) => records).filter((record) => !this.handled.has(record))
  }

  /** Lets time pass until something holds, and says how long that took. */
  async until(what: string, holds: () => boolean, withinMs: number): Promise<number> {
    const since = this.time.nowMs
    while (!holds()) {
      if (this.time.nowMs - since > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
      await this.time.pass(100)
    }
    return this.time.nowMs - since
  }

  #handler(name: string, leases: Map<string, ShardLease>, failures: Error[], isAlive: () => boolean): GroupHandler {
    const stopped = new Set<ShardLease>()
    const aborted = new Set<ShardLease>()
    const running = new Map<ShardLease, Promise<void>>()
    return {
      start: (lease) => {
        if (!isAlive()) return
        const other = this.living.find((member) => member.name !== name && member.leases.has(lease.shard))
        if (other !== undefined) this.violations.push(`${name} was given ${lease.shard} while ${other.name} reads it`)
        if (leases.has(lease.shard)) this.violations.push(`${name} was given ${lease.shard} twice`)
        leases.set(lease.shard, lease)
        running.set(
          lease,
          this.#read(
            lease,
            leases,
            () => !stopped.has(lease),
            () => isAlive() && !aborted.has(lease),
          ),
        )
      },
      revoke: async (lease) => {
        stopped.add(lease)
        await running.get(lease)
        if (leases.get(lease.shard) === lease) leases.delete(lease.shard)
      },
      lost: (lease) => {
        stopped.add(lease)
        aborted.add(lease)
        if (leases.get(lease.shard) === lease) leases.delete(lease.shard)
      },
      failed: (error) => void failures.push(error),
      forgotten: () => void this.forgotten++,
      looked: () => undefined,
    }
  }

  /** A few records at a time, which end in any order. */
  async #read(lease: ShardLease, leases: Map<string, ShardLease>, begins: () => boolean, goesOn: () => boolean): Promise<void> {
    const shard = this.shards.get(lease.shard)
    if (shard === undefined) throw new RangeError(`there is no ${lease.shard}`)
    if (shard.parents.some((parent) => !this.#isHandled(parent))) this.violations.push(`${lease.shard} is read before a parent has been handled`)
    const { from } = lease
    let index = from.kind === 'after' ? shard.records.findIndex((record) => record > from.position.sequence) : from.kind === 'latest' ? shard.records.length : 0
    if (index === -1) index = shard.records.length
    while (begins() && goesOn()) {
      const batch = shard.records.slice(index, index + 5)
      index += batch.length
      await Promise.all(
        batch.map(async (sequence) => {
          const tracked = lease.add({ sequence, subSequence: undefined })
          await this.time.sleep(this.handleMs * this.random())
          if (!goesOn()) return
          this.handled.set(sequence, (this.handled.get(sequence) ?? 0) + 1)
          lease.complete(tracked)
        }),
      )
      if (batch.length === 0 && !shard.open && index >= shard.records.length) {
        leases.delete(lease.shard)
        lease.end()
        return
      }
      if (batch.length === 0) await this.time.sleep(500)
    }
  }

  /** A checkpoint never goes back, is nobody's who was overtaken, and passes no record that was not handled. */
  #checkSaved({ key, fence, owner, note }: SavedNote): void {
    const id = key.slice(key.lastIndexOf('/') + 1)
    const next = parseCheckpoint(id, note)
    const last = this.#lastSaved.get(key)
    if (last !== undefined && (fence < last.fence || (fence === last.fence && owner !== last.owner)))
      this.violations.push(`${owner} saved ${note} after ${last.owner}`)
    if (last !== undefined && isFurther(last.checkpoint, next)) this.violations.push(`the checkpoint of ${id} went back to ${note}`)
    const records = next.kind === 'after' ? (this.shards.get(id)?.records ?? []) : []
    for (let index = this.#checked.get(key) ?? 0; next.kind === 'after' && (records[index] ?? Infinity) <= next.position.sequence; index++) {
      if (!this.handled.has(records[index] as bigint)) this.violations.push(`the checkpoint of ${id} passed ${records[index]}`)
      this.#checked.set(key, index + 1)
    }
    this.#lastSaved.set(key, { fence, owner, checkpoint: next })
  }

  #isHandled(id: string): boolean {
    return this.shards.get(id)?.records.every((record) => this.handled.has(record)) ?? true
  }

  #addShard(parents: readonly string[]): string {
    const id = `shardId-${String(this.shards.size).padStart(12, '0')}`
    this.shards.set(id, { id, parents, open: true, records: [] })
    return id
  }

  #close(id: string): void {
    const shard = this.shards.get(id)
    if (shard?.open !== true) throw new RangeError(`${id} is not open`)
    shard.open = false
  }
}
