import type { EndpointStats } from '@busbar/core/driver'
import type { Queue } from './queue.ts'
import type { Stored } from './stored.ts'

/** Counts now, and the age of the oldest message, in flight or not. */
export function queueStats(queue: Queue): EndpointStats {
  queue.catchUp()
  dropExpired(queue)
  let oldest = Math.min(queue.backlog.oldest(), queue.delayed.oldest())
  for (const port of queue.ports) for (const delivery of port.leases.all()) oldest = Math.min(oldest, delivery.message.enqueuedAt)
  const oldestAgeMs = oldest === Infinity ? 0 : queue.world.clock.monotonic() - oldest
  return { ready: queue.ready, inFlight: queue.inFlight, delayed: queue.delayed.size, oldestAgeMs }
}

/** Messages not in flight whose place is after `after`, at most `limit`, in order. */
export function browseQueue(queue: Queue, after: number, limit: number): Stored[] {
  queue.catchUp()
  dropExpired(queue)
  const found = new Set(queue.backlog.browse(after, limit))
  for (const message of queue.delayed) if (placeOf(message) > after) found.add(message)
  return [...found].sort((a, b) => placeOf(a) - placeOf(b)).slice(0, limit)
}

/** Where a message stands in the queue. One that was never due has no order yet: it stands behind all others, by age. */
export function placeOf(message: Stored): number {
  return message.order === 0 ? 2 ** 50 + message.id : message.order
}

/** Expired messages are dropped when their turn comes; whoever counts or looks must not see them before. */
function dropExpired(queue: Queue): void {
  if (!queue.mortal) return
  const now = queue.world.clock.monotonic()
  for (const message of [...queue.backlog.browse(-1, Infinity), ...queue.delayed])
    if (message.state !== 'gone' && queue.isExpired(message, now)) queue.expireMessage(message)
}
