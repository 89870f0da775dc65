import { setTimeout as sleep } from 'node:timers/promises'
import { collectGarbage } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'
import { receiverOf, type Subject, type Work } from '../subjects/subject.ts'

/** Nothing new has come for so long. */
const quietMs = 1_000

/** What the process holds, connection and all, when its window is full of messages whose handlers do not end, while the rest waits at the server. */
export async function hold(subject: Subject, work: Work): Promise<Sample> {
  const before = heldBytes()
  let started = 0
  const receiver = await receiverOf(subject, work, () => {
    started++
    return new Promise<void>(() => {})
  })
  const still = async (): Promise<void> => {
    const before = started
    await sleep(quietMs)
    if (started === 0 || started !== before) await still()
  }
  await Promise.race([still(), receiver.failed])
  const bytes = heldBytes() - before
  return { messages: started, seconds: 1, cpuMicros: 0, numbers: { heldBytes: bytes, started } }
}

/** Objects, and buffers outside the heap. */
function heldBytes(): number {
  // The first collection also sets free what a buffer belongs to.
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
