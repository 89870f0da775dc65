import type { RetryDeclaration, ProcessContext } from '../middleware/types.ts'
import { Directive } from '../outcome.ts'

const maxAttempts = 3
const firstMs = 1_000
const lastMs = 30_000

/** What holds for a consumer without a retry middleware: 3 attempts, exponential from 1 s to 30 s with full jitter, then dead letter. */
export const defaultRetry: RetryDeclaration = { maxAttempts, maxWaitMs: lastMs, waitsMs: [firstMs, 2 * firstMs], holdMs: undefined }

/** The default policy's answer to a failed start. */
export function defaultRetryDecision(context: Pick<ProcessContext, 'attempt' | 'random'>, error: unknown): Directive {
  if (context.attempt >= maxAttempts) return new Directive('dead-letter', { reason: 'attempts exhausted', error, exhausted: true })
  return new Directive('retry', { delayMs: Math.floor(Math.min(lastMs, firstMs * 2 ** (context.attempt - 1)) * context.random()), error })
}
