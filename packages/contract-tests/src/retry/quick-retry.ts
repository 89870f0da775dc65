import { deadLetter, retryLater, type ProcessMiddleware } from '@busbar/core'

/** A policy with waits of its own, in place of the default one: cases on real brokers wait for them. */
export function quickRetry(maxAttempts: number, waitMs: number = 50): ProcessMiddleware {
  return {
    ...declaredRetry({ maxAttempts, waitMs }),
    async process({ attempt }, next) {
      try {
        return await next()
      } catch (error) {
        return attempt >= maxAttempts ? deadLetter('attempts exhausted', error) : retryLater(waitMs, error)
      }
    },
  }
}

/** Declares a policy and leaves every decision to the handler. */
export function declaredRetry({
  maxAttempts = 2,
  waitMs,
  holdMs,
}: {
  readonly maxAttempts?: number
  readonly waitMs: number
  readonly holdMs?: number
}): ProcessMiddleware {
  const waitsMs = Array.from({ length: maxAttempts - 1 }, () => waitMs)
  return { name: 'retry of the case', stage: 'retry', process: (_context, next) => next(), retry: { maxAttempts, maxWaitMs: waitMs, waitsMs, holdMs } }
}
