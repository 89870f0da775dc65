import type { MaybePromise } from '../driver/fenced-store.ts'
import type { Outcome, SettleResult } from '../driver/receiver.ts'
import type { BrokerError } from '../errors.ts'
import type { ProcessMiddleware, RetryDeclaration } from '../middleware/types.ts'
import type { DeciderOptions } from './decider.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Run } from './run.ts'
import type { Suspensions } from './suspensions.ts'
import type { Task } from './task.ts'

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
  /** Of consumers with middleware: nobody else suspends one. */
  readonly suspensions: Suspensions | undefined
  /** Called with the final result of each outcome; must not throw. */
  readonly onSettled: ((task: Task, outcome: Outcome, result: SettleResult) => void) | undefined
  /** What the consumer's retry policy answers to an error that came out of the chain. Default: core's own policy. */
  readonly decide: RetryDeclaration['decide']
  /** Decodes, runs the chain and the handler. What it returns or throws decides the outcome. */
  readonly process: (run: Run) => MaybePromise<unknown>
  readonly onFatal: (error: BrokerError) => void
  /** No handler starts any more; what gathers messages before it hands them out gives them back. */
  readonly onStop: (() => void) | undefined
}
