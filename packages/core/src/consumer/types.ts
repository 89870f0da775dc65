import type { ProcessFunction, ProcessMiddleware } from '../middleware/types.ts'
import type { RetryBudget } from './retry-budget.ts'

export interface ConsumeOptions {
  /** Handlers running at once. 1 to 10,000. Default 16. */
  readonly concurrency?: number
  /** Messages held, running or not. At least `concurrency`. Default twice `concurrency`, at least 16 with ordering keys, and at least what the driver asks for: its page says so. */
  readonly maxInFlight?: number
  /** Body bytes held. Default 67,108,864 (64 MiB). */
  readonly maxInFlightBytes?: number
  /** Outermost first. Without a retry middleware: 3 attempts, exponential 1 s to 30 s with full jitter, then dead letter. */
  readonly use?: readonly (ProcessMiddleware | ProcessFunction)[]
  /** When attempts are used up. `dead-letter` (default): the key goes on. `block`: the message is retried until it succeeds, and its key waits. */
  readonly onExhausted?: 'dead-letter' | 'block'
  /** Aborting drains the consumer. */
  readonly signal?: AbortSignal
}

export interface ConsumeBatchesOptions extends ConsumeOptions {
  /** Batches handled at once. `batchSize` × `concurrency` is at most 10,000. Default 1. */
  readonly concurrency?: number
  /** Most messages per call of the handler, at most one of each ordering key. 1 to 10,000. Default 100. */
  readonly batchSize?: number
  /** Milliseconds to wait for a batch to fill. Default 200. */
  readonly lingerMs?: number
}

export type MessagesOptions = Pick<ConsumeOptions, 'maxInFlight' | 'maxInFlightBytes' | 'signal'>

/** Numbers of one consumer, now. */
export interface ConsumerStats {
  /** Received and not settled. */
  readonly held: number
  readonly running: number
  /** Waiting for a retry in process. */
  readonly waiting: number
  /** Ordering keys with a message held. */
  readonly keys: number
  /** Messages whose attempts are used up and that are tried until they succeed, with `onExhausted: 'block'`. */
  readonly blocked: number
}

/** A running consumer. `await using` drains it. */
export interface Consumer extends AsyncDisposable {
  /** Receives nothing new; what is held is finished. */
  pause(): Promise<void>
  resume(): Promise<void>
  readonly stats: ConsumerStats
  /** The worst case of one message, over all layers; logged as `retry:budget` when the consumer starts. */
  readonly retryBudget: RetryBudget
  /** Resolves when the consumer has ended by `drain`, `close` or abort; rejects when it failed for good. */
  readonly closed: Promise<void>
  /** As `broker.drain`, for this consumer. */
  drain(options?: { readonly timeoutMs?: number }): Promise<void>
  close(): Promise<void>
}
