import type { Capabilities, Refusal } from '@busbar/core/driver'
import type { CaseId } from './case-ids.ts'
import type { Harness, Kind } from './harness.ts'

/** `not-applicable`: running it showed that it is about something that does not exist here. `gap`: it failed, and a known gap says why. `not-examined`: this harness cannot cause what the case needs. */
export type CaseOutcome = 'passed' | 'failed' | 'gap' | 'not-applicable' | 'not-examined'

export interface CaseResult {
  readonly id: CaseId
  readonly kind: Kind
  readonly outcome: CaseOutcome
  /** Why it was not examined, is a known gap, or failed. */
  readonly reason?: string
  /** Capabilities that the case examines. */
  readonly examines: readonly (keyof Capabilities)[]
}

/** What one run of the suite has found out about one driver. Filled while the cases run. */
export interface Certificate {
  readonly name: string
  readonly label: Harness['label']
  /** Claimed from options alone, per kind; keyed where a destination has ordering keys. */
  readonly claims: Readonly<Record<Kind, { readonly unkeyed: Capabilities | Refusal; readonly keyed: Capabilities | Refusal }>>
  /** What the broker said when asked; narrower than the claims or equal. Filled while the cases run. */
  readonly inspected: Partial<Record<Kind, { unkeyed?: Capabilities; keyed?: Capabilities }>>
  readonly results: CaseResult[]
}
