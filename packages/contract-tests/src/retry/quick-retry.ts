import { Directive, retryLater, type ProcessMiddleware } from '@busbar/core'

/** A policy with waits of its own, in place of the default one: cases on real brokers wait for them. */
export function quickRetry(maxAttempts: number, waitMs: number = 50): ProcessMiddleware {
  return {
    ...declaredRetry({ maxAttempts, waitMs }),
    async process({ attempt }, next) {
      try {
        return await next()
      } catch (error) {
        if (attempt < maxAttempts) return retryLater(waitMs, error)
        return new Directive('dead-letter', { reason: 'attempts exhausted', error, exhausted: true })
      }
    },
  }
}

/** Declares a policy and leaves every decision to the handler, which may wait longer than the `declaredMs` (default: `waitMs`) that the budget is made of. */
export function declaredRetry({
  maxAttempts = 2,
  waitMs,
  declaredMs = waitMs,
  holdMs,
}: {
  readonly maxAttempts?: number
  readonly waitMs: number
  readonly declaredMs?: number
  readonly holdMs?: number
}): ProcessMiddleware {
  const waitsMs = Array.from({ length: maxAttempts - 1 }, () => declaredMs)
  return { name: 'retry of the case', stage: 'retry', process: (_context, next) => next(), retry: { maxAttempts, maxWaitMs: waitMs, waitsMs, holdMs } }
}
