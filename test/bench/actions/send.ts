import { keepInFlight } from '../engine/keep-in-flight.ts'
import { Meter } from '../engine/meter.ts'
import { nextTurn } from '../engine/next-turn.ts'
import type { Sample } from '../engine/sample.ts'
import { senderOf, type Range, type Sender, type Subject, type Work } from '../subjects/subject.ts'

const nothing: Sample = { messages: 0, seconds: 0, cpuMicros: 0 }

/** Measures nothing. */
export async function prepare(subject: Subject, work: Work): Promise<Sample> {
  await subject.prepare?.(work)
  return nothing
}

/** A backlog for another client, whose session is there already. Measures nothing. */
export async function fill(subject: Subject, work: Work): Promise<Sample> {
  const sender = await senderOf(subject, work)
  await sendAll(sender, { from: 0, count: work.messages }, work.inFlight, () => undefined)
  await sender.close()
  return nothing
}

/** Each message when the one before is confirmed: what a round trip takes. */
export function sendOneByOne(subject: Subject, work: Work): Promise<Sample> {
  return sendMeasured(subject, work, async (sender, { from, count }, onSent) => {
    for (let index = from; index < from + count; index++) {
      await sender.send(index)
      onSent()
    }
  })
}

export function sendAtLoad(subject: Subject, work: Work): Promise<Sample> {
  return sendMeasured(subject, work, (sender, range, onSent) => sendAll(sender, range, work.inFlight, onSent))
}

/** All at once, or the warm-up, and then each slice in its turn. */
async function sendMeasured(subject: Subject, work: Work, send: (sender: Sender, range: Range, onSent: () => void) => Promise<void>): Promise<Sample> {
  const { warmup, messages, slices } = work
  const meter = new Meter(warmup, messages)
  const sender = await senderOf(subject, work)
  const onSent = (): void => meter.tick()
  if (slices === undefined) await send(sender, { from: 0, count: meter.total }, onSent)
  else {
    await send(sender, { from: 0, count: warmup }, onSent)
    const slice = Math.ceil(messages / slices)
    for (let from = warmup; from < meter.total; from += slice) {
      meter.pause()
      await nextTurn()
      meter.resume()
      await send(sender, { from, count: Math.min(slice, meter.total - from) }, onSent)
    }
  }
  await sender.close()
  return meter.done
}

/** `onSent` is called once for each message. */
export async function sendAll(sender: Sender, range: Range, inFlight: number, onSent: () => void): Promise<void> {
  const { batches } = sender
  const { from, count: total } = range
  if (sender.sendAll !== undefined) return sender.sendAll(range, onSent)
  if (batches === undefined) return keepInFlight(total, inFlight, (index) => sender.send(from + index), onSent)
  const { size, atOnce } = batches
  const count = (index: number): number => Math.min(size, total - index * size)
  await keepInFlight(
    Math.ceil(total / size),
    atOnce,
    (index) => batches.send(from + index * size, count(index)),
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
