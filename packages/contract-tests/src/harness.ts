import type { Clock, Driver } from '@busbar/core/driver'

/** Kinds of destination, in the order of the matrix. */
export const kinds = ['queue', 'topic', 'stream'] as const
export type Kind = (typeof kinds)[number]

/** How long things may take with this broker, in milliseconds of the harness clock. A wait that runs out fails the case. */
export interface Bounds {
  /** From a confirmed send, or from the moment a message is free again, to its delivery. */
  readonly arrivalMs: number
  /** How long silence is watched before it counts as "nothing comes", on top of what leases and delays add. */
  readonly quietMs: number
  /** From the return of the broker to working senders and receivers. */
  readonly reconnectMs: number
  /** Cases that must wait longer than this (a deduplication window, a lease) are recorded as not examined. */
  readonly longestWaitMs: number
  /** The most bytes that are sent in one message or in one call, where more are claimed. Default 64 MiB. */
  readonly largestBytes?: number
  /** Real time after which a case has failed, whatever it waits for. Some wait for a minute beside these bounds: 90,000 on a broker with real time. */
  readonly caseMs: number
}

/** A message put into a destination by a plain client of the broker, in the broker's own terms. */
export interface ForeignMessage {
  readonly body: Uint8Array | string
  /** Native headers, attributes or user properties, sent as they are. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Faults that the harness can cause. A case that needs an absent one is recorded as not examined, never as passed. */
export interface Faults {
  /**
   * Cuts all open connections; the broker can be reached again at once. Resolves when they are cut. Where scopes live on something else than connections, such as
   * leases in a store, it ends that too, as a long cut would: scopes have to be lost.
   */
  cutConnections?(): Promise<void>
  /** Makes the broker unreachable and cuts all open connections until `end`. */
  outage?(): Promise<{ end(): Promise<void> }>
  /** Puts a message into the destination with this physical name as a plain client would. */
  sendForeign?(name: string, kind: Kind, message: ForeignMessage): Promise<void>
  /** The broker refuses some messages of the next `send` call to this physical name, and stores the others. */
  failPartOfNextSend?(name: string): Promise<void>
  /** The next `send` call to this physical name reaches the broker so late that others which are out with it overtake it. */
  delayNextSend?(name: string): Promise<void>
  /** The broker stores what the next `send` call carries, and its answer is lost. */
  loseNextAnswer?(name: string): Promise<void>
  /** Splits a partition of the stream with this physical name, and joins two that are neighbours. Resolves when what is sent goes to the new ones. */
  reshard?(name: string): Promise<void>
}

/** What stands between the suite and one broker. Ten members, four of them optional. */
export interface Harness {
  /** Printed in the capability matrix. `version` is the broker's. */
  readonly label: { readonly driver: string; readonly version: string; readonly kind: 'simulator' | 'emulator' | 'real' }
  /** Must advance by itself: `systemClock` of `@busbar/core`, or a virtual clock that jumps when nothing else can run. */
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly bounds: Bounds
  /** A driver as a user would make it, for the same broker every time. Every call may be connected on its own. What the cases need at the broker they create by the link's `topology`, if it has one. */
  createDriver(): Driver
  /** A legal physical name that no other case uses, for this or any other run. */
  uniqueName(prefix: string, keyed: boolean): string
  /** The adapter's options for a destination of the suite: short leases, partition counts. Default: none. */
  routeOptions?(kind: Kind, keyed: boolean): Readonly<Record<string, unknown>>
  /** Holds dead letters where the driver has no queues of its own. Without it the cases on dead letters are not examined there. */
  createDeadLetterDriver?(): Driver
  readonly faults?: Faults
  /** A harness of its own for one case, so that cases can run at once and the faults of one do not reach another. Default: all share this one. */
  forCase?(): Promise<Harness & AsyncDisposable>
}
