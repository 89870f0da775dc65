import type { Capabilities } from '../driver/capabilities.ts'
import type { RetryDeclaration } from '../middleware/types.ts'
import { longestHoldMs, planWait } from './wait-plan.ts'

/** The worst case of one message of a consumer, over all layers: attempts in this process, redelivery by the broker, and the broker's own limit. Milliseconds. */
export interface RetryBudget {
  /** Handler starts; Infinity where a message is tried until it succeeds. */
  readonly attempts: number
  /** Longest wait between two of them that the policy comes to; a handler may ask for longer ones. */
  readonly longestWaitMs: number
  /** All waits together, as far as the policy's limit of elapsed time lets them come about. */
  readonly totalWaitMs: number
  /** From the first start to the end of the last attempt; `undefined` where no timeout bounds attempts, Infinity where a message is tried until it succeeds. */
  readonly elapsedMs: number | undefined
  /** Longest time of one attempt; `undefined` where no timeout bounds it. */
  readonly attemptMs: number | undefined
  /** Longest time that a message is held on one lease by waits and bounded attempts. */
  readonly heldMs: number
  /** Longest time that it may be so held; Infinity without a limit. */
  readonly holdLimitMs: number
  /** So many deliveries, releases and crashes included, the broker lets a message have at the least before it gives it up itself; false: it never does. */
  readonly nativeDeliveries: number | false
}

/** Drivers provision native limits at so many deliveries, or more, for each attempt: what was only handed back, and crashes, count there too. */
export const deliveriesPerAttempt = 10

export interface BudgetOptions {
  readonly capabilities: Capabilities
  readonly retry: RetryDeclaration
  readonly keyed: boolean
  readonly attemptMs: number | undefined
  /** A message is tried until it succeeds. */
  readonly blocks: boolean
  /** Attempts that native limits are provisioned for; 0: there is no native limit. */
  readonly nativeAttempts: number
}

export function retryBudget({ capabilities, retry, keyed, attemptMs, blocks, nativeAttempts }: BudgetOptions): RetryBudget {
  const { maxAttempts, waitsMs, maxWaitMs, holdMs, maxElapsedMs = Infinity } = retry
  let held = attemptMs ?? 0
  let longestHeld = held
  for (const waitMs of waitsMs) {
    // A redelivered message has a new lease.
    const before = planWait(capabilities, keyed, waitMs, holdMs, 0) === 'process' ? held + waitMs : 0
    held = before + (attemptMs ?? 0)
    longestHeld = Math.max(longestHeld, held)
  }
  const totalWaitMs = blocks
    ? Infinity
    : Math.min(
        maxElapsedMs,
        waitsMs.reduce((total, waitMs) => total + waitMs, 0),
      )
  return {
    attempts: blocks ? Infinity : maxAttempts,
    longestWaitMs: Math.min(maxWaitMs, Math.max(0, ...waitsMs)),
    totalWaitMs,
    elapsedMs: attemptMs === undefined ? undefined : Math.min(totalWaitMs + (maxAttempts - 1) * attemptMs, blocks ? Infinity : maxElapsedMs) + attemptMs,
    attemptMs,
    heldMs: longestHeld,
    holdLimitMs: longestHoldMs(capabilities),
    nativeDeliveries: nativeAttempts > 0 && capabilities.deliveryAttempt !== 'none' && nativeAttempts * deliveriesPerAttempt,
  }
}
