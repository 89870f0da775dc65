import type { KinesisClient, PutRecordsRequestEntry, PutRecordsResultEntry } from '@aws-sdk/client-kinesis'
import type { Endpoint, Link, Outgoing, Services } from '@busbar/core/driver'
import { kinesis } from '../kinesis-driver.ts'
import type { KinesisOptions } from '../options.ts'
import { hashKeyOf, maxHashKey } from '../shards/hash-key.ts'
import { covers, type Shard } from '../shards/shard-map.ts'
import { ManualClock } from './manual-clock.ts'

export interface Call {
  readonly name: string
  // The tests read what they sent, whatever its shape.
  readonly input: Readonly<Record<string, never>>
  readonly signal: AbortSignal
  readonly atMs: number
}

type Handler = (input: Readonly<Record<string, never>>, signal: AbortSignal) => unknown

/** A record that was stored. */
export interface Stored {
  readonly shard: string
  readonly key: string
  readonly text: string
  readonly data: Uint8Array
}

/** A client of the SDK that answers by script. Without one it has every stream, with the shards that the test gives, and stores everything. */
export class FakeKinesis {
  readonly clock: ManualClock = new ManualClock()
  readonly calls: Call[] = []
  readonly stored: Stored[] = []
  readonly metered: string[] = []
  shards: readonly Shard[]
  readonly #handlers: Map<string, Handler> = new Map()
  #sequence = 0n

  constructor(shardCount: number = 2) {
    this.shards = evenShards(shardCount)
    this.on('DescribeStreamSummary', () => ({ StreamDescriptionSummary: { StreamStatus: 'ACTIVE', StreamARN: arn, OpenShardCount: this.shards.length } }))
    this.on('ListShards', () => ({ Shards: this.shards.map(nativeShard) }))
    this.on('PutRecords', (input) => ({ Records: entriesOf(input).map((record) => this.store(record)) }))
  }

  /** Answers from now on to calls of this name; a thrown error is the answer too. */
  on(name: string, handler: Handler): void {
    this.#handlers.set(name, handler)
  }

  named(name: string): Call[] {
    return this.calls.filter((call) => call.name === name)
  }

  /** How many records each `PutRecords` had. */
  get requests(): number[] {
    return this.named('PutRecords').map(({ input }) => entriesOf(input).length)
  }

  store({ Data = new Uint8Array(0), PartitionKey = '', ExplicitHashKey }: PutRecordsRequestEntry): PutRecordsResultEntry {
    const shard = this.shardOf(PartitionKey, ExplicitHashKey)
    this.stored.push({ shard, key: PartitionKey, text: Buffer.from(Data).toString(), data: Data })
    return { ShardId: shard, SequenceNumber: String(++this.#sequence) }
  }

  shardOf(key: string, explicitHashKey?: string): string {
    const hashKey = explicitHashKey === undefined ? hashKeyOf(key) : BigInt(explicitHashKey)
    return this.shards.find((shard) => shard.open && covers(shard, hashKey))?.id ?? 'none'
  }

  get client(): KinesisClient {
    const send = async (
      command: { readonly input: Readonly<Record<string, never>> },
      { abortSignal }: { readonly abortSignal: AbortSignal },
    ): Promise<unknown> => {
      const name = command.constructor.name.replace(/Command$/, '')
      this.calls.push({ name, input: command.input, signal: abortSignal, atMs: this.clock.monotonic() })
      return (await this.#handlers.get(name)?.(command.input, abortSignal)) ?? {}
    }
    return { send } as unknown as KinesisClient
  }

  link(options: KinesisOptions = {}): Promise<Link<KinesisClient>> {
    const services: Services = { clock: this.clock, random: () => 0.5, log: () => undefined, meter: (call) => void this.metered.push(call) }
    return kinesis({ client: this.client, ...options }).connect(services, new AbortController().signal)
  }
}

const arn = 'arn:aws:kinesis:eu-central-1:123456789012:stream/positions'

/** Shards of equal size. */
export function evenShards(count: number): readonly Shard[] {
  const size = (maxHashKey + 1n) / BigInt(count)
  return Array.from({ length: count }, (_, index) => ({
    id: `shard-${index}`,
    start: size * BigInt(index),
    end: index === count - 1 ? maxHashKey : size * BigInt(index + 1) - 1n,
    parents: [],
    open: true,
  }))
}

function nativeShard({ id, start, end, open, parents }: Shard): unknown {
  const [ParentShardId, AdjacentParentShardId] = parents
  return {
    ShardId: id,
    ParentShardId,
    AdjacentParentShardId,
    HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) },
    SequenceNumberRange: { StartingSequenceNumber: '1', ...(!open && { EndingSequenceNumber: '2' }) },
  }
}

export function entriesOf(input: Readonly<Record<string, never>>): PutRecordsRequestEntry[] {
  return input['Records'] as unknown as PutRecordsRequestEntry[]
}

export function endpoint(parts: Partial<Endpoint> = {}): Endpoint {
  return { destination: 'positions', kind: 'stream', name: 'positions', keyed: false, maxAttempts: 0, options: {}, ...parts }
}

export function outgoing(parts: Partial<Outgoing> = {}): Outgoing {
  const body = parts.body ?? 'hello'
  return {
    id: 'm-1',
    body,
    bodyBytes: Buffer.byteLength(body),
    headers: {},
    type: undefined,
    contentType: undefined,
    timestamp: 1_767_225_600_123,
    key: undefined,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    ...parts,
  }
}

/** As the SDK throws what the service answers. */
export function serviceError(name: string, message: string = 'refused', httpStatusCode: number = 400): Error {
  return Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode } })
}

export function throttled(): PutRecordsResultEntry {
  return { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' }
}
