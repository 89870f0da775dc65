import type { Capabilities } from '../driver/capabilities.ts'

/** Where a wait before the next attempt is spent. */
export type WaitPlan = 'process' | 'broker' | 'refused'

/** Part of a lease or of a scope's hold limit that is kept in reserve for the handler itself. */
const reserve = 0.8

/** Longest wait, in milliseconds, during which a message can be held here. */
export function longestHoldMs(capabilities: Capabilities): number {
  const { lease } = capabilities
  if (!lease) return Number.POSITIVE_INFINITY
  const limit = lease.kind === 'message' ? lease.maxMs : lease.maxHoldMs
  return limit === false ? Number.POSITIVE_INFINITY : Math.floor(limit * reserve)
}

/** Waits up to this long are spent here even where the broker could take them. Default 5 s with delayed redelivery, 60 s without. */
export function holdThresholdMs(capabilities: Capabilities, holdMs: number | undefined): number {
  return Math.min(holdMs ?? (capabilities.redelivery.delayed ? 5_000 : 60_000), longestHoldMs(capabilities))
}

/** A short wait is held here; a longer one goes to the broker if order allows it; else it is held as long as the lease allows. */
export function planWait(capabilities: Capabilities, keyed: boolean, waitMs: number, holdMs: number | undefined): WaitPlan {
  if (waitMs <= holdThresholdMs(capabilities, holdMs)) return 'process'
  const { delayed } = capabilities.redelivery
  if (delayed && waitMs <= delayed.maxMs && (delayed.keepsOrder || !keyed)) return 'broker'
  return waitMs <= longestHoldMs(capabilities) ? 'process' : 'refused'
}

/** The largest wait that {@link planWait} does not refuse. */
export function longestWaitMs(capabilities: Capabilities, keyed: boolean): number {
  const { delayed } = capabilities.redelivery
  const atBroker = delayed && (delayed.keepsOrder || !keyed) ? delayed.maxMs : 0
  return Math.max(atBroker, longestHoldMs(capabilities))
}
