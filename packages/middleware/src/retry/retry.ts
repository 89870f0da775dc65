import { Directive, exponential, type Backoff, type ProcessContext, type ProcessMiddleware } from '@busbar/core'
import { checkedInteger, checkedNumber, type MaybePromise } from '@busbar/core/driver'
import { assertOptions } from '../support/assert-option.ts'
import { errorFilter, type ErrorFilter } from '../support/error-filter.ts'

export interface RetryOptions {
  /** Handler starts per message, the first one included. 1 to 100. Default 3. */
  readonly maxAttempts?: number
  /**
   * Wait between attempts. Default: exponential from 1 s to 30 s with full jitter. Its `maxMs` is finite and ≥ 0. Where `delay` throws, or answers what is no number from 0
   * to `maxMs`, the message is tried again after 30 s, and `retry:invalid-wait` is logged; `retry()` itself refuses one that does so for the longest waits.
   */
  readonly backoff?: Backoff
  /**
   * Waits up to this many milliseconds, ≥ 0, are spent in the process, holding the message; longer ones go to the broker, and are held too where it has no delayed
   * redelivery, or none that keeps the order of a message with a key. With 0 a retry at once goes to the broker too, where that redelivers at once. Default: 5,000 where
   * the backend delays natively, else 60,000; always below what its lease allows.
   */
  readonly holdMs?: number
  /**
   * Errors after which a message may be handled again: classes of errors, predicates, or a list of both, of which one has to match. Each is asked once per failed
   * attempt, and says yes by `true` alone; one that throws has said no. One that answers with a promise is refused, or, where that shows only then, the message is tried
   * again and given up with a `TypeError` that says so. Default: all.
   */
  readonly retryIf?: ErrorFilter<ProcessContext> | readonly ErrorFilter<ProcessContext>[]
  /** Errors that no further attempt would cure, in the same form; stronger than `retryIf`. Default: none. */
  readonly giveUpIf?: ErrorFilter<ProcessContext> | readonly ErrorFilter<ProcessContext>[]
  /**
   * No attempt but the first begins later than this many milliseconds after the message's timestamp, which a redrive keeps; ≥ 1. Messages without one know no limit.
   * Default: no limit.
   */
  readonly maxElapsedMs?: number
}

const known = ['maxAttempts', 'backoff', 'holdMs', 'retryIf', 'giveUpIf', 'maxElapsedMs']

/**
 * Retries a failed message, then gives it up to its dead-letter place. Stands inside idempotency and outside timeout.
 *
 * It decides only; waiting is core's work, which keeps the message and its place in the order but no concurrency slot.
 * Decisions use `context.attempt`, so what did not start here (releases, drains, in-progress duplicates) uses no attempt.
 * A `retryLater()` of the handler counts like a failure; a `deadLetter()` is passed on.
 * An attempt that failed after its signal had fired (the lease was lost, or the deadline of a drain has come) does not count and never leads to a dead letter,
 * whatever the error: the failure is not the message's.
 *
 * Throws `RangeError` for options out of bounds, `TypeError` for unknown ones, and for filters and backoffs that are none.
 */
