import type { AddressParameters } from '../address/address-template.ts'
import type { AnyDestination, AnySource, InputOf, OutputOf, ParametersOf, Queue } from '../definitions/types.ts'
import type { Headers } from '../driver/sender.ts'

/** Why and when a message was given up, from its packed header. */
export interface DeadLetterInfo {
  readonly reason: string
  readonly errorName: string | undefined
  readonly errorMessage: string | undefined
  /** Handler starts. */
  readonly attempts: number
  /** Queue, or `topic.subscription`. */
  readonly source: string
  /** What the parameters of its address were, where it came from an address template. */
  readonly parameters?: AddressParameters | undefined
  /** Milliseconds since the epoch. */
  readonly firstFailureAt: number
  readonly lastFailureAt: number
}

export interface DeadLetter {
  readonly id: string | undefined
  /** Bytes or text exactly as they came; not decoded, since a body that cannot be may be why it is here. */
  readonly body: Uint8Array | string
  readonly headers: Headers
  /** What the parameters of its address were, where it came from an address template. */
  readonly parameters: AddressParameters | undefined
  readonly type: string | undefined
  readonly contentType: string | undefined
  readonly orderingKey: string | undefined
  readonly timestamp: number | undefined
  /** `undefined` for messages that were put there by something else. */
  readonly info: DeadLetterInfo | undefined
}

export interface DeadLetterFilter {
  /** Only dead letters for which it returns true. Default: all. At most 10,100 of 512 MiB together are left alone in one operation; with more it rejects with `ERR_UNSUPPORTED`. */
  readonly where?: (deadLetter: DeadLetter) => boolean
  /** Most messages to act on. Default: all that are there. */
  readonly max?: number
  readonly signal?: AbortSignal
}

export interface PagesOptions extends DeadLetterFilter {
  /** Dead letters per page. 1 to 1,000. Default 100. */
  readonly pageSize?: number
}

export interface RedriveOptions extends DeadLetterFilter {
  /**
   * The broker itself moves them (`redrive` capability `native`; SQS: a move task), so that none passes through this process. All of them, so without `where` and `max`, and
   * only with an explicit {@link RedriveOptions.to}: a queue of the same driver. Counts are the broker's. `signal` stops it: what was moved by then stays moved.
   * Rejects with `ERR_UNSUPPORTED` where the broker cannot, or where several sources share the place. Default: copies are sent.
   */
  readonly native?: true
  /** Where they go. Default: their source. A topic gets them for all its subscriptions. Bodies are not encoded anew: it must read what the source reads. */
  readonly to?: AnyDestination
  /** Default: no limit. */
  readonly ratePerSecond?: number
  /** Called after every batch. */
  readonly onProgress?: (progress: { readonly moved: number; readonly skipped: number }) => void
}

export interface DeadLetters<S extends AnySource = AnySource> {
  /** The dead-letter queue as an ordinary source and destination. */
  readonly queue: Queue<InputOf<S>, OutputOf<S>, never, never, ParametersOf<S>>
  /** Looks without taking. `exact` or `disturbing` (raises delivery counts) is the driver's `peek` capability. Default `max` 10. */
  peek(options?: DeadLetterFilter): Promise<readonly DeadLetter[]>
  /**
   * As `peek`, page by page, for more than fit into memory. Where looking disturbs, what was looked at is held until the iteration ends; where the broker keeps keys
   * back besides (SQS FIFO), no more of a key is shown than it gives out at once: ten.
   */
  pages(options?: PagesOptions): AsyncIterable<readonly DeadLetter[]>
  /**
   * Sends dead letters back to their source, at least once; the attempt count starts again, the identity stays.
   * Of a place that several sources share, those that name another source are skipped, and so are those that it has sent back and that fail again while it runs: more than 100 of these end it.
   * Where the broker keeps keys back (SQS FIFO), one that is skipped keeps back what is behind it with the same key.
   */
  redrive(options?: RedriveOptions): Promise<{ readonly moved: number; readonly skipped: number }>
  /** Deletes them. */
  discard(options?: DeadLetterFilter): Promise<{ readonly discarded: number; readonly skipped: number }>
}
