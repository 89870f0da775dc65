import { setTimeout as sleep } from 'node:timers/promises'
import { Meter } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'
import { receiverOf, type Subject, type Work } from '../subjects/subject.ts'
import { handlerOf } from './handler.ts'

/** A backlog that is there already. */
export async function consume(subject: Subject, work: Work): Promise<Sample> {
  const meter = new Meter(work.warmup, work.messages)
  const receiver = await receiverOf(
    subject,
    work,
    handlerOf(work, () => meter.tick()),
  )
  const sample = await Promise.race([meter.done, receiver.failed])
  if (subject.settleMs !== undefined) await sleep(subject.settleMs)
  await receiver.close()
  return sample
}
