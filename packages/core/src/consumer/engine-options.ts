import type { MaybePromise } from '../driver/fenced-store.ts'
import type { BrokerError } from '../errors.ts'
import type { ProcessMiddleware, RetryDeclaration } from '../middleware/types.ts'
import type { DeciderOptions } from './decider.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Run } from './run.ts'

export interface EngineOptions extends DeciderOptions {
  readonly driver: string
  readonly keyed: boolean
  readonly concurrency: number
  readonly budget: RetryBudget
  /** Messages that may be held. */
  readonly windowMessages: number
  readonly random: () => number
  readonly freshId: () => string
  readonly telemetry: Telemetry
  readonly renewing: readonly ProcessMiddleware[]
  /** Middleware that are told when a message has been settled. */
  readonly settling: readonly ProcessMiddleware[]
  /** What the consumer's retry policy answers to an error that came out of the chain. Default: core's own policy. */
  readonly decide: RetryDeclaration['decide']
  /** Decodes, runs the chain and the handler. What it returns or throws decides the outcome. */
  readonly process: (run: Run) => MaybePromise<unknown>
  readonly onFatal: (error: BrokerError) => void
  /** No handler starts any more; what gathers messages before it hands them out gives them back. */
  readonly onStop: (() => void) | undefined
}
