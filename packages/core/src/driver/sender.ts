import type { AddressParameters } from '../address/address-template.ts'
import type { BrokerError } from '../errors.ts'

/** Bytes, or text that is its own UTF-8 encoding. A driver may hand back either form, whichever is cheaper for it. */
export type Body = Uint8Array | string

/** Header names to values. Null-prototype and not to be changed. */
export type Headers = Readonly<Record<string, string>>

/** A message on its way to a broker. A driver uses native fields where it has them and packs the rest with {@link packMetadata}. */
export interface Outgoing {
  /** Identity. Never to be used as a broker's deduplication id. */
  readonly id: string
  readonly body: Body
  /** Size of `body` in UTF-8 bytes. */
  readonly bodyBytes: number
  readonly headers: Headers
  /**
   * What fills the endpoint's name, where that is an address template; of no meaning for all other endpoints. Core has looked at what users give; of a message that is
   * redriven the values come from outside. What `AddressTemplate.filled` does not fill is to be answered with `ERR_INVALID`, and so is an address that the broker does not take.
   */
  readonly parameters?: AddressParameters | undefined
  readonly type: string | undefined
  readonly contentType: string | undefined
  /** Milliseconds since the epoch at which the message was first sent. */
  readonly timestamp: number
  readonly key: string | undefined
  /** Handler starts already used; 0 for a message that was never handled. */
  readonly attempt: number
  /** Only if opted in by the destination; a driver that needs one otherwise makes a fresh one per call of `send`. */
  readonly deduplicationId: string | undefined
  /** Milliseconds; within the endpoint's `delay.maxMs`. */
  readonly delayMs: number | undefined
  /** Milliseconds; within the endpoint's `timeToLive.maxMs`. */
  readonly timeToLiveMs: number | undefined
  /** 0 (lowest) to `priority.levels` − 1. */
  readonly priority: number | undefined
  readonly correlationId: string | undefined
  readonly replyTo: string | undefined
  /**
   * `Incoming.native` of the message that this one is a copy of: a dead letter, or one that is redriven. A driver to which it belongs keeps what the
   * fields above cannot carry, such as typed headers; where the two differ, the fields above win. From another driver it is to be ignored.
   */
  readonly copyOf?: unknown
}

/** Per message, in request order. `stored: 'unknown'`: it was handed over and no answer came. */
export type SendResult =
  | { readonly ok: true; readonly id?: string; readonly position?: string }
  | { readonly ok: false; readonly error: BrokerError; readonly stored: 'no' | 'unknown' }

/** Sends to one endpoint. Who retries: core, by `error.retryable`. Concurrency: up to `maxBatch.inFlight` calls of `send` at once. */
export interface Sender {
  /**
   * Sends at most `maxBatch` messages in the order given. Resolves with one result per message, in request order, and never rejects.
   * Every call settles while the link lives: a lost connection answers `stored: 'unknown'` for what was handed over.
   * `signal` fires when core no longer waits for any of them, since the producer closes; what was not handed over by then is answered `stored: 'no'`.
   * Messages of one call and key must be handed over in order; those of a later call after those of an earlier one. A destination that does not exist is answered with `ERR_NOT_FOUND`
   * or `ERR_UNROUTABLE`, a closed sender with `ERR_CLOSED`, both `stored: 'no'`.
   *
   * `stored`: where some messages of a call may wait for long and others not, a driver tells by it which are stored, by their index in `batch`, so that nobody waits for
   * the slowest. It may be called more than once for a message, and not after the call has settled; the results tell all of it.
   */
  send(batch: readonly Outgoing[], signal: AbortSignal, stored?: (index: number, position?: string) => void): Promise<readonly SendResult[]>
  /** Bytes of the message as the backend counts them, body, headers and metadata; compared with `maxMessageBytes` before the send. Pure. */
  sizeOf(message: Outgoing): number
  /** `false` while the broker blocks or the link is down: core keeps messages in its bounded buffer. `true` where the link has failed for good: `send` answers why. */
  readonly writable: boolean
  /** Set by core; called by the driver whenever `writable` becomes true. */
  onWritable: (() => void) | undefined
  /** Called once, after the last `send` has settled. Idempotent. */
  close(): Promise<void>
}
