import type { BackendSettings } from '../chaos/settings.ts'
import type { Handles } from './handles.ts'

/** What a process is to do; JSON. */
export interface SoakSettings {
  readonly backend: BackendSettings
  /** Messages a second. */
  readonly rate: number
  readonly seconds: number
}

/** What is counted while it goes. */
export interface Sample {
  /** Bytes that JavaScript and its buffers use, after a collection. */
  readonly heap: number
  /** Bytes resident, of which the engine gives back when it likes. */
  readonly resident: number
  readonly handles: number
  readonly timers: number
}

/** What a process has to tell in the end. */
export interface SoakResult {
  readonly samples: readonly Sample[]
  readonly sent: number
  readonly handled: number
  readonly retried: number
  readonly deadLetters: number
  readonly replies: number
  /** Sent, and neither handled nor a dead letter. */
  readonly lost: number
  /** Handled again, or never sent. */
  readonly unexpected: number
  /** Sends and requests that failed, promises that nobody waited for, warnings. Cut where they are many. */
  readonly troubles: readonly string[]
  /** Warnings that the broker has logged, by their events. */
  readonly notes: Readonly<Record<string, number>>
  readonly handlesBefore: Handles
  readonly handlesAfter: Handles
  readonly socketsBefore: number
  readonly socketsAfter: number
  /** Where timers were set that are left. */
  readonly timersAfter: readonly string[]
  /** Of the drain. */
  readonly drainMs: number
}
