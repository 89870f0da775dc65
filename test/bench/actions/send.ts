import { keepInFlight } from '../engine/keep-in-flight.ts'
import { Meter } from '../engine/meter.ts'
import { nextTurn } from '../engine/next-turn.ts'
import type { Sample } from '../engine/sample.ts'
import { senderOf, type Sender, type Subject, type Work } from '../subjects/subject.ts'

const nothing: Sample = { messages: 0, seconds: 0, cpuMicros: 0 }

/** Measures nothing. */
export async function prepare(subject: Subject, work: Work): Promise<Sample> {
  await subject.prepare?.(work)
  return nothing
}

/** A backlog for another client, whose session is there already. Measures nothing. */
export async function fill(subject: Subject, work: Work): Promise<Sample> {
  const sender = await senderOf(subject, work)
  await sendAll(sender, work.messages, work.inFlight, () => undefined)
  await sender.close()
  return nothing
}

/** Each message when the one before is confirmed: what a round trip takes. */
export async function sendOneByOne(subject: Subject, work: Work): Promise<Sample> {
  const { warmup, messages, slices } = work
  const meter = new Meter(warmup, messages)
  const sender = await senderOf(subject, work)
  const slice = Math.ceil(messages / (slices ?? 1))
  for (let index = 0; index < meter.total; index++) {
    if (slices !== undefined && index >= warmup && (index - warmup) % slice === 0) {
      meter.pause()
      await nextTurn()
      meter.resume()
    }
    await sender.send(index)
    meter.tick()
  }
  await sender.close()
  return meter.done
}

export async function sendAtLoad(subject: Subject, work: Work): Promise<Sample> {
  const meter = new Meter(work.warmup, work.messages)
  const sender = await senderOf(subject, work)
  await sendAll(sender, meter.total, work.inFlight, () => meter.tick())
  await sender.close()
  return meter.done
}

/** `onSent` is called once for each message. */
export async function sendAll(sender: Sender, total: number, inFlight: number, onSent: () => void): Promise<void> {
  const { batches } = sender
  if (sender.sendAll !== undefined) return sender.sendAll(total, onSent)
  if (batches === undefined) return keepInFlight(total, inFlight, (index) => sender.send(index), onSent)
  const { size, atOnce } = batches
  const count = (index: number): number => Math.min(size, total - index * size)
  await keepInFlight(
    Math.ceil(total / size),
    atOnce,
    (index) => batches.send(index * size, count(index)),
    (index) => {
      for (let sent = count(index); sent > 0; sent--) onSent()
    },
  )
}

/** Sends what is due, in as few requests as the client can. */
export async function sendDue(sender: Sender, from: number, count: number): Promise<void> {
  const { batches } = sender
  const sends: Promise<unknown>[] = []
  const size = batches?.size ?? 1
  for (let index = from; index < from + count; index += size) {
    sends.push(batches === undefined ? sender.send(index) : batches.send(index, Math.min(size, from + count - index)))
  }
  await Promise.all(sends)
}
