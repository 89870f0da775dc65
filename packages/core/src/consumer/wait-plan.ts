import type { Capabilities } from '../driver/capabilities.ts'

/**
 * Where a wait before the next attempt is spent. `again`: nowhere; what is left of the lease is too short, and the message goes back to be received anew.
 * `refused`: no lease is long enough.
 */
export type WaitPlan = 'process' | 'broker' | 'again' | 'refused'

/** Part of a lease or of a scope's hold limit that is kept in reserve for the handler itself. */
const reserve = 0.8

/** Longest time, in milliseconds, that a message can be held here by waits. */
export function longestHoldMs({ lease }: Pick<Capabilities, 'lease'>): number {
  if (!lease) return Infinity
  const limit = lease.kind === 'message' ? lease.maxMs : lease.maxHoldMs
  return limit === false ? Infinity : Math.floor(limit * reserve)
}

/**
 * A short wait is held here (default: up to 5 s where the backend delays natively, else 60 s); a longer one goes to the broker if order allows it; else it is held
 * as long as the lease allows. `heldMs`: how long the message has been held already.
 */
export function planWait(capabilities: Capabilities, keyed: boolean, waitMs: number, holdMs: number | undefined, heldMs: number): WaitPlan {
  const { delayed } = capabilities.redelivery
  const longest = longestHoldMs(capabilities)
  const fits = waitMs <= longest - heldMs
  if (fits && waitMs <= (holdMs ?? (delayed ? 5_000 : 60_000))) return 'process'
  if (delayed && waitMs <= delayed.maxMs && (delayed.keepsOrder || !keyed)) return 'broker'
  if (fits) return 'process'
  return waitMs <= longest ? 'again' : 'refused'
}

/** The largest wait that {@link planWait} does not refuse. */
export function longestWaitMs(capabilities: Capabilities, keyed: boolean): number {
  const { delayed } = capabilities.redelivery
  const atBroker = delayed && (delayed.keepsOrder || !keyed) ? delayed.maxMs : 0
  return Math.max(atBroker, longestHoldMs(capabilities))
}
