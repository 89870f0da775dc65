import type { Intake, LeaseStore, Services, StartFrom, Window } from '@busbar/core/driver'
import type { Api } from '../../api.ts'
import { kinesisError } from '../../errors.ts'
import type { Checkpoint } from '../../group/checkpoint.ts'
import { SimulatedStore } from '../../group/test-support/simulated-store.ts'
import { seeded, VirtualTime } from '../../group/test-support/virtual-time.ts'
import { streamOf } from '../../names.ts'
import type { Page, ReadRecord, ShardReader, ShardReaderOptions } from '../../reading/shard-reader.ts'
import { maxHashKey } from '../../shards/hash-key.ts'
import { endpoint } from '../../test-support/fake-kinesis.ts'
import { KinesisReceiver, type ReceiverParts } from '../receiver.ts'
import { RecordingIntake } from './recording-intake.ts'

interface TestShard {
  readonly id: string
  readonly start: bigint
  readonly end: bigint
  readonly parents: readonly string[]
  open: boolean
  readonly records: ReadRecord[]
}

export type MakeOptions = Partial<ReceiverParts> & {
  readonly startFrom?: StartFrom
  readonly window?: Window
  readonly wrap?: (store: LeaseStore) => LeaseStore
}

export interface Joined {
  readonly receiver: KinesisReceiver
  readonly intake: RecordingIntake
  /** Pages that were asked for. */
  reads: number
}

export const group = 'kinesis/arn:positions@7/tracker'
const wide: Window = { messages: 1_000, bytes: 1_000_000 }
const pageRecords = 20
const idleMs = 200

/** A stream, a lease store, and receivers of one subscription, in virtual time. */
export class TestReceivers {
  readonly time: VirtualTime = new VirtualTime()
  readonly store: SimulatedStore
  readonly shards: TestShard[] = []
  readonly logged: { readonly level: string; readonly event: string; readonly data: Readonly<Record<string, unknown>> }[] = []
  /** What reading a shard throws. */
  readonly broken: Map<string, Error> = new Map()
  /** What the first page of every reading says that is missing before it. */
  trimmedAfter: bigint | undefined
  description: Record<string, unknown> = { StreamARN: 'arn:positions', StreamCreationTimestamp: new Date(7), RetentionPeriodHours: 24 }
  readonly #random = seeded(1)
  #sequence = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898n

