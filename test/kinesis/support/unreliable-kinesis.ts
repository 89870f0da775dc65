import type { KinesisClient, PutRecordsRequestEntry, PutRecordsResultEntry } from '@aws-sdk/client-kinesis'
import { deaggregate } from '@busbar/kinesis'
import { createHash } from 'node:crypto'

interface Shard {
  readonly id: string
  readonly start: bigint
  readonly end: bigint
  open: boolean
  readonly log: { readonly key: string; readonly text: string }[]
}

const hashKeys = 1n << 128n

/** Rates from 0 to 1 at which things go wrong. */
export interface Faults {
  readonly throttle: number
  readonly internalFailure: number
  readonly lostRequest: number
  readonly lostAnswer: number
  readonly reshard: number
}

/**
 * A client of the SDK over a stream in memory that fails as Kinesis may: records of a request are throttled or fail one by one, some after they have been stored; requests and
 * answers get lost; shards are split and merged between requests. Readers are those of the Kinesis Client Library, which drop an aggregated record with a key of another shard.
 */
export class UnreliableKinesis {
  readonly #random: () => number
  readonly #faults: Faults
  readonly #shards: Shard[] = []
  #sequence = 0n
  /** How often each thing has gone wrong. */
  readonly seen: Record<string, number> = {}

  constructor(random: () => number, faults: Faults) {
    this.#random = random
    this.#faults = faults
    this.#add(0n, hashKeys / 2n - 1n)
    this.#add(hashKeys / 2n, hashKeys - 1n)
  }

  get client(): KinesisClient {
    const answers: Record<string, (input: { readonly Records?: PutRecordsRequestEntry[] }) => unknown> = {
      DescribeStreamSummaryCommand: () => ({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE' } }),
      ListShardsCommand: () => ({ Shards: this.#shards.map(nativeShard) }),
      PutRecordsCommand: ({ Records = [] }) => this.#put(Records),
    }
    const send = async (command: { readonly input: object }): Promise<unknown> => answers[command.constructor.name]?.(command.input)
    return { send } as unknown as KinesisClient
  }

  /** What a reader sees, parents before children: shards are listed in the order in which they came to be. */
  read(): readonly { readonly key: string; readonly text: string }[] {
    return this.#shards.flatMap(({ log }) => log)
  }

  #put(records: readonly PutRecordsRequestEntry[]): { readonly Records: readonly PutRecordsResultEntry[] } {
    if (this.#happens('reshard')) this.#reshard()
    if (this.#happens('lostRequest')) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const answers = records.map((record) => this.#putOne(record))
    if (this.#happens('lostAnswer')) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
    return { Records: answers }
  }

  #putOne({ Data = new Uint8Array(0), PartitionKey = '', ExplicitHashKey }: PutRecordsRequestEntry): PutRecordsResultEntry {
    if (this.#happens('throttle')) return { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' }
    const failed = this.#happens('internalFailure')
    const shard = this.#shardOf(ExplicitHashKey === undefined ? hashOf(PartitionKey) : BigInt(ExplicitHashKey))
    // A failure inside the service may come before or after the record is stored.
    if (!failed || this.#random() < 0.5) shard.log.push(...this.#userRecords(shard, PartitionKey, Data))
    return failed ? { ErrorCode: 'InternalFailure' } : { ShardId: shard.id, SequenceNumber: String(++this.#sequence) }
  }

  #userRecords(shard: Shard, key: string, data: Uint8Array): readonly { readonly key: string; readonly text: string }[] {
    const read = deaggregate(data)
    if (read.form !== 'aggregated') return [{ key, text: Buffer.from(data).toString() }]
    this.#count('aggregated')
    if (read.records.every(({ partitionKey }) => this.#shardOf(hashOf(partitionKey)) === shard))
      return read.records.map(({ partitionKey, data: inner }) => ({ key: partitionKey, text: Buffer.from(inner).toString() }))
    this.#count('dropped')
    return []
  }

  #reshard(): void {
    const open = this.#shards.filter((shard) => shard.open).toSorted((a, b) => (a.start < b.start ? -1 : 1))
    const [first, second] = open.slice(Math.floor(this.#random() * open.length))
    if (first === undefined) return
    first.open = false
    if (second !== undefined && open.length > 3) {
      second.open = false
      this.#add(first.start, second.end)
    } else {
      const middle = (first.start + first.end) / 2n
      this.#add(first.start, middle)
      this.#add(middle + 1n, first.end)
    }
  }

  #add(start: bigint, end: bigint): void {
    this.#shards.push({ id: `shard-${this.#shards.length}`, start, end, open: true, log: [] })
  }

  #shardOf(hashKey: bigint): Shard {
    return this.#shards.find(({ open, start, end }) => open && hashKey >= start && hashKey <= end) as Shard
  }

  #happens(fault: keyof Faults): boolean {
    const happens = this.#random() < this.#faults[fault]
    if (happens) this.#count(fault)
    return happens
  }

  #count(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1
  }
}

function hashOf(key: string): bigint {
  return BigInt(`0x${createHash('md5').update(key).digest('hex')}`)
}

function nativeShard({ id, start, end, open }: Shard): unknown {
  return {
    ShardId: id,
    HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) },
    SequenceNumberRange: { StartingSequenceNumber: '1', ...(!open && { EndingSequenceNumber: '2' }) },
  }
}
