import { Directive, type Message, type ProcessContext, type ProcessMiddleware } from '@busbar/core'
import { checkedInteger, checkedNumber, kindOf, longestHoldMs } from '@busbar/core/driver'
import { assertFunction, assertOptions } from '../support/assert-option.ts'
import { Bucket, type Pace } from './bucket.ts'
import { Keys } from './keys.ts'
import { Reservations } from './reservations.ts'

export interface RateLimitOptions {
  /** Handler starts per second in the long run, over all consumers that use this instance. Above 0; 0.1 is one in ten seconds. At most 1,000,000. */
  readonly perSecond: number
  /**
   * Starts that may come at once after a pause. ≥ 1. Default: what `perSecond` allows for in a tenth of a second, at least 1.
   * Waits end up to 10 ms late, so a burst below a hundredth of `perSecond` lowers the rate that is reached.
   */
  readonly burst?: number
  /** Limits each key by itself: a tenant, a customer. What it throws fails the attempt. Default: one limit for all messages. */
  readonly key?: (message: Message) => string
  /** With `key`: keys that are told apart at one time. A message of one more waits until another has been idle. ≥ 1. Default 100,000. */
  readonly maxKeys?: number
}

const known = ['perSecond', 'burst', 'key', 'maxKeys']

/**
 * Waits are told to core in parts of this length: it holds those everywhere by default. A longer one might be given to the broker, which would hand out the next message
 * instead, until the whole backlog has been handed out and put back.
 */
const longestPartMs = 5_000

/** Wait of a message whose key finds no room. */
const noRoomMs = 1_000

/**
 * Starts at most `perSecond` handlers per second: in no window of time more than `burst` and what `perSecond` allows for in it. A token bucket over all messages, or for
 * each `key`, shared by all consumers that use the same instance.
 *
 * A message without a token reserves the next one that is free and waits for it: held here with its lease renewed and its place in the order of its key, without a slot
 * and without using an attempt. Tokens go in the order of arrival.
 *
 * Every attempt takes a token. Stands inside idempotency, retry and concurrency limit, outside circuit breaker and timeout. Synchronous; no timer. Consumers that share an
 * instance share its clock as well.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function rateLimit(options: RateLimitOptions): ProcessMiddleware {
  assertOptions('rateLimit', options, known)
  const { perSecond, key, maxKeys } = options
  // Above 0: the least number whose interval is one.
  checkedNumber('rateLimit: perSecond', perSecond, 1e-9, 1e6)
  const burst = options.burst ?? Math.max(1, Math.ceil(perSecond / 10))
  checkedInteger('rateLimit: burst', burst, 1)
  assertFunction('rateLimit: key', key)
  if (maxKeys !== undefined && key === undefined) throw new TypeError('rateLimit: maxKeys is of no use without key')
  checkedInteger('rateLimit: maxKeys', maxKeys ?? 100_000, 1)

  const pace: Pace = { intervalMs: 1_000 / perSecond, burst }
  const reservations = new Reservations(pace)
  const keys = new Keys(maxKeys ?? 100_000)
  const whole = new Bucket('', -Infinity)

  return {
    name: 'rateLimit',
    stage: 'rate-limit',
    check(capabilities, { maxInFlight }) {
      const longest = longestHoldMs(capabilities)
      // The last of those that are held at once, if all of them need tokens of one bucket.
      const waitMs = Math.ceil(Math.max(1, maxInFlight - burst) * pace.intervalMs)
      if (waitMs <= longest) return []
      const fits = burst + Math.floor(longest / pace.intervalMs)
      const remedy = longest < pace.intervalMs ? 'raise perSecond' : `set maxInFlight to ${fits} or less, or raise perSecond`
      return [
        `perSecond of ${perSecond} makes the last of ${maxInFlight} held messages wait for ${waitMs} ms, longer than one can be held here (${longest} ms); ${remedy}`,
      ]
    },
    process(context, next) {
      const now = context.clock.monotonic()
      const bucket = key === undefined ? whole : keys.get(keyOf(context, key), now)
      const waitMs = bucket === undefined ? noRoomMs : reservations.admit(bucket, context, now)
      if (waitMs <= 0) return next()
      return new Directive('retry', { delayMs: Math.min(waitMs, longestPartMs, longestHoldMs(context.capabilities)), counts: false })
    },
  }
}

function keyOf(context: ProcessContext, key: NonNullable<RateLimitOptions['key']>): string {
  const value: unknown = key(context.message)
  if (typeof value === 'string') return value
  throw new TypeError(`rateLimit: key must return a string, not ${kindOf(value)}`)
}