  constructor(shards: number) {
    this.store = new SimulatedStore({ time: this.time, random: this.#random })
    const size = (maxHashKey + 1n) / BigInt(shards)
    for (let index = 0; index < shards; index++) this.#add(size * BigInt(index), index === shards - 1 ? maxHashKey : size * BigInt(index + 1) - 1n, [])
  }

  /** Of a clock that is right. */
  get now(): number {
    return this.time.clock().now()
  }

  put(shard: number, data: string | Uint8Array, partitionKey = 'k'): ReadRecord {
    const sequence = (this.#sequence += 7n)
    const record = { sequence, digits: String(sequence), partitionKey, data: typeof data === 'string' ? Buffer.from(data) : data, arrivedAt: this.now }
    this.shards[shard]?.records.push(record)
    return record
  }

  putAll(shard: number, prefix: string, count: number): string[] {
    return Array.from({ length: count }, (_, index) => {
      this.put(shard, `${prefix}-${index + 1}`)
      return `${prefix}-${index + 1}`
    })
  }

  split(shard: number): void {
    const { start, end, id } = this.shards[shard] as TestShard
    ;(this.shards[shard] as TestShard).open = false
    const middle = (start + end) / 2n
    this.#add(start, middle, [id])
    this.#add(middle + 1n, end, [id])
  }

  /** A started receiver. */
  async join({ acks = () => false, ...options }: MakeOptions & { readonly acks?: (text: string) => boolean } = {}): Promise<Joined> {
    const intake = new RecordingIntake()
    intake.acks = acks
    const joined: Joined = { receiver: this.make(intake, options, () => void joined.reads++), intake, reads: 0 }
    intake.receiver = joined.receiver
    const started = joined.receiver.start()
    await this.until('it has started', () => isSettled(started), 12_000)
    await started
    return joined
  }

  async until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
    const since = this.time.nowMs
    while (!(await holds())) {
      if (this.time.nowMs - since > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
      await this.time.pass(50)
    }
  }

  /** What a call comes to while time passes. */
  async during<T>(call: Promise<T>): Promise<T> {
    call.catch(() => undefined)
    await this.until('a call is answered', () => isSettled(call), 60_000)
    return call
  }

  async seek({ seek }: KinesisReceiver, position: StartFrom): Promise<void> {
    if (seek === undefined) throw new Error('the receiver has no seek')
    await this.during(seek(position))
  }

  noteOf(shard: number, generation?: number): string | undefined {
    return this.store.noteOf(`${group}/shard${generation === undefined ? '' : `.${generation}`}/${this.shards[shard]?.id}`)
  }

  /** One that has not started yet. */
  make(intake: Intake, { startFrom = 'earliest', window = wide, wrap = (store) => store, ...parts }: MakeOptions, onRead?: () => void): KinesisReceiver {
    const services: Services = {
      clock: this.time.clock(),
      random: this.#random,
      log: (level, event, data) => void this.logged.push({ level, event, data }),
      meter: () => undefined,
    }
    const all: ReceiverParts = {
      endpoint: endpoint({ subscription: { name: 'tracker', startFrom } }),
      stream: streamOf('positions'),
      store: wrap(this.store.client()),
      times: { leaseMs: 10_000, checkpointMs: 2_000, lookMs: 2_000, listMs: 60_000, handOverMs: 30_000 },
      api: this.#api(),
      services,
      polling: this.reader(),
      reader: this.reader(onRead),
      envelope: false,
      keepMisplaced: false,
      ...parts,
    }
    return new KinesisReceiver(all, intake, window)
  }

  /** Pages of twenty records; nothing is read before a page is asked for. */
  reader(onRead: () => void = () => undefined): ShardReader {
    const read = (options: ShardReaderOptions): AsyncGenerator<Page, 'ended' | 'aborted', void> => this.#read(options, onRead)
    return read
  }

  async *#read({ shard: id, from, signal }: ShardReaderOptions, onRead: () => void): AsyncGenerator<Page, 'ended' | 'aborted', void> {
    const shard = this.shards.find((each) => each.id === id)
    let index = shard === undefined ? 0 : indexOf(shard.records, from)
    while (!signal.aborted) {
      onRead()
      await this.time.sleep(5)
      const broken = this.broken.get(id)
      if (broken !== undefined) throw broken
      if (shard === undefined) throw kinesisError('ERR_NOT_FOUND', `there is no ${id}`)
      const records = shard.records.slice(index, index + pageRecords)
      index += records.length
      yield {
        records,
        millisBehindLatest: index < shard.records.length ? 1_000 : 0,
        ...(this.trimmedAfter !== undefined && { trimmedAfter: this.trimmedAfter }),
      }
      this.trimmedAfter = undefined
      if (index >= shard.records.length && !shard.open) return 'ended'
      if (records.length === 0) await this.time.sleep(idleMs)
    }
    return 'aborted'
  }

  #api(): Api {
    const api: Partial<Record<keyof Api, unknown>> = {
      describe: async () => this.description,
      listShards: async () =>
        this.shards.map(({ id, start, end, parents: [ParentShardId, AdjacentParentShardId], open }) => ({
          ShardId: id,
          ParentShardId,
          AdjacentParentShardId,
          HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) },
          SequenceNumberRange: { StartingSequenceNumber: '1', ...(!open && { EndingSequenceNumber: '2' }) },
        })),
    }
    return api as Api
  }

  #add(start: bigint, end: bigint, parents: readonly string[]): void {
    this.shards.push({ id: `shardId-${String(this.shards.length).padStart(12, '0')}`, start, end, parents, open: true, records: [] })
  }
}

function indexOf(records: readonly ReadRecord[], from: Checkpoint): number {
  const found = (wanted: (record: ReadRecord) => boolean): number => {
    const index = records.findIndex(wanted)
    return index === -1 ? records.length : index
  }
  switch (from.kind) {
    case 'horizon':
      return 0
    case 'latest':
      return records.length
    case 'time':
      return found(({ arrivedAt = 0 }) => arrivedAt >= from.timestamp)
    case 'after':
      return found(({ sequence }) => (from.position.subSequence === undefined ? sequence > from.position.sequence : sequence >= from.position.sequence))
  }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise, Promise.resolve(pending)]).catch(() => undefined)) !== pending
}
