import { kindOf } from '../kind-of.ts'
import type { RetryDeclaration } from '../middleware/types.ts'
import { Directive } from '../outcome.ts'
import { defaultRetryDecision } from './default-retry.ts'
import type { Run } from './run.ts'

/** What is to become of a message whose run has returned or thrown `result`, which may be anything, by a policy that may be anyone's: never throws. `undefined`: ack. */
export function directiveOf(run: Run, decide: RetryDeclaration['decide'], result: unknown, failed = false): Directive | undefined {
  try {
    if (result instanceof Directive) return result
    if (!failed) return undefined
    // The failure is ours, not the handler's: the lease was lost, and has come back by an adopted redelivery. Where the message is the cause, the broker's limit ends it.
    if (run.aborted && !run.task.lost) return new Directive('retry', { error: result, counts: false })
    const decided: unknown = (decide ?? defaultRetryDecision)(run, result)
    if (decided instanceof Directive) return decided
    throw new TypeError(`retry.decide returned ${kindOf(decided)}`)
  } catch (error) {
    // Without a wait that anybody asked for.
    return failed ? new Directive('retry', { delayMs: Number.NaN, error }) : undefined
  }
}
