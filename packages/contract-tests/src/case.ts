import type { Capabilities } from '@busbar/core/driver'
import type { CaseContext } from './kit/context.ts'
import type { CaseId } from './case-ids.ts'
import type { Faults, Kind } from './harness.ts'

/** One behaviour that every driver must show whose capabilities promise it. */
export interface ContractCase {
  readonly id: CaseId
  /** The behaviour, as a sentence about the driver. */
  readonly title: string
  /** Capabilities whose claim this case puts to the test, in either direction. */
  readonly examines: readonly (keyof Capabilities)[]
  /** Deliberately broken drivers that this case must fail on; see `docs/reference/mutants.md`. */
  readonly kills: readonly string[]
  /** Default: all three. */
  readonly kinds?: readonly Kind[]
  /** Use a destination whose messages have ordering keys. Default false. */
  readonly keyed?: boolean
  /** Does the case apply to an endpoint with these capabilities? Default: always. Otherwise it is left out, and its negative twin applies. */
  readonly applies?: (capabilities: Capabilities) => boolean
  /** Faults that the harness must be able to cause. */
  readonly faults?: readonly (keyof Faults)[]
  /** The case looks at dead letters: it needs somewhere to put them. */
  readonly looksAtDeadLetters?: true
  /** The longest wait that the broker's own times force on the case, in milliseconds. */
  readonly waitsMs?: (capabilities: Capabilities) => number
  run(context: CaseContext): Promise<void>
}
