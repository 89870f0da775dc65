import type { Clock, FencedStore } from '@busbar/core/driver'

/** Times of this store, in milliseconds of the harness clock. */
export interface StoreBounds {
  /** The short lease and time to live of cases that wait for an end. Several calls must fit into a third of it. */
  readonly leaseMs: number
  /** How much later or earlier than asked a lease may be seen to end: rounding, and the way to the store. */
  readonly slackMs: number
  /** Real time after which a case has failed, whatever it waits for. */
  readonly caseMs: number
}

/** Faults that the harness can cause. A case that needs an absent one is recorded as not examined, never as passed. */
export interface StoreFaults {
  /** Sets the wall clock of this process by so much forward or back. */
  jumpClock?(byMs: number): void
  /** The store carries out what the next call of this client asks, and the answer is lost. */
  loseNextAnswer?(store: FencedStore): Promise<void>
}

/** What stands between the suite and one store. */
export interface StoreHarness {
  readonly label: { readonly store: string; readonly version: string; readonly kind: 'simulator' | 'emulator' | 'real' }
  /** Must advance by itself: a virtual clock jumps when nothing else can run. */
  readonly clock: Clock
  readonly bounds: StoreBounds
  /** Another client of the same store, as another process would have it. Nobody but the suite uses that store. Disposed of when the case ends, if it can be. */
  createStore(): FencedStore | Promise<FencedStore>
  /** A key that no other case has, for this or any other run. */
  uniqueKey(prefix: string): string
  readonly faults?: StoreFaults
  /** Is the store a `LeaseStore`? Without, the cases on notes are recorded as not examined. Default false. */
  readonly keepsNotes?: boolean
}
