import { browseQueue } from './inspect.ts'
import type { Queue } from './queue.ts'

/** The delay of messages that ask for none is `delayMs` from now on; on SQS FIFO, also for those that are stored and were never received, counted from when they were sent. */
export function changeDelay(queue: Queue, delayMs: number): void {
  if (delayMs === queue.defaultDelayMs) return
  queue.defaultDelayMs = delayMs
  if (!queue.behaviour.delayReachesStored) return
  const now = queue.world.clock.monotonic()
  for (const message of browseQueue(queue, -1, Infinity)) {
    if (message.receives > 0) continue
    if (message.state === 'delayed') queue.delayed.remove(message)
    else queue.ready--
    const dueAt = message.enqueuedAt + queue.step(delayMs)
    if (dueAt > now) queue.delayed.add(message, dueAt)
    else {
      message.state = 'ready'
      queue.ready++
      queue.backlog.due(message)
    }
  }
  queue.wake()
}
