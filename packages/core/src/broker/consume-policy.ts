import { defaultRetry } from '../consumer/default-retry.ts'
import { retryBudget, type RetryBudget } from '../consumer/retry-budget.ts'
import type { ConsumeOptions } from '../consumer/types.ts'
import { longestWaitMs } from '../consumer/wait-plan.ts'
import type { Capabilities } from '../driver/index.ts'
import { load } from '../lazy.ts'
import type { ConsumerPlace, ProcessMiddleware, RetryDeclaration } from '../middleware/types.ts'
import type { Planned } from './plan.ts'
import type { Runtime } from './runtime.ts'

/** What the middleware of a consumer declare. */
export interface ConsumePolicy {
  readonly retry: RetryDeclaration
  readonly budget: RetryBudget
  /** Middleware whose claims are renewed while a handler runs. */
  readonly renewing: readonly ProcessMiddleware[]
  /** Middleware that are told when a message has been settled. */
  readonly settling: readonly ProcessMiddleware[]
}

/** A part of a policy that cannot hold; told in a sentence by `policyError`. */
export type PolicyRefusal = readonly [
  kind: 'middleware' | 'wait' | 'hold' | 'held' | 'attempts' | 'block',
  wanted: number | string,
  /** The largest that fits. */
  has: number,
]

/** Refuses a policy that cannot hold on this backend (`ERR_UNSUPPORTED`), with the largest value that fits. */
export async function consumePolicy(
  { use = [], onExhausted = 'dead-letter' }: ConsumeOptions,
  maxInFlight: number,
  planned: Planned,
  capabilities: Capabilities,
  { clock, log }: Runtime,
): Promise<ConsumePolicy> {
  const declared = use.filter((middleware): middleware is ProcessMiddleware => typeof middleware === 'object')
  const retry = declared.find((middleware) => middleware.retry)?.retry ?? defaultRetry
  const { maxAttempts, keyed } = planned.endpoint
  const budget = retryBudget({
    capabilities,
    retry,
    keyed,
    attemptMs: declared.find((middleware) => middleware.attemptMs !== undefined)?.attemptMs,
    blocks: planned.deadLetter === 'block' || onExhausted === 'block',
    nativeAttempts: planned.endpoint.deadLetterName === undefined ? 0 : maxAttempts,
  })
  const refusals = [...refusedByMiddleware(declared, capabilities, { keyed, maxInFlight }), ...refusedRetry(retry, budget, planned, capabilities)]
  if (refusals.length > 0) throw (await load(clock, 'refusals')).policyError(refusals, planned)
  log('info', 'retry:budget', { source: planned.label, ...budget })
  return {
    retry,
    budget,
    renewing: declared.filter((middleware) => middleware.renew !== undefined),
    settling: declared.filter((middleware) => middleware.settled !== undefined),
  }
}

function refusedByMiddleware(declared: readonly ProcessMiddleware[], capabilities: Capabilities, place: ConsumerPlace): PolicyRefusal[] {
  return declared.flatMap((middleware) =>
    (middleware.check?.(capabilities, place) ?? []).map((text) => ['middleware', `${middleware.name}: ${text}`, 0] as const),
  )
}

function refusedRetry(
  { holdMs = 0, maxAttempts }: RetryDeclaration,
  { attempts, longestWaitMs: wantedMs, heldMs, holdLimitMs }: RetryBudget,
  { endpoint }: Planned,
  capabilities: Capabilities,
): PolicyRefusal[] {
  const bounds: [PolicyRefusal[0], wanted: number, has: number][] = [
    ['wait', wantedMs, longestWaitMs(capabilities, endpoint.keyed)],
    ['hold', holdMs, holdLimitMs],
    ['held', heldMs, holdLimitMs],
    // A dead-letter place has no limit.
    ['attempts', maxAttempts, endpoint.maxAttempts || Infinity],
    // Where dead letters go to another driver, or nowhere, the broker may have a limit all the same: the driver looks for one where the route says that there is none.
    ['block', endpoint.maxAttempts && capabilities.deliveryAttempt !== 'none' ? attempts : 0, Number.MAX_VALUE],
  ]
  return bounds.filter(([, wanted, has]) => wanted > has)
}
