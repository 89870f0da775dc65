import type { BrokerError } from '@busbar/core/driver'

/** A receiver as its link and the faults see it. */
export interface LinkMember {
  /** Physical name of what it receives from. */
  readonly place: string
  /** The connection is gone. */
  connectionLost(reason: BrokerError): void
  connectionRestored(): void
  /** The link is closed for good, without handing anything back. */
  linkClosed(reason: BrokerError): void
  /** Everything it holds is lost and comes again, elsewhere or here. */
  lose(reason: BrokerError): void
  /** Another receiver has taken its place: it ends. */
  displaced(reason: BrokerError): void
  /** Drops the connection of the whole link for `downMs`. */
  drop(downMs: number): void
  /** The process with this link is taken for dead. */
  crash(): void
  /** One of its scopes is taken away; nothing if it holds none. */
  steal(): void
}
