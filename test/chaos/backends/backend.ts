import type { RedisBed, Skipped } from '../../brokers/index.ts'
import type { FaultKind } from '../script.ts'
import type { BackendSettings } from '../settings.ts'

/** A way to break a backend. */
export interface BackendFault extends FaultKind {
  /** Breaks it, and mends it after `lastsMs` milliseconds. Resolves when it is mended. */
  strike(lastsMs: number): Promise<void>
}

/** What is under test: a broker of the run's own, and ways to break it. */
export interface Backend extends AsyncDisposable {
  /** For the reader: what it is, and whether it is an emulator. */
  readonly title: string
  readonly settings: BackendSettings
  readonly faults: readonly BackendFault[]
  /** Order per key is promised. */
  readonly ordered: boolean
  /** All consumers get messages: one that gets none for long, while others do, is stuck. */
  readonly shared: boolean
  /** It is too slow for more. Default: no limit. */
  readonly mostMessages?: number
  /** The Redis of claims, if it is to be reached in another way than by the URL of the one that was lent. */
  readonly redisUrl?: string
  /** Called when the destinations have been made. */
  ready?(): Promise<void>
}

/** What a run lends to a backend. */
export interface Lent {
  /** For claims and leases; keeps what it has answered. `undefined`: it is not to be had, and there is no idempotency. */
  readonly redis: RedisBed | undefined
  readonly say: (text: string) => void
}

export type BackendFactory = (lent: Lent) => Promise<Backend | Skipped>
