import type { AddressParameters } from './address/address-template.ts'
import type { Headers } from './driver/sender.ts'

/** Answer to an explicit settlement. `accepted`: recorded, or the protocol has no answer. `too-late`: the lease was lost and nothing was touched. */
export type Settlement = 'durable' | 'accepted' | 'too-late' | 'unsupported'

/** A received message. Settling it is optional in a handler: returning acks, throwing lets the retry policy decide. */
export interface Message<Body = unknown, Parameters = AddressParameters | undefined> {
  /** Identity given by the sender; a fresh one for a foreign message that carries none. */
  readonly id: string
  readonly type: string | undefined
  /** Decoded and validated: the output of the schema. */
  readonly body: Body
  readonly headers: Headers
  /** Values of the parameters in the topic's name, as they came; `undefined` where it has none. */
  readonly parameters: Parameters
  readonly contentType: string | undefined
  /** When it was first sent, in milliseconds since the epoch; `undefined` on foreign messages without one. */
  readonly timestamp: number | undefined
  readonly orderingKey: string | undefined
  /** Handler starts for this message, this one included; from 1. */
  readonly attempt: number
  /** Deliveries as the broker counts them: an upper bound. `undefined` where it does not count. */
  readonly deliveryAttempt: number | undefined
  /** Position in a stream. */
  readonly position: string | undefined
  /** The client library's own message. */
  readonly native: unknown

  /** Done. A second settlement rejects with `TypeError`. */
  ack(): Promise<Settlement>
  /** Deliver again, at once or in `delayMs`; uses an attempt. `unsupported` if the wait cannot be given to the broker nor held here. */
  nack(options?: { readonly delayMs?: number }): Promise<Settlement>
  /** Publishes a copy to the dead-letter place, then acks. */
  deadLetter(options?: { readonly reason?: string }): Promise<Settlement>
  /** Keeps the message for at least `ms` more. Rarely needed: leases of everything unfinished are renewed by themselves. */
  extend(ms: number): Promise<Settlement>
}

/** Second argument of a handler. */
export interface HandlerContext {
  /** Fires when the lease is lost, and at the deadline of a drain. */
  readonly signal: AbortSignal
}
