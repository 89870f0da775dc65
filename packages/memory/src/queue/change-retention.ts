import { browseQueue } from './inspect.ts'
import type { Queue } from './queue.ts'

/** Messages, also those that are stored or in flight, are kept for `retentionMs` from when they were sent; what is older than that is gone at once. Not for queues whose messages have times to live. */
export function changeRetention(queue: Queue, retentionMs: number): void {
  if (retentionMs === queue.retentionMs) return
  queue.retentionMs = retentionMs
  queue.mortal ||= retentionMs !== Infinity
  const inFlight = queue.ports.flatMap((port) => port.leases.all().map((delivery) => delivery.message))
  for (const message of [...browseQueue(queue, -1, Infinity), ...inFlight]) message.expiresAt = message.enqueuedAt + retentionMs
}
