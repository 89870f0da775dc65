import type { AddressParameters } from '../address/address-template.ts'
import type { BrokerError } from '../errors.ts'
import type { StartFrom } from './endpoint.ts'
import type { Body, Headers } from './sender.ts'

/** How much core is ready to hold: unsettled messages and their body bytes. One message may go beyond `bytes`: its size is not known before it comes, and it may be larger than all of it. */
export interface Window {
  readonly messages: number
  readonly bytes: number
}

/** The unit in which deliveries are lost together: a receipt, a channel, a shard lease, a session. Compared by identity. */
export interface Scope {
  /** For texts and traces. */
  readonly id: string
  /** Partition or shard that the scope reads, if there is one. */
  readonly partition?: string
}

/** A message as it came. Metadata that came from outside is data, not trust. */
export interface Incoming {
  readonly id: string | undefined
  readonly body: Body
  /** Size of `body` in bytes. */
  readonly bodyBytes: number
  /** User headers: broker-owned ones and the `busbar` metadata header are stripped; `busbar-dead` and `traceparent` are left. */
  readonly headers: Headers
  /** Present where the endpoint's name is an address template: what stood in the place of its parameters, as it came. */
  readonly parameters?: AddressParameters | undefined
  readonly type: string | undefined
  readonly contentType: string | undefined
  readonly timestamp: number | undefined
  readonly key: string | undefined
  /** Handler starts used before this delivery, as carried on the wire; 0 if unknown. */
  readonly attempt: number
  readonly correlationId: string | undefined
  readonly replyTo: string | undefined
  /** Position in a stream. */
  readonly position: string | undefined
  /** The client library's own message, for users who need it. */
  readonly native: unknown
  /** Where the broker itself has dead-lettered the message from, as `Driver.address` names it; absent where it does not tell, and on all other messages. */
  readonly deadLetteredFrom?: string | undefined
}

/** One delivery of a message. It owns its receipt: settling it can never touch another message. */
export interface Delivery {
  readonly scope: Scope
  readonly incoming: Incoming
  /** Equal for redeliveries of one message; absent where the broker cannot tell. */
  readonly sameAs: string | undefined
  /** Deliveries as the broker counts them, this one included; `undefined` if it does not count. */
  readonly brokerAttempts: number | undefined
  /** Monotonic milliseconds at which a per-message lease ends; kept up to date by `extend`. `undefined` for scope leases. */
  leaseUntil: number | undefined
}

/** What core wants done with a delivery. */
export type Outcome =
  | { readonly delivery: Delivery; readonly action: 'ack' }
  /** The handler ran and failed: deliver again in `delayMs`. `attempt`: handler starts so far, to be carried where the driver republishes. */
  | { readonly delivery: Delivery; readonly action: 'retry'; readonly delayMs: number; readonly attempt: number }
  /** Never started: give back in order. Uses no attempt. */
  | { readonly delivery: Delivery; readonly action: 'release' }
  /** Native reject into the broker's dead-letter place; only if `deadLetter` is `native`. */
  | { readonly delivery: Delivery; readonly action: 'discard' }

/** `durable`: the broker has answered. `accepted`: recorded, or the protocol has no answer. `too-late`: the receipt was dead; nothing was touched. */
export type SettleResult = 'durable' | 'accepted' | 'too-late' | { readonly error: BrokerError }

/** Core's side of a receiver. All methods are synchronous and never throw. */
export interface Intake {
  /** Never more than the window allows unsettled at the broker. Deliveries of one scope and key come in broker order. */
  deliver(deliveries: readonly Delivery[]): void
  /** The scope is gone without asking. Core aborts its running handlers' signals and forgets what was not started. */
  lost(scope: Scope, reason: BrokerError): void
  /** Asks for a hand-over: core starts nothing more of the scope, lets running handlers end, settles them, then resolves; at the latest after `deadlineMs`. */
  revoke(scope: Scope, deadlineMs: number): Promise<void>
  /** The receiver cannot go on (`fatal`) or has met an error that it retries itself. */
  failed(error: BrokerError, fatal: boolean): void
  /** After `failed`, not fatal: all of the receiver receives again. Until then the broker's health is not ok. */
  recovered(): void
}

/** Receives from one endpoint. Who retries: the driver reconnects and re-subscribes by itself; core retries settles by `error.retryable`. */
export interface Receiver {
  /** Begins delivering. Resolves when subscribed; rejects with `ERR_NOT_FOUND` for a source that does not exist. Called once. If it rejects (with a `BrokerError`) it holds nothing and is not used again; core makes another while the error is retryable. */
  start(): Promise<void>
  /**
   * Settles deliveries of this receiver. One result per entry in order; never rejects; every call settles.
   * Batched by core up to `settlement.maxBatch`, in the order in which outcomes were decided. May be called concurrently.
   */
  settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]>
  /**
   * Makes the leases end `ms` from now and updates `leaseUntil`; where that fails or is too late, it leaves `leaseUntil` as it was. `ms` may be longer than `lease.ms`; beyond `maxMs` after
   * receipt it is refused or shortened, and ends no lease. Answers as `settle` does. Present if and only if `lease.kind` is `message`.
   */
  extend?(deliveries: readonly Delivery[], ms: number): Promise<readonly SettleResult[]>
  /** Changes the window; a smaller one takes effect as deliveries are settled. */
  resize(window: Window): void
  /** First half of a drain (and of `consumer.pause()`): once it has resolved nothing is delivered, whatever requests were out, and all scopes stay ours. Idempotent. */
  pause(): Promise<void>
  /** Undoes `pause`. Not called after `handBack`. */
  resume(): Promise<void>
  /** Second half: frees all scopes and whatever is unsettled, in the one way that keeps order, then stops for good. Called once, after `pause`. */
  handBack(): Promise<void>
  /** Moves the subscription. Present if and only if `replay` is not `false`. */
  seek?(position: StartFrom): Promise<void>
}
