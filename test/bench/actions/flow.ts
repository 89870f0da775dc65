import { setTimeout as sleep } from 'node:timers/promises'
import { Meter } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'
import { receiverOf, senderOf, type Subject, type Work } from '../subjects/subject.ts'
import { sendAll } from './send.ts'

/** Sends at load and consumes at the same time: the load that the half of is half load. */
export async function flow(subject: Subject, work: Work): Promise<Sample> {
  await subject.prepare?.(work)
  const meter = new Meter(work.warmup, work.messages)
  const receiver = await receiverOf(subject, work, () => meter.tick())
  const sender = await senderOf(subject, work)
  const all = Promise.all([meter.done, sendAll(sender, { from: 0, count: meter.total }, work.inFlight, () => undefined)])
  const [sample] = await Promise.race([all, receiver.failed])
  if (subject.settleMs !== undefined) await sleep(subject.settleMs)
  await Promise.all([sender.close(), receiver.close()])
  return sample
}
