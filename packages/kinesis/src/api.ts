import {
  CreateStreamCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  StartStreamEncryptionCommand,
  SubscribeToShardCommand,
  UpdateMaxRecordSizeCommand,
  UpdateShardCountCommand,
  UpdateStreamModeCommand,
  type ConsumerDescription,
  type CreateStreamCommandInput,
  type GetRecordsCommandOutput,
  type KinesisClient,
  type PutRecordsCommandOutput,
  type PutRecordsRequestEntry,
  type Shard,
  type StartingPosition,
  type StreamDescriptionSummary,
  type SubscribeToShardEventStream,
} from '@aws-sdk/client-kinesis'
import { isBrokerError, type BrokerError, type LinkHealth, type Services } from '@busbar/core/driver'
import { guard, type Clients } from './client.ts'
import { isRefusal, kinesisError, toBrokerError } from './errors.ts'
import { addressOf, identify, type StreamName } from './names.ts'
import { recordsOf, speaksJson, useRecordsJson } from './records-json.ts'

/** What an error is thrown for: `Sending to stream positions`. */
export interface CallContext {
  readonly doing: string
  /** Ends the call at once, which then throws the signal's reason. */
  readonly signal?: AbortSignal
}

/** What provisioning has looked at so lately is not looked at again by the same start. */
export const justSeenMs = 1_000

const connected: LinkHealth = { state: 'connected' }

/** What a connection takes at once: nothing is left of such a request that could be called back, and what would do that costs as much as a record. */
const smallBytes = 16_384

/** What is read at once of a shard. */
export type RecordsPage = Omit<GetRecordsCommandOutput, '$metadata'>

/** A subscription to a shard that is open. */
export interface OpenSubscription {
  /** Events are fetched from the connection as they are asked for. To leave off does not end the subscription. */
  readonly events: AsyncIterable<SubscribeToShardEventStream>
  /** Closes the connection. */
  readonly end: () => void
}

/** The calls to Kinesis: counted, bounded in time, their errors mapped to `BrokerError`. None is repeated here. */
export class Api {
  readonly #client: KinesisClient
  readonly #subscribing: KinesisClient
  readonly #own: boolean
  /** The program's client does not read and write records by itself, and could. */
  readonly #helpsJson: boolean
  /** Records of calls that nobody waits for any more. */
  readonly #givenUp: WeakSet<object> = new WeakSet()
  readonly #services: Services
  readonly #timeoutMs: number
  /** By addresses. */
  readonly #seen: Map<string, { readonly summary: StreamDescriptionSummary; readonly atMs: number }> = new Map()
  #health: LinkHealth = connected

