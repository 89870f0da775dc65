import { checkedInteger, checkedNumber } from '../checked-number.ts'
import type { Planned } from '../broker/plan.ts'
import { checkSignal } from '../kind-of.ts'
import { assertKnownKeys } from '../nearest.ts'
import type { ConsumeOptions } from './types.ts'

const defaultConcurrency = 16
const defaultBytes = 64 * 1024 * 1024
/** What waits behind a key takes places too, and a source with keys may be read in parts that need one each. */
const fewestWithKeys = 16
const known = ['concurrency', 'maxInFlight', 'maxInFlightBytes', 'use', 'onExhausted', 'signal'] as const

/** How much a consumer runs and holds at once. */
export interface Flow {
  readonly concurrency: number
  readonly window: { readonly messages: number; readonly bytes: number }
}

/** Before anything is done with them. Throws a `TypeError` for unknown options and a signal that is none. */
export function checkConsumeOptions(options: ConsumeOptions): void {
  assertKnownKeys('consume', options, known)
  checkSignal('consume', options.signal)
}

/** Throws `TypeError` or `RangeError` for values out of bounds. */
export function checkedFlow(options: ConsumeOptions, { driver, endpoint }: Pick<Planned, 'driver' | 'endpoint'>): Flow {
  const { concurrency = defaultConcurrency, maxInFlightBytes = defaultBytes, onExhausted } = options
  const { maxInFlight = Math.max(concurrency * 2, endpoint.keyed ? fewestWithKeys : 0, driver.leastInFlight?.(endpoint) ?? 0) } = options
  checkedInteger('consume: concurrency', concurrency, 1, 10_000)
  checkedInteger('consume: maxInFlight', maxInFlight, concurrency)
  checkedNumber('consume: maxInFlightBytes', maxInFlightBytes, 1, Infinity)
  if (onExhausted !== undefined && onExhausted !== 'dead-letter' && onExhausted !== 'block')
    throw new TypeError(`consume: onExhausted is 'dead-letter' or 'block', not '${String(onExhausted)}'`)
  return { concurrency, window: { messages: maxInFlight, bytes: maxInFlightBytes } }
}
