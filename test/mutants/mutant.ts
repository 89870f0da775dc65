import type { CaseId, Kind } from '@busbar/contract-tests'
import type { ProfileName } from '@busbar/memory'
import type { Alterations } from './alter.ts'

/** A driver with one fault, built on the memory driver. */
export interface Mutant {
  readonly name: string
  /** The fault, as a sentence about the driver. */
  readonly fault: string
  /** The case that must fail on it. */
  readonly killedBy: CaseId
  /** Cases that fail on it too, and name it. */
  readonly alsoKilledBy?: readonly CaseId[]
  /** The memory profile that is broken. Default `full`. */
  readonly profile?: ProfileName
  /** Profiles that are broken in the same way, and on which it must be noticed too. */
  readonly alsoOn?: readonly ProfileName[]
  /** The kind on which the case is run. Default: the first that it applies to. */
  readonly kind?: Kind
  /** Made anew for every run: the fault may have a memory. */
  readonly alterations: () => Alterations
}
