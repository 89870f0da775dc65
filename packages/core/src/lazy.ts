import type { Clock } from './clock.ts'
import type * as Operations from './broker/operations.ts'
import type * as Requirements from './broker/requirements.ts'
import type * as Consumers from './broker/start-consumer.ts'
import type * as Configured from './connect/configured.ts'
import type * as Leases from './consumer/leases.ts'
import type * as Telling from './consumer/telling.ts'
import type * as GivingUp from './dead-letters/give-up.ts'
import type * as DeadLetters from './dead-letters/operations.ts'
import type * as Filters from './filter/compile-filter.ts'
import type * as Chains from './middleware/chains.ts'
import type * as Refusals from './refusals.ts'
import type * as Responders from './reply/responder.ts'

/**
 * Parts that are loaded when they are first needed, so that bundles and cold starts stay small: what only consumers use, and what most programs never do.
 */
export const lazy: {
  readonly giveUp: () => Promise<typeof GivingUp>
  readonly deadLetters: () => Promise<typeof DeadLetters>
  readonly filters: () => Promise<typeof Filters>
  readonly responder: () => Promise<typeof Responders>
  readonly operations: () => Promise<typeof Operations>
  readonly leases: () => Promise<typeof Leases>
  readonly telling: () => Promise<typeof Telling>
  readonly refusals: () => Promise<typeof Refusals>
  readonly requirements: () => Promise<typeof Requirements>
  readonly chains: () => Promise<typeof Chains>
  readonly consumers: () => Promise<typeof Consumers>
  readonly configured: () => Promise<typeof Configured>
} = {
  giveUp: () => import('./dead-letters/give-up.ts'),
  deadLetters: () => import('./dead-letters/operations.ts'),
  filters: () => import('./filter/compile-filter.ts'),
  responder: () => import('./reply/responder.ts'),
  operations: () => import('./broker/operations.ts'),
  leases: () => import('./consumer/leases.ts'),
  telling: () => import('./consumer/telling.ts'),
  refusals: () => import('./refusals.ts'),
  requirements: () => import('./broker/requirements.ts'),
  chains: () => import('./middleware/chains.ts'),
  consumers: () => import('./broker/start-consumer.ts'),
  configured: () => import('./connect/configured.ts'),
}

type Part = keyof typeof lazy

/** What has been loaded: to ask `import()` for it again takes the time of some hundred function calls. What could not be loaded is tried again. */
const loaded: Partial<Record<Part, unknown>> = {}

const loadOnce = async (part: Part): Promise<unknown> => (loaded[part] ??= await lazy[part]())

/** Loads one, marked as taking real time for clocks that are not the system's. */
export function load<Named extends Part>(clock: Clock, part: Named): ReturnType<(typeof lazy)[Named]> {
  return clock.external(loadOnce(part)) as ReturnType<(typeof lazy)[Named]>
}

/** Loads all parts: under a clock of the program's own, no load may fall between two instants. */
export async function loadEverything(): Promise<void> {
  await Promise.all((Object.keys(lazy) as Part[]).map(loadOnce))
}
