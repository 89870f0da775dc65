import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  PutRecordsCommand,
  StartStreamEncryptionCommand,
  UpdateMaxRecordSizeCommand,
  UpdateShardCountCommand,
  UpdateStreamModeCommand,
  type CreateStreamCommandInput,
  type KinesisClient,
  type PutRecordsCommandOutput,
  type PutRecordsRequestEntry,
  type Shard,
  type StreamDescriptionSummary,
} from '@aws-sdk/client-kinesis'
import { isBrokerError, type BrokerError, type LinkHealth, type Services } from '@busbar/core/driver'
import { isRefusal, kinesisError, toBrokerError } from './errors.ts'
import { identify, type StreamName } from './names.ts'

/** What an error is thrown for: `Sending to stream positions`. */
export interface CallContext {
  readonly doing: string
  /** Ends the call at once, which then throws the signal's reason. */
  readonly signal?: AbortSignal
}

/** The calls to Kinesis: counted, bounded in time, their errors mapped to `BrokerError`. None is repeated here. */
export class Api {
  readonly #client: KinesisClient
  readonly #services: Services
  readonly #timeoutMs: number
  #health: LinkHealth = { state: 'connected' }

  constructor(client: KinesisClient, services: Services, timeoutMs: number) {
    this.#client = client
    this.#services = services
    this.#timeoutMs = timeoutMs
  }

  /** What the latest call found. */
  get health(): LinkHealth {
    return this.#health
  }

  putRecords(stream: StreamName, Records: PutRecordsRequestEntry[], context: CallContext): Promise<PutRecordsCommandOutput> {
    return this.#call('PutRecords', context, (abortSignal) => this.#client.send(new PutRecordsCommand({ ...identify(stream), Records }), { abortSignal }))
  }

  async describe(stream: StreamName, context: CallContext): Promise<StreamDescriptionSummary> {
    const command = new DescribeStreamSummaryCommand(identify(stream))
    const { StreamDescriptionSummary } = await this.#call('DescribeStreamSummary', context, (abortSignal) => this.#client.send(command, { abortSignal }))
    if (StreamDescriptionSummary === undefined) throw kinesisError('ERR_NOT_FOUND', `${context.doing}: the answer holds no description`)
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

  async #call<T>(name: string, { doing, signal }: CallContext, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const { clock, meter } = this.#services
    const timeoutMs = this.#timeoutMs
    const ending = new AbortController()
    // The SDK resolves credentials before it looks at a signal, so its promise alone does not end in time.
    const ended = Promise.withResolvers<never>()
    const end = (reason: Error): void => {
      ended.reject(reason)
      ending.abort(reason)
    }
    const onAbort = (): void => end(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    const timer = clock.timer(clock.monotonic() + timeoutMs, () => end(kinesisError('ERR_UNAVAILABLE', `${doing}: no answer within ${timeoutMs} ms`)))
    meter(name, 1)
    try {
      const answer = await Promise.race([clock.external(run(ending.signal)), ended.promise])
      this.#health = { state: 'connected' }
      return answer
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw this.#failure(error, doing)
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      ended.promise.catch(() => undefined)
    }
  }

  #failure(error: unknown, doing: string): BrokerError {
    const failure = toBrokerError(error, doing)
    this.#health = failure.code === 'ERR_UNAVAILABLE' ? { state: 'reconnecting', error: failure } : { state: 'connected' }
    return failure
  }
}

/** Is what a call asked for certainly not done? */
export function isNotDone(error: unknown): boolean {
  return isRefusal(isBrokerError(error) ? error.cause : error)
}
