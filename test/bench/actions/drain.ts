import type { Sample } from '../engine/sample.ts'
import { receiverOf, type Subject, type Work } from '../subjects/subject.ts'
import { handlerOf } from './handler.ts'

/**
 * With a full window of handlers, from the call that ends the consumer to when that is done. The first `warmup` messages are handled before; what is handled until the
 * end is counted, so that the bench can tell whether the rest is still there.
 */
export async function drain(subject: Subject, work: Work): Promise<Sample> {
  const full = Promise.withResolvers<void>()
  let started = 0
  let handled = 0
  const handle = handlerOf(work, () => {
    if (++handled === work.warmup) full.resolve()
  })
  const receiver = await receiverOf(subject, work, (body) => {
    started++
    return handle(body)
  })
  await Promise.race([full.promise, receiver.failed])
  const cpu = process.cpuUsage()
  const beganAt = performance.now()
  await receiver.close()
  const drainMs = performance.now() - beganAt
  const { user, system } = process.cpuUsage(cpu)
  if (started > handled) throw new Error(`${started - handled} handlers still run when the consumer has ended`)
  return { messages: 1, seconds: drainMs / 1_000, cpuMicros: user + system, numbers: { drainMs, handled } }
}
