import type { Clock } from './clock.ts'
import type * as Operations from './broker/operations.ts'
import type * as Requirements from './broker/requirements.ts'
import type * as TryingAgain from './broker/try-again.ts'
import type * as Leases from './consumer/leases.ts'
import type * as Telling from './consumer/telling.ts'
import type * as GivingUp from './dead-letters/give-up.ts'
import type * as DeadLetters from './dead-letters/operations.ts'
import type * as Filters from './filter/compile-filter.ts'
import type * as Chains from './middleware/process-chains.ts'
import type * as SomeSends from './producer/some-sends.ts'
import type * as Refusals from './refusals.ts'
import type * as Responders from './reply/responder.ts'

/**
 * Parts that most programs never use: loaded when they are first needed, so that bundles and cold starts stay small.
 * `import()` of a part that is loaded costs a few turns of the microtask queue.
 */
export const lazy: {
  readonly giveUp: () => Promise<typeof GivingUp>
  readonly deadLetters: () => Promise<typeof DeadLetters>
  readonly filters: () => Promise<typeof Filters>
  readonly responder: () => Promise<typeof Responders>
  readonly operations: () => Promise<typeof Operations>
  readonly tryingAgain: () => Promise<typeof TryingAgain>
  readonly leases: () => Promise<typeof Leases>
  readonly telling: () => Promise<typeof Telling>
  readonly refusals: () => Promise<typeof Refusals>
  readonly requirements: () => Promise<typeof Requirements>
  readonly chains: () => Promise<typeof Chains>
  readonly someSends: () => Promise<typeof SomeSends>
} = {
  giveUp: () => import('./dead-letters/give-up.ts'),
  deadLetters: () => import('./dead-letters/operations.ts'),
  filters: () => import('./filter/compile-filter.ts'),
  responder: () => import('./reply/responder.ts'),
  operations: () => import('./broker/operations.ts'),
  tryingAgain: () => import('./broker/try-again.ts'),
  leases: () => import('./consumer/leases.ts'),
  telling: () => import('./consumer/telling.ts'),
  refusals: () => import('./refusals.ts'),
  requirements: () => import('./broker/requirements.ts'),
  chains: () => import('./middleware/process-chains.ts'),
  someSends: () => import('./producer/some-sends.ts'),
}

/** Loads one, marked as taking real time for clocks that are not the system's. */
export function load<Part extends keyof typeof lazy>(clock: Clock, part: Part): ReturnType<(typeof lazy)[Part]> {
  return clock.external(lazy[part]() as Promise<never>) as ReturnType<(typeof lazy)[Part]>
}

/** Loads all parts: under a clock of the program's own, no load may fall between two instants. */
export async function loadEverything(): Promise<void> {
  await Promise.all(Object.values(lazy).map((load) => load()))
}
