import type { StoreCaseId } from './case-ids.ts'
import type { StoreContext } from './context.ts'
import type { StoreFaults } from './harness.ts'

/** One behaviour that every store must show. */
export interface StoreCase {
  readonly id: StoreCaseId
  /** The behaviour, as a sentence about the store. */
  readonly title: string
  /** Deliberately broken stores that this case must fail on; see `docs/reference/mutants.md`. */
  readonly kills: readonly string[]
  /** Faults that the harness must be able to cause. */
  readonly faults?: readonly (keyof StoreFaults)[]
  /** Is it about what only a `LeaseStore` can do? */
  readonly needsNotes?: boolean
  run(context: StoreContext): Promise<void>
}
