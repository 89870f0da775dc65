import { setTimeout as sleep } from 'node:timers/promises'
import { numberIn } from '../bodies.ts'
import { collectGarbage, Meter } from '../engine/meter.ts'
import { openLoop } from '../engine/open-loop.ts'
import type { Sample } from '../engine/sample.ts'
import { Schedule } from '../engine/schedule.ts'
import { percentile } from '../report/percentile.ts'
import { receiverOf, senderOf, type Subject, type Work } from '../subjects/subject.ts'
import { sendDue } from './send.ts'

/** After the last message was due. */
const latestMs = 15_000

const keptNoPace: Sample = { messages: 1, seconds: Number.NaN, cpuMicros: Number.NaN, numbers: { p50: Infinity, p99: Infinity, p999: Infinity } }

/**
 * From when a message is due to when its handler starts, in one process, so that there is one clock. Load is open: messages are due at even distances, and one that is
 * begun late because the client was busy has waited since it was due. Who refuses a message, or has not handled all long after the last was due, has no latency.
 */
export async function latency(subject: Subject, work: Work): Promise<Sample> {
  const { warmup, messages, perSecond = 0 } = work
  await subject.prepare?.(work)
  // Messages go on being due while garbage is collected.
  const meter = new Meter(warmup, messages, { collecting: false })
  const schedule = new Schedule(perSecond)
  const latencies = new Latencies(work, schedule)
  const receiver = await receiverOf(subject, work, (body) => {
    if (latencies.handled(body)) meter.tick()
  })
  const sender = await senderOf(subject, work)
  const refused = Promise.withResolvers<'refused'>()
  const sends: Promise<void>[] = []
  collectGarbage()
  latencies.beganAt = performance.now()
  const begun = openLoop(schedule, meter.total, latencies.beganAt, (from, count) => {
    const sending = sendDue(sender, from, count)
    sending.catch(() => refused.resolve('refused'))
    sends.push(sending)
  })
  const all = Promise.all([meter.done, begun.then(() => Promise.all(sends))])
  const late = sleep(schedule.dueAt(meter.total) + latestMs, 'late' as const, { ref: false })
  const outcome = await Promise.race([all, receiver.failed, refused.promise, late])
  if (typeof outcome === 'string') return keptNoPace
  if (subject.settleMs !== undefined) await sleep(subject.settleMs)
  await Promise.all([sender.close(), receiver.close()])
  return { ...outcome[0], numbers: latencies.numbers() }
}

/** Of what is measured, in milliseconds. */
class Latencies {
  beganAt = 0
  readonly #schedule: Schedule
  readonly #warmup: number
  readonly #all: Float64Array
  readonly #seen: Uint8Array

  constructor({ warmup, messages }: Work, schedule: Schedule) {
    this.#schedule = schedule
    this.#warmup = warmup
    this.#all = new Float64Array(messages)
    this.#seen = new Uint8Array(warmup + messages)
  }

  /** A handler starts. False for a copy of a message that was handled. */
  handled(body: string | Uint8Array): boolean {
    const now = performance.now()
    const index = numberIn(body)
    if (this.#seen[index] !== 0) return false
    this.#seen[index] = 1
    if (index >= this.#warmup) this.#all[index - this.#warmup] = now - this.beganAt - this.#schedule.dueAt(index)
    return true
  }

  numbers(): { readonly p50: number; readonly p99: number; readonly p999: number } {
    const sorted = this.#all.toSorted()
    return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), p999: percentile(sorted, 0.999) }
  }
}
