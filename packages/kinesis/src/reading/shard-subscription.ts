import type { SubscribeToShardEvent, SubscribeToShardEventStream } from '@aws-sdk/client-kinesis'
import { type Clock, unlessAborted } from '@busbar/core/driver'
import type { OpenSubscription } from '../api.ts'
import { kinesisError, toBrokerError } from '../errors.ts'

/** The service sends events every few seconds, also when there are no records. A connection that is silent for as long is dead. */
const silenceMs = 35_000

/** The events of one subscription, one at a time: what is not asked for stays on the connection. */
export class ShardSubscription {
  readonly #open: OpenSubscription
  readonly #clock: Clock
  readonly #doing: string
  readonly #events: AsyncIterator<SubscribeToShardEventStream>
  readonly #silent = new AbortController()

  constructor(open: OpenSubscription, clock: Clock, doing: string) {
    this.#open = open
    this.#clock = clock
    this.#doing = doing
    this.#events = open.events[Symbol.asyncIterator]()
  }

  /** `undefined` when the service has ended the subscription, as it does after five minutes. Throws `BrokerError`, after which nothing more comes, or the signal's reason. */
  async next(signal: AbortSignal): Promise<SubscribeToShardEvent | undefined> {
    const silence = (): void => this.#silent.abort(kinesisError('ERR_UNAVAILABLE', `${this.#doing}: nothing was heard for ${silenceMs} ms`))
    const timer = this.#clock.timer(this.#clock.monotonic() + silenceMs, silence)
    try {
      const read = await unlessAborted(unlessAborted(this.#clock.external(this.#events.next()), this.#silent.signal), signal)
      return read.done === true ? undefined : this.#eventOf(read.value)
    } catch (error) {
      if (signal.aborted) throw error
      throw toBrokerError(error, this.#doing)
    } finally {
      timer.cancel()
    }
  }

  end(): void {
    this.#open.end()
  }

  /** Errors inside the stream are thrown by the SDK, or are members of what it gives. */
  #eventOf(member: SubscribeToShardEventStream): SubscribeToShardEvent {
    if (member.SubscribeToShardEvent !== undefined) return member.SubscribeToShardEvent
    throw toBrokerError(Object.values(member)[0], this.#doing)
  }
}
