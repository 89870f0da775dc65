import { checkedNumber } from './checked-number.ts'
import { assertKnownKeys } from './nearest.ts'

const defaultDrainMs = 30_000

/** Throws a `RangeError` for what is no time. */
export function drainTimeoutOf(options: { readonly timeoutMs?: number }): number {
  assertKnownKeys('drain', options, ['timeoutMs'])
  return checkedNumber('drain: timeoutMs', options.timeoutMs ?? defaultDrainMs, 0, Infinity)
}
