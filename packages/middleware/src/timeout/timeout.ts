import type { Clock, ProcessMiddleware } from '@busbar/core'
import { checkedNumber } from '@busbar/core/driver'
import { assertFunction, assertOptions } from '../support/assert-option.ts'
import { Attempts, type AttemptLimits } from './attempts.ts'

/** A handler that goes on although its signal has fired. */
export interface Overrun {
  /** The queue, or `topic.subscription`. */
  readonly source: string
  /** `undefined` on foreign messages without an id. */
  readonly messageId: string | undefined
  readonly orderingKey: string | undefined
  readonly attempt: number
  /** Milliseconds since the handler started. */
  readonly runningMs: number
  /** False: the message waits for the handler to end. True: the attempt has failed, and the handler runs on unattended. */
  readonly abandoned: boolean
}

export interface TimeoutOptions {
  /**
   * Longest time that an attempt may take, in milliseconds, ≥ 1. The retry budget counts it, with `abandonAfterMs`, for each attempt; a handler that ignores its signal
   * takes longer where nothing abandons it.
   */
  readonly ms: number
  /**
   * Told when a handler still runs a second after its signal has fired, and again when its attempt is abandoned: log it as a warning, it is a bug of the handler.
   * What it throws is ignored.
   */
  readonly onOverrun?: (overrun: Overrun) => void
  /**
   * An attempt whose handler still runs this many milliseconds (≥ 0) after its signal has fired fails all the same. The next attempt, or the next message of the key,
   * may then start while the old handler still runs. Default: the message waits for its handler to end, however long it takes.
   */
  readonly abandonAfterMs?: number
  /** With `abandonAfterMs` where the endpoint keeps the order of keys: two handlers of one key may run at once. Default false: refused at `consume`. */
  readonly allowOverlap?: boolean
}

const known = ['ms', 'onOverrun', 'abandonAfterMs', 'allowOverlap']

/**
 * Ends an attempt that takes longer than `ms`: its `signal` fires with an `ERR_TIMEOUT`, and when the handler has ended, the attempt has failed with that error, whatever
 * the handler returned or threw: once its signal has fired, a return may mean anything. A failure like any other: retry decides, and the attempt counts.
 * What the handler decides in so many words stands: a settle call, a `retryLater`, a `deadLetter`.
 *
 * Stands innermost: retry and circuit breaker see the failure, and waiting for a place or a token is not part of the attempt.
 *
 * A handler that returns without a promise cannot be interrupted and costs nothing. All running attempts share one timer; a deadline is noticed up to 10 ms late.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function timeout(options: TimeoutOptions): ProcessMiddleware {
  assertOptions('timeout', options, known)
  const { ms, onOverrun, abandonAfterMs, allowOverlap = false } = options
  checkedNumber('timeout: ms', ms, 1)
  if (abandonAfterMs !== undefined) checkedNumber('timeout: abandonAfterMs', abandonAfterMs, 0)
  assertFunction('timeout: onOverrun', onOverrun)
  if (typeof allowOverlap !== 'boolean') throw new TypeError(`timeout: allowOverlap must be true or false, not ${String(allowOverlap)}`)
  if (allowOverlap && abandonAfterMs === undefined) throw new TypeError('timeout: allowOverlap is of no use without abandonAfterMs')

  const attemptsOf = perClock({ ms, abandonAfterMs, onOverrun })
  return {
    name: 'timeout',
    stage: 'timeout',
    attemptMs: ms + (abandonAfterMs ?? 0),
    check: (_, { keyed }) => (abandonAfterMs === undefined || allowOverlap || !keyed ? [] : [overlap]),
    process(context, next) {
      const value = next()
      return value instanceof Promise ? attemptsOf(context.clock).watch(context, value) : value
    },
  }
}

const overlap =
  'abandonAfterMs lets the next message of a key start while an abandoned handler still runs, and the order of keys is kept here; leave it out, or set allowOverlap: true'

/** Almost always there is one clock. */
function perClock(limits: AttemptLimits): (clock: Clock) => Attempts {
  const others = new WeakMap<Clock, Attempts>()
  let last: { readonly clock: Clock; readonly attempts: Attempts } | undefined
  return (clock) => {
    if (last?.clock === clock) return last.attempts
    const attempts = others.get(clock) ?? new Attempts(clock, limits)
    others.set(clock, attempts)
    last = { clock, attempts }
    return attempts
  }
}
