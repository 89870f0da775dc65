import type { SendFunction, SendMiddleware, SendReceipt } from '../middleware/types.ts'
import type { BrokerError } from '../errors.ts'

export interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Deliver no earlier than this many milliseconds from now. Needs the `delay` capability; refused with an ordering key. */
  readonly delayMs?: number
  /** Drop the message if it was not delivered within this many milliseconds. Needs the `timeToLive` capability. */
  readonly timeToLiveMs?: number
  /** 0 (lowest, the default) to the capability's `priority.levels` − 1. */
  readonly priority?: number
  /** Overrides the definition's `messageId`. */
  readonly id?: string
  /** Milliseconds until the send rejects: `ERR_TIMEOUT` if it was never handed over, `ERR_UNCONFIRMED` if it was. Default: the producer's. */
  readonly timeoutMs?: number
  /** Aborting before hand-over rejects with `AbortError`; afterwards the promise settles with the real outcome. */
  readonly signal?: AbortSignal
}

export interface ProducerOptions {
  /** Outermost first. */
  readonly use?: readonly (SendMiddleware | SendFunction)[]
  /**
   * `strict` (default): a key has one request out, with one message of it. `pipelined`: requests are filled, a key has several out where the driver's `callOrder` is
   * `kept`, and one that fails can swap its messages.
   */
  readonly sendOrder?: 'strict' | 'pipelined'
  /** Milliseconds; default 30,000. */
  readonly timeoutMs?: number
  /** Milliseconds to wait for more messages before a request that is not full goes out. Default 0: what was sent in the same turn. */
  readonly lingerMs?: number
  /** Messages accepted and not yet confirmed. When full, `send` rejects at once with `ERR_THROTTLED` and `sendBatch` waits for room. Default 10,000. */
  readonly maxBuffered?: number
  /** Their bytes. Default 67,108,864 (64 MiB). */
  readonly maxBufferedBytes?: number
}

/** Per message of a batch, in order. `stored: 'unknown'`: handed over, no answer. */
export type BatchResult =
  | { readonly ok: true; readonly id: string; readonly position?: string }
  | { readonly ok: false; readonly error: BrokerError; readonly stored: 'no' | 'unknown' }

/** An argument that may be left out where nothing in it is required. */
type Given<Options> = Partial<Options> extends Options ? [options?: Options] : [options: Options]

/** `Options`: {@link SendOptions}, and with an address template the parameters in its name. */
export interface Producer<In = unknown, Options = SendOptions> {
  /** Resolves when the broker has it. The place in the order is taken when `send` is called. */
  send(body: In, ...options: Given<Options>): Promise<SendReceipt>
  /** One result per body, in order. Never rejects for a part of the batch. */
  sendBatch(bodies: readonly In[], ...options: Given<Omit<Options, 'id'>>): Promise<readonly BatchResult[]>
  /** Messages accepted by `send` and not yet confirmed. */
  readonly pending: number
}
