import type { _Record as NativeRecord, StartingPosition, SubscribeToShardEventStream } from '@aws-sdk/client-kinesis'
import { sleep } from '@busbar/core/driver'
import { serviceError, type FakeKinesis } from './fake-kinesis.ts'

interface Logged {
  readonly sequence: bigint
  readonly arrivedAt: number
  readonly data: Uint8Array
  readonly key: string
}

/** Of an event stream of the service, in milliseconds. */
const subscriptionMs = 300_000
const exclusiveMs = 5_000
const eventEveryMs = 1_000
const iteratorMs = 300_000

/** Beyond what a double can tell apart. */
const firstSequence = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_800n

/** One shard, as the service lets it be read: iterators that expire, subscriptions that end, records that are trimmed. Tests put faults in front of it by `fail`. */
export class FakeShard {
  readonly #fake: FakeKinesis
  #log: Logged[] = []
  #next = firstSequence
  #subscribedAt = -Infinity
  closed = false
  /** Called with the name of every call before it is answered; what it throws is the answer. Also with `event` before each event of a subscription. */
  fail: (call: string) => void = () => undefined
  /** Events that were fetched, and subscriptions whose connection is open. */
  fetched = 0
  open = 0
  /** How much the service's clock is ahead of the reader's. */
  aheadMs = 0
  /** Most records of an event, or of a page whatever its limit. */
  pageRecords: number = Infinity

  /** To `GetRecords`. */
  readonly answer = (input: Readonly<Record<string, never>>): unknown => {
    this.fail('GetRecords')
    return this.#page(input as unknown as { readonly ShardIterator: string; readonly Limit: number })
  }

  /** To `SubscribeToShard`. */
  readonly subscribe = (input: Readonly<Record<string, never>>, signal: AbortSignal): unknown => {
    this.fail('SubscribeToShard')
    return { EventStream: this.#subscribe((input as unknown as { readonly StartingPosition: StartingPosition }).StartingPosition, signal) }
  }

  constructor(fake: FakeKinesis) {
    this.#fake = fake
    fake.on('GetShardIterator', (input) => {
      this.fail('GetShardIterator')
      const { ShardIteratorType: Type, StartingSequenceNumber: SequenceNumber, Timestamp } = input
      return { ShardIterator: this.#iterator(this.#firstOf({ Type, SequenceNumber, Timestamp })) }
    })
    fake.on('GetRecords', this.answer)
    fake.on('SubscribeToShard', this.subscribe)
  }

  /** Writes records; gives their numbers. */
  put(...texts: readonly string[]): bigint[] {
    return texts.map((text) => this.putBytes(Buffer.from(text)))
  }

  putBytes(data: Uint8Array): bigint {
    const sequence = this.#next
    this.#next += 3n
    this.#log.push({ sequence, arrivedAt: this.#now(), data, key: 'k' })
    return sequence
  }

  /** The oldest records fall out of the retention. */
  trim(count: number): void {
    this.#log = this.#log.slice(count)
  }

  #now(): number {
    return this.#fake.clock.now() + this.aheadMs
  }

  #firstOf({ Type, SequenceNumber, Timestamp }: StartingPosition): bigint {
    if (Type === 'TRIM_HORIZON') return 0n
    if (Type === 'LATEST') return this.#next
    if (Type === 'AT_TIMESTAMP') {
      const at = Timestamp?.getTime() ?? 0
      if (at > this.#now()) throw serviceError('InvalidArgumentException', 'the timestamp is in the future')
      return this.#log.find(({ arrivedAt }) => arrivedAt >= at)?.sequence ?? this.#next
    }
    if (SequenceNumber === undefined || BigInt(SequenceNumber) < firstSequence - 1n)
      throw serviceError('InvalidArgumentException', 'no sequence number of the shard')
    return BigInt(SequenceNumber) + (Type === 'AFTER_SEQUENCE_NUMBER' ? 1n : 0n)
  }

  #iterator(first: bigint): string {
    return `${first} ${this.#fake.clock.monotonic()}`
  }

  #page({ ShardIterator, Limit }: { readonly ShardIterator: string; readonly Limit: number }): unknown {
    const [first = '', issuedAt] = ShardIterator.split(' ')
    if (this.#fake.clock.monotonic() - Number(issuedAt) >= iteratorMs) throw serviceError('ExpiredIteratorException')
    const { records, next, more } = this.#from(BigInt(first), Math.min(Limit, this.pageRecords))
    const ended = this.closed && !more
    return { Records: records, MillisBehindLatest: more ? 1_000 : 0, ...(ended ? { ChildShards: children } : { NextShardIterator: this.#iterator(next) }) }
  }

  #from(first: bigint, limit: number): { readonly records: readonly NativeRecord[]; readonly next: bigint; readonly more: boolean } {
    const left = this.#log.filter(({ sequence }) => sequence >= first)
    const page = left.slice(0, limit)
    const last = page.at(-1)
    return { records: page.map(nativeRecord), next: last === undefined ? first : last.sequence + 1n, more: left.length > page.length }
  }

  #subscribe(position: StartingPosition, signal: AbortSignal): AsyncIterable<SubscribeToShardEventStream> {
    const now = this.#fake.clock.monotonic()
    if (now - this.#subscribedAt < exclusiveMs) throw serviceError('ResourceInUseException')
    const first = this.#firstOf(position)
    this.#subscribedAt = now
    this.open++
    signal.addEventListener('abort', () => this.open--, { once: true })
    return this.#events(first, now + subscriptionMs, signal)
  }

  async *#events(first: bigint, endsAt: number, signal: AbortSignal): AsyncGenerator<SubscribeToShardEventStream> {
    const { clock } = this.#fake
    let next = first
    while (clock.monotonic() < endsAt) {
      signal.throwIfAborted()
      this.fail('event')
      this.fetched++
      const read = this.#from(next, this.pageRecords)
      const ended = this.closed && !read.more
      // Where there are no records it counts on to the newest number.
      next = read.more ? read.next : this.#next
      const rest = ended ? { ContinuationSequenceNumber: undefined, ChildShards: children } : { ContinuationSequenceNumber: String(next - 1n) }
      yield { SubscribeToShardEvent: { Records: [...read.records], MillisBehindLatest: read.more ? 1_000 : 0, ...rest } }
      if (ended) return
      await sleep(clock, eventEveryMs, signal)
    }
  }
}

const children: { ShardId: string; ParentShards: string[]; HashKeyRange: undefined }[] = ['child-0', 'child-1'].map((ShardId) => ({
  ShardId,
  ParentShards: ['shard-0'],
  HashKeyRange: undefined,
}))

function nativeRecord({ sequence, arrivedAt, data, key }: Logged): NativeRecord {
  return { SequenceNumber: String(sequence), ApproximateArrivalTimestamp: new Date(arrivedAt), Data: data, PartitionKey: key }
}
