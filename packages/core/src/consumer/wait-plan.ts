import type { Capabilities } from '../driver/capabilities.ts'

/**
 * Where a wait before the next attempt is spent. `again`: what is left of the lease is too short; the message goes back and waits when it has been received anew.
 * `refused`: no lease is long enough.
 */
export type WaitPlan = 'process' | 'broker' | 'again' | 'refused'

/** Part of a lease or of a scope's hold limit that is kept in reserve for the handler itself. */
const reserve = 0.8
/** The rest is for what is under way: a broker whose leases are the message's own counts a wait from when it handed the message out (Amazon SQS: 12 h in all). */
const onTheWay = 0.99

/** A lease that each message has of its own. Milliseconds. */
export interface MessageLease {
  readonly ms: number
  readonly maxMs: number
}

/** `undefined` where messages have no leases of their own. */
export function messageLease({ lease }: Pick<Capabilities, 'lease'>): MessageLease | undefined {
  return lease && lease.kind === 'message' ? lease : undefined
}

/** Longest time, in milliseconds, that a message can be held here by waits. */
export function longestHoldMs({ lease }: Pick<Capabilities, 'lease'>): number {
  if (!lease) return Infinity
  const limit = lease.kind === 'message' ? lease.maxMs : lease.maxHoldMs
  return limit === false ? Infinity : Math.floor(limit * reserve)
}

/**
 * A short wait is held here (default: up to 5 s where the backend delays natively, else 60 s); a longer one goes to the broker if order allows it; else it is held
 * as long as the lease allows. With a `holdMs` of 0 not even a retry at once is made here, if the broker can do it and no order is lost.
 * `heldMs`: how long the message has been held already; a broker whose leases are the message's own counts it too.
 */
export function planWait(capabilities: Capabilities, keyed: boolean, waitMs: number, holdMs: number | undefined, heldMs: number): WaitPlan {
  const fits = waitMs <= longestHoldMs(capabilities) - heldMs
  if (fits && !(holdMs === 0 && capabilities.redelivery.immediate) && waitMs <= (holdMs ?? (capabilities.redelivery.delayed ? 5_000 : 60_000))) return 'process'
  if (waitMs <= longestAtBrokerMs(capabilities, keyed, heldMs)) return 'broker'
  if (fits) return 'process'
  return waitMs <= longestWaitMs(capabilities, keyed) ? 'again' : 'refused'
}

/** The largest wait that {@link planWait} does not refuse. */
export function longestWaitMs(capabilities: Capabilities, keyed: boolean): number {
  return Math.max(longestAtBrokerMs(capabilities, keyed, 0), longestHoldMs(capabilities))
}

function longestAtBrokerMs(capabilities: Capabilities, keyed: boolean, heldMs: number): number {
  const { delayed } = capabilities.redelivery
  // Without order there is not even a wait of 0 ms: what comes after it would pass.
  if (!delayed || (keyed && !delayed.keepsOrder)) return keyed ? -1 : 0
  return messageLease(capabilities) ? Math.floor(delayed.maxMs * onTheWay) - heldMs : delayed.maxMs
}
