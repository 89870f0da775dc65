import type { Capabilities } from '@busbar/core/driver'

/** Part of a limit that core leaves to the handler when it holds a message. */
const reserve = 0.8

/** Longest time, in milliseconds, for which core holds a message that waits: a longer wait could lose it. As core computes it. */
export function longestHoldMs({ lease }: Pick<Capabilities, 'lease'>): number {
  if (lease === false) return Infinity
  const limit = lease.kind === 'message' ? lease.maxMs : lease.maxHoldMs
  return limit === false ? Infinity : Math.floor(limit * reserve)
}
