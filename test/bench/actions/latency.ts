import { setTimeout as sleep } from 'node:timers/promises'
import { numberIn } from '../bodies.ts'
import { Meter } from '../engine/meter.ts'
import { openLoop } from '../engine/open-loop.ts'
import type { Sample } from '../engine/sample.ts'
import { Schedule } from '../engine/schedule.ts'
import { percentile } from '../report/percentile.ts'
import { receiverOf, senderOf, type Subject, type Work } from '../subjects/subject.ts'
import { sendDue } from './send.ts'

/**
 * From when a message is due to when its handler starts, in one process, so that there is one clock. Load is open: messages are due at even distances, and one that is
 * begun late because the client was busy has waited since it was due.
 */
export async function latency(subject: Subject, work: Work): Promise<Sample> {
  const { warmup, messages, perSecond = 0 } = work
  await subject.prepare?.(work)
  const meter = new Meter(warmup, messages)
  const schedule = new Schedule(perSecond)
  const latencies = new Float64Array(messages)
  const seen = new Uint8Array(meter.total)
  let beganAt = 0
  const receiver = await receiverOf(subject, work, (body) => {
    const now = performance.now()
    const index = numberIn(body)
    // A copy is not a message.
    if (seen[index] !== 0) return
    seen[index] = 1
    if (index >= warmup) latencies[index - warmup] = now - beganAt - schedule.dueAt(index)
    meter.tick()
  })
  const sender = await senderOf(subject, work)
  const refused = Promise.withResolvers<never>()
  const sends: Promise<void>[] = []
  beganAt = performance.now()
  const begun = openLoop(schedule, meter.total, beganAt, (from, count) => {
    const sending = sendDue(sender, from, count)
    sending.catch(refused.reject)
    sends.push(sending)
  })
  const all = Promise.all([meter.done, begun.then(() => Promise.all(sends))])
  const [sample] = await Promise.race([all, receiver.failed, refused.promise])
  if (subject.settleMs !== undefined) await sleep(subject.settleMs)
  await Promise.all([sender.close(), receiver.close()])
  latencies.sort()
  const numbers = { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), p999: percentile(latencies, 0.999) }
  return { ...sample, numbers }
}