  constructor({ main, subscribing, own }: Omit<Clients, 'destroy'>, services: Services, timeoutMs: number) {
    this.#client = main
    this.#subscribing = subscribing
    this.#own = own
    this.#helpsJson = !own && speaksJson(main)
    this.#services = services
    this.#timeoutMs = timeoutMs
    if (own) guard(main, (input) => this.#givenUp.has(recordsOf(input) ?? input))
  }

  /** What the latest call found. */
  get health(): LinkHealth {
    return this.#health
  }

  async putRecords(stream: StreamName, Records: PutRecordsRequestEntry[], context: CallContext): Promise<Pick<PutRecordsCommandOutput, 'Records'>> {
    const command = new PutRecordsCommand({ ...identify(stream), Records })
    if (this.#helpsJson) useRecordsJson(command)
    const answer = await (this.#own && isSmall(Records)
      ? this.#answer('PutRecords', context, () => this.#client.send(command), { abort: () => void this.#givenUp.add(Records) })
      : this.#call('PutRecords', context, (abortSignal) => this.#client.send(command, { abortSignal })))
    // Which record an answer is about, only its place tells.
    const answered = answer.Records?.length ?? 0
    if (answered !== Records.length)
      throw kinesisError('ERR_UNCONFIRMED', `${context.doing}: the answer tells of ${answered} records, and ${Records.length} were sent`)
    return answer
  }

  /** As it is now, or as it was up to `maxAgeMs` ago if it was ready then: an account may look twenty times a second, and a start looks at a stream several times. */
  async describe(stream: StreamName, context: CallContext, maxAgeMs = 0): Promise<StreamDescriptionSummary> {
    const seen = this.#seen.get(addressOf(stream))
    if (seen !== undefined && seen.summary.StreamStatus === 'ACTIVE' && this.#services.clock.monotonic() < seen.atMs + maxAgeMs) return seen.summary
    const command = new DescribeStreamSummaryCommand(identify(stream))
    const { StreamDescriptionSummary } = await this.#call('DescribeStreamSummary', context, (abortSignal) => this.#client.send(command, { abortSignal }))
    if (StreamDescriptionSummary === undefined) throw kinesisError('ERR_NOT_FOUND', `${context.doing}: the answer holds no description`)
    this.#seen.set(addressOf(stream), { summary: StreamDescriptionSummary, atMs: this.#services.clock.monotonic() })
    return StreamDescriptionSummary
  }

  /** All pages. */
  async listShards(stream: StreamName, context: CallContext): Promise<readonly Shard[]> {
    const shards: Shard[] = []
    let next: string | undefined
    do {
      // A page is named by its token alone.
      const command = new ListShardsCommand(next === undefined ? identify(stream) : { NextToken: next })
      const page = await this.#call('ListShards', context, (abortSignal) => this.#client.send(command, { abortSignal }))
      shards.push(...(page.Shards ?? []))
      next = page.NextToken
    } while (next !== undefined)
    return shards
  }

  async createStream(input: CreateStreamCommandInput, context: CallContext): Promise<void> {
    await this.#call('CreateStream', context, (abortSignal) => this.#client.send(new CreateStreamCommand(input), { abortSignal }))
  }

  async updateMode(StreamARN: string, StreamMode: 'ON_DEMAND' | 'PROVISIONED', context: CallContext): Promise<void> {
    const command = new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode } })
    await this.#call('UpdateStreamMode', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async updateShardCount(stream: StreamName, TargetShardCount: number, context: CallContext): Promise<void> {
    const command = new UpdateShardCountCommand({ ...identify(stream), TargetShardCount, ScalingType: 'UNIFORM_SCALING' })
    await this.#call('UpdateShardCount', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async increaseRetention(stream: StreamName, RetentionPeriodHours: number, context: CallContext): Promise<void> {
    const command = new IncreaseStreamRetentionPeriodCommand({ ...identify(stream), RetentionPeriodHours })
    await this.#call('IncreaseStreamRetentionPeriod', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async encrypt(stream: StreamName, KeyId: string, context: CallContext): Promise<void> {
    const command = new StartStreamEncryptionCommand({ ...identify(stream), EncryptionType: 'KMS', KeyId })
    await this.#call('StartStreamEncryption', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async updateRecordSize(StreamARN: string, MaxRecordSizeInKiB: number, context: CallContext): Promise<void> {
    const command = new UpdateMaxRecordSizeCommand({ StreamARN, MaxRecordSizeInKiB })
    await this.#call('UpdateMaxRecordSize', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async shardIterator(stream: StreamName, ShardId: string, { Type, SequenceNumber, Timestamp }: StartingPosition, context: CallContext): Promise<string> {
    const place = { ...(SequenceNumber !== undefined && { StartingSequenceNumber: SequenceNumber }), ...(Timestamp !== undefined && { Timestamp }) }
    const command = new GetShardIteratorCommand({ ...identify(stream), ShardId, ShardIteratorType: Type, ...place })
    const { ShardIterator } = await this.#call('GetShardIterator', context, (abortSignal) => this.#client.send(command, { abortSignal }))
    if (ShardIterator === undefined) throw kinesisError('ERR_UNAVAILABLE', `${context.doing}: the answer holds no iterator`)
    return ShardIterator
  }

  async getRecords({ arn }: StreamName, ShardIterator: string, Limit: number, context: CallContext): Promise<RecordsPage> {
    // The iterator names the shard. The stream's name is not taken here, its ARN is what another account needs.
    const command = new GetRecordsCommand({ ShardIterator, Limit, ...(arn !== undefined && { StreamARN: arn }) })
    if (this.#helpsJson) useRecordsJson(command)
    return this.#call('GetRecords', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  /** Resolves with the first event. The signal of the context does not end the subscription after that. */
  async subscribeToShard(ConsumerARN: string, ShardId: string, StartingPosition: StartingPosition, context: CallContext): Promise<OpenSubscription> {
    const life = new AbortController()
    const command = new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition })
    const { EventStream } = await this.#call('SubscribeToShard', context, (abortSignal) => {
      abortSignal.addEventListener('abort', () => life.abort(abortSignal.reason), { once: true })
      return this.#subscribing.send(command, { abortSignal: life.signal })
    })
    if (EventStream === undefined) throw kinesisError('ERR_UNAVAILABLE', `${context.doing}: the answer holds no events`)
    return { events: EventStream, end: () => life.abort() }
  }

  async describeConsumer(StreamARN: string, ConsumerName: string, context: CallContext): Promise<ConsumerDescription> {
    const command = new DescribeStreamConsumerCommand({ StreamARN, ConsumerName })
    const { ConsumerDescription } = await this.#call('DescribeStreamConsumer', context, (abortSignal) => this.#client.send(command, { abortSignal }))
    if (ConsumerDescription === undefined) throw kinesisError('ERR_NOT_FOUND', `${context.doing}: the answer holds no description`)
    return ConsumerDescription
  }

  async registerConsumer(StreamARN: string, ConsumerName: string, context: CallContext): Promise<void> {
    const command = new RegisterStreamConsumerCommand({ StreamARN, ConsumerName })
    await this.#call('RegisterStreamConsumer', context, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async #call<T>(name: string, context: CallContext, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ending = new AbortController()
    return this.#answer(name, context, () => run(ending.signal), ending)
  }

  async #answer<T>(name: string, { doing, signal }: CallContext, run: () => Promise<T>, ending: { abort(reason: Error): void }): Promise<T> {
    signal?.throwIfAborted()
    const { clock, meter } = this.#services
    const timeoutMs = this.#timeoutMs
    // The SDK resolves credentials before it looks at a signal, so its promise alone does not end in time.
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const end = (reason: Error): void => {
      reject(reason)
      ending.abort(reason)
    }
    const onAbort = (): void => end(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    const timer = clock.timer(clock.monotonic() + timeoutMs, () => end(kinesisError('ERR_UNAVAILABLE', `${doing}: no answer within ${timeoutMs} ms`)))
    meter(name, 1)
    try {
      clock.external(run()).then(resolve, reject)
      const answer = await promise
      this.#health = connected
      return answer
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw this.#failure(error, doing)
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #failure(error: unknown, doing: string): BrokerError {
    const failure = toBrokerError(error, doing)
    this.#health = failure.code === 'ERR_UNAVAILABLE' ? { state: 'reconnecting', error: failure } : connected
    return failure
  }
}

function isSmall(records: readonly PutRecordsRequestEntry[]): boolean {
  let bytes = 0
  for (const { Data, PartitionKey } of records) bytes += (Data?.byteLength ?? 0) + (PartitionKey?.length ?? 0)
  return bytes <= smallBytes
}

/** Is an iterator older than five minutes? */
export function isExpiredIterator(error: unknown): boolean {
  const { cause } = (error ?? {}) as { readonly cause?: { readonly name?: unknown } }
  return cause?.name === 'ExpiredIteratorException'
}

/** Is what a call asked for certainly not done? */
export function isNotDone(error: unknown): boolean {
  return isRefusal(isBrokerError(error) ? error.cause : error)
}
