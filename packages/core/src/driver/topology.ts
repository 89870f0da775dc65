import type { Endpoint } from './endpoint.ts'

/** One difference between what the endpoints need and what the broker has. */
export interface Change {
  /** Physical resource: `queue orders.dead`. */
  readonly resource: string
  /** `conflict`: it exists with other properties and cannot be changed in place. `missing`: it is needed and this driver does not create it. */
  readonly kind: 'create' | 'update' | 'conflict' | 'missing'
  /** One sentence for the reader of a plan. */
  readonly text: string
  /** The permission that applying it takes, in the broker's words. */
  readonly permission?: string
}

/** Creates and checks what endpoints need at the broker. Present only if the driver can. */
export interface Topology {
  /** Compares without changing anything. Also returns the changes of everything that the driver needs besides endpoints. Throws `BrokerError`. */
  plan(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<readonly Change[]>
  /**
   * Carries out the `create` and `update` changes of a plan; called in mode `create` also where there are none, since a driver that loses its connection may make again,
   * for as long as the link lives, what it was asked to make. Idempotent. Throws `BrokerError`.
   */
  apply(endpoints: readonly Endpoint[], changes: readonly Change[], signal: AbortSignal): Promise<void>
}
