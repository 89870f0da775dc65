import type { SubscribeToShardEvent } from '@aws-sdk/client-kinesis'
import { isBrokerError, type Clock, type ErrorCode } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import type { FanOutConsumer } from './fan-out-consumer.ts'
import { Place } from './place.ts'
import { doingOf, isDue, readPages, sleepUntil, type PageRead, type PageSource } from './read-pages.ts'
import type { ShardReader, ShardReaderOptions } from './shard-reader.ts'
import { ShardSubscription } from './shard-subscription.ts'

/** Before the five minutes after which the service ends a subscription. */
const renewMs = 290_000
/** The service takes one subscription a second for each consumer and shard. */
const betweenMs = 1_000
/** Within five seconds of the last subscription, by whomever, the service refuses the next one. That is waited for without a word for twice as long. */
const patienceMs = 10_000
/** How long to leave a subscription alone that somebody else has taken over. */
const yieldedMs = 5_000

/** Reads by `SubscribeToShard`, with a throughput that is shared with no other consumer. The service sends on as pages are taken: what has not been taken waits on the connection. */
export function fanOutReader(consumer: FanOutConsumer): ShardReader {
  return (options) => readPages(options, new FanOutSource(options, consumer))
}

class FanOutSource implements PageSource {
  readonly #options: ShardReaderOptions
  readonly #consumer: FanOutConsumer
  readonly #clock: Clock
  readonly #doing: string
  readonly #place: Place
  #subscription: ShardSubscription | undefined
  #arn: string | undefined
  /** Has the subscription sent anything? */
  #heard = false
  #renewAt = 0
  #notBefore = 0

  constructor(options: ShardReaderOptions, consumer: FanOutConsumer) {
    this.#options = options
    this.#consumer = consumer
    this.#clock = options.services.clock
    this.#doing = doingOf(options)
    this.#place = new Place(options.from)
  }

  async next(): Promise<PageRead | undefined> {
    this.#place.begin(this.#clock.now())
    if (this.#clock.monotonic() >= this.#renewAt) this.close()
    try {
      this.#subscription ??= await this.#subscribe()
      if (this.#subscription === undefined) return undefined
      const event = await this.#subscription.next(this.#options.signal)
      if (event !== undefined) return this.#read(event)
      if (!this.#heard) throw kinesisError('ERR_UNAVAILABLE', `${this.#doing}: the subscription ended at once`)
      this.close()
      return undefined
    } catch (error) {
      this.close()
      if (isCode(error, 'ERR_CONFLICT')) this.#notBefore = this.#clock.monotonic() + yieldedMs
      if (isCode(error, 'ERR_NOT_FOUND') && (await this.#isReplaced())) return undefined
      throw error
    }
  }

  close(): void {
    this.#subscription?.end()
    this.#subscription = undefined
  }

  #read({ Records, MillisBehindLatest, ContinuationSequenceNumber, ChildShards = [] }: SubscribeToShardEvent): PageRead {
    if (Records === undefined && ContinuationSequenceNumber === undefined && ChildShards.length === 0)
      throw kinesisError('ERR_UNAVAILABLE', `${this.#doing}: the event is empty`)
    this.#heard = true
    const page = this.#place.take(Records ?? [], MillisBehindLatest)
    const ended = ChildShards.length > 0 || (ContinuationSequenceNumber === undefined && 'unnamed')
    if (ContinuationSequenceNumber !== undefined) this.#place.continueAfter(ContinuationSequenceNumber, this.#clock.now())
    return { page, ended }
  }

  /** `undefined` when it was too early. */
  async #subscribe(): Promise<ShardSubscription | undefined> {
    const { api, shard, signal } = this.#options
    if (!(await isDue(this.#place, this.#clock, signal))) return undefined
    const patientUntil = this.#clock.monotonic() + patienceMs
    for (;;) {
      await sleepUntil(this.#clock, this.#notBefore, signal)
      this.#arn = await this.#consumer.arn(signal)
      const now = this.#clock.monotonic()
      this.#notBefore = now + betweenMs
      try {
        const open = await api.subscribeToShard(this.#arn, shard, this.#place.ask(this.#clock.now()), { doing: this.#doing, signal })
        this.#renewAt = now + renewMs
        this.#heard = false
        return new ShardSubscription(open, this.#clock, this.#doing)
      } catch (error) {
        if (!isCode(error, 'ERR_CONFLICT') || this.#clock.monotonic() >= patientUntil) throw this.#place.refusal(error, this.#clock.now())
      }
    }
  }

  async #isReplaced(): Promise<boolean> {
    return this.#arn !== undefined && this.#consumer.isReplaced(this.#arn, this.#options.signal)
  }
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return isBrokerError(error) && error.code === code
}