export function retry(options: RetryOptions = {}): ProcessMiddleware {
  assertOptions('retry', options, known)
  const { maxAttempts = 3, backoff = exponential(), holdMs, maxElapsedMs = Infinity } = options
  assertBackoff(backoff)
  checkedInteger('retry: maxAttempts', maxAttempts, 1, 100)
  if (holdMs !== undefined) checkedNumber('retry: holdMs', holdMs, 0)
  checkedNumber('retry: maxElapsedMs', maxElapsedMs, 1, Infinity)
  const failureOf = retryable(options)

  function again(context: ProcessContext, askedMs: number | undefined, error: unknown): Directive {
    if (context.attempt >= maxAttempts) return new Directive('dead-letter', { reason: 'attempts exhausted', error, exhausted: true })
    const delayMs = askedMs ?? waitOf(backoff, context)
    // Core keeps the message, and says so.
    if (typeof delayMs !== 'number') return new Directive('retry', { delayMs: Number.NaN, error: delayMs })
    if (tooLate(context, delayMs, maxElapsedMs))
      return new Directive('dead-letter', { reason: `not handled within ${maxElapsedMs} ms`, error, exhausted: true })
    return new Directive('retry', { delayMs, error })
  }

  function onError(context: ProcessContext, error: unknown): Directive {
    if (error instanceof Directive) return onDirective(context, error)
    if (context.aborted) return new Directive('retry', { error, counts: false })
    const failure = failureOf(error, context)
    return failure === undefined ? new Directive('dead-letter', { reason: 'not retryable', error }) : again(context, undefined, failure.error)
  }

  function onDirective(context: ProcessContext, directive: Directive): Directive {
    return directive.action === 'retry' && directive.counts ? again(context, directive.delayMs, directive.error) : directive
  }

  function onValue(context: ProcessContext, value: unknown): unknown {
    return value instanceof Directive ? onDirective(context, value) : value
  }

  return {
    name: 'retry',
    stage: 'retry',
    retry: { maxAttempts, maxWaitMs: backoff.maxMs, waitsMs: longestWaits(backoff, maxAttempts), holdMs, maxElapsedMs, decide: onError },
    process(context, next): MaybePromise<unknown> {
      let value: MaybePromise<unknown>
      try {
        value = next()
      } catch (error) {
        return onError(context, error)
      }
      if (!(value instanceof Promise)) return onValue(context, value)
      return value.then(
        (late) => onValue(context, late),
        (error: unknown) => onError(context, error),
      )
    },
  }
}

/** What an attempt has failed with, if it may be tried again. A filter that does not answer is what is wrong then: the message must come to an end that says so. */
function retryable({ retryIf, giveUpIf }: RetryOptions): (error: unknown, context: ProcessContext) => { readonly error: unknown } | undefined {
  const again = retryIf === undefined ? undefined : errorFilter('retry: retryIf', retryIf)
  const never = giveUpIf === undefined ? undefined : errorFilter('retry: giveUpIf', giveUpIf)
  return (error, context) => {
    try {
      return again?.(error, context) === false || never?.(error, context) === true ? undefined : { error }
    } catch (unanswered) {
      return { error: unanswered }
    }
  }
}

function assertBackoff(backoff: Backoff): void {
  if (typeof (backoff as Backoff | null)?.delay !== 'function') throw new TypeError('retry: backoff must have a function delay')
  checkedNumber('retry: backoff.maxMs', backoff.maxMs, 0)
}

function longestWaits(backoff: Backoff, maxAttempts: number): readonly number[] {
  const almostOne = (): number => 1 - Number.EPSILON
  return Array.from({ length: maxAttempts - 1 }, (_, index) =>
    checkedNumber(`retry: backoff.delay(${index + 1}), by its own maxMs,`, backoff.delay(index + 1, almostOne), 0, backoff.maxMs),
  )
}

function tooLate(context: ProcessContext, delayMs: number, maxElapsedMs: number): boolean {
  const { timestamp } = context.incoming
  return maxElapsedMs !== Infinity && timestamp !== undefined && context.clock.now() + delayMs - timestamp > maxElapsedMs
}

/** An error where the policy breaks its own promise: the message is not to blame for it. */
function waitOf(backoff: Backoff, { attempt, random, previousWaitMs }: ProcessContext): number | Error {
  try {
    const delayMs = previousWaitMs === undefined ? backoff.delay(attempt, random) : backoff.delay(attempt, random, previousWaitMs)
    return checkedNumber(`retry: backoff.delay(${attempt}), by its own maxMs,`, delayMs, 0, backoff.maxMs)
  } catch (error) {
    return error instanceof Error ? error : new TypeError(`retry: backoff.delay(${attempt}) has thrown ${String(error)}`)
  }
}
