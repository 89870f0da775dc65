import type { Clock } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { MaybePromise } from '../driver/fenced-store.ts'
import type { Incoming, Outgoing } from '../driver/index.ts'
import type { Message, Settlement } from '../message.ts'
import type { Directive } from '../outcome.ts'
import type { ProcessStage, SendStage } from './stages.ts'

/** What a process middleware knows about the message at hand. */
export interface ProcessContext<Body = unknown> {
  readonly message: Message<Body>
  /**
   * As it came, before decoding. `incoming.id` is `undefined` on foreign messages. Middleware of the stages before decoding replace it to change what is
   * decoded; dead letters and retries carry the message as it came all the same.
   */
  incoming: Incoming
  /** Handler starts, this one included; from 1. */
  readonly attempt: number
  /** Milliseconds that the retry before this start has asked for; `undefined` at the first start, and where this process does not know. Waits that use no attempt are none. */
  readonly previousWaitMs: number | undefined
  /** Fires when the lease is lost, and at the deadline of a drain. Made on first use. */
  readonly signal: AbortSignal
  /** Has `signal` fired? Cheaper than asking the signal, which is made on first use. */
  readonly aborted: boolean
  /** What the handler has decided by a settle call of the message; `undefined` if its return value decides. */
  readonly settled: 'ack' | 'retry' | 'dead-letter' | undefined
  /** Name of the queue, or `topic.subscription`. */
  readonly source: string
  readonly capabilities: Capabilities
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Fires the signal of this attempt alone. Unlike one whose lease was lost or whose drain is over, it counts and fails as it ends. */
  cancel(reason: Error): void
  /**
   * Stops the consumer's intake and starts of handlers, until the function returned is called. Several may hold it at once.
   * `onEnded` is called if the consumer ends before that: nobody waits for it any more.
   */
  suspend(onEnded?: () => void): () => void
}

/** How a message was settled for good. */
export interface ProcessSettlement {
  readonly action: 'ack' | 'retry' | 'release' | 'dead-letter'
  readonly result: Settlement | 'error'
}

/**
 * Goes on with the chain. Its value is what the handler returned, or a {@link Directive}; it throws what the handler threw.
 * Calling it twice throws a `TypeError`.
 */
export type Next = () => MaybePromise<unknown>

/** Synchronous middleware stay synchronous: await only what is a promise, or every message pays for a turn. */
export type ProcessFunction = (context: ProcessContext, next: Next) => MaybePromise<unknown>

/** What a declared middleware adds to the worst case of a message. */
export interface RetryDeclaration {
  /** Handler starts per message, at most. */
  readonly maxAttempts: number
  /** Longest single wait between two of them, in milliseconds. */
  readonly maxWaitMs: number
  /** Longest wait after each attempt but the last, in milliseconds. */
  readonly waitsMs: readonly number[]
  /** Longest wait spent in the process instead of at the broker. `undefined`: core's default. */
  readonly holdMs: number | undefined
  /** No attempt but the first begins later than this after the message's timestamp, in milliseconds. Default: no limit. */
  readonly maxElapsedMs?: number
  /** The policy's answer to what failed outside of the middleware, before the handler could start. Default: that of core's own policy. */
  readonly decide?: (context: ProcessContext, error: unknown) => Directive
}

/** What a consumer is, besides the capabilities of its endpoint. */
export interface ConsumerPlace {
  /** Messages have ordering keys, and their order is kept. */
  readonly keyed: boolean
  /** Messages that may be held at once. */
  readonly maxInFlight: number
}

export interface ProcessMiddleware {
  /** For texts. */
  readonly name: string
  readonly stage: ProcessStage
  readonly process: ProcessFunction
  /** Sentences saying what is missing and the remedy; empty if all is well. Called at `consume`, before the first message. */
  check?(capabilities: Capabilities, place: ConsumerPlace): readonly string[]
  /** Present on the retry middleware. */
  readonly retry?: RetryDeclaration
  /** Present where an attempt is bounded: the longest time that one may take, in milliseconds. */
  readonly attemptMs?: number
  /** Called at every keeper tick with the contexts of all handlers that run; `tickMs` is the time to the next tick. */
  renew?(contexts: readonly ProcessContext[], tickMs: number): MaybePromise<void>
  /**
   * Makes a dead letter smaller that its place refuses as too large, so that a consumer with the same chain can still read it. Called with the copy as it would be
   * sent; rejects where it cannot.
   */
  shrink?(outgoing: Outgoing, context: ProcessContext): Promise<Outgoing>
  /** Called when a message that was handled here, by its last start, has been settled; not if its lease was lost before. What it throws is logged. */
  settled?(context: ProcessContext, settlement: ProcessSettlement): void
}

/** What a send middleware knows about the message at hand. */
export interface SendContext<Body = unknown> {
  /** As given to `send`. */
  readonly body: Body
  /** Replace it to change what is sent; it is validated and encoded already. */
  outgoing: Outgoing
  readonly destination: string
  readonly capabilities: Capabilities
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Fires when the send has ended before `next()` was called: its deadline has passed, its caller has aborted it, or the broker has closed. Made on first use. */
  readonly signal: AbortSignal | undefined
}

/** Resolves with the send receipt; throws when the send fails. */
export type SendFunction = (context: SendContext, next: () => Promise<SendReceipt>) => Promise<SendReceipt>

export interface SendMiddleware {
  readonly name: string
  readonly stage: SendStage
  readonly send: SendFunction
  check?(capabilities: Capabilities): readonly string[]
}

/** A message that the broker has. */
export interface SendReceipt {
  /** The message's identity. */
  readonly id: string
  /** Position in a stream, where the backend tells it. */
  readonly position?: string
}
