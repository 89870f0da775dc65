import type { Row } from '../engine/rows.ts'
import type { Progress } from '../engine/rounds.ts'

export interface SuiteOptions {
  readonly rounds: number
  /** Fewer messages: a look, not a proof. */
  readonly quick: boolean
  /** Parts of the names of the scenarios that adapters share and that are wanted; empty: all. */
  readonly only: readonly string[]
  /** Of those, Busbar and the raw client alone: narrower intervals in the same time. */
  readonly withoutPeers: boolean
  /** Folder for CPU profiles of all that is measured. */
  readonly profileFolder: string | undefined
  readonly onProgress: Progress
}

export interface SuiteResult {
  readonly rows: readonly Row[]
  /** What the machine report should name, such as the version of a broker. */
  readonly versions: Readonly<Record<string, string>>
  /** `false`: what it needs is not to be had here, which it has said. */
  readonly ran: boolean
}

export type Suite = (options: SuiteOptions) => Promise<SuiteResult>
