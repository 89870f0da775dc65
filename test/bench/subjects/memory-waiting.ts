import { createBroker, queue, text, type Broker, type Producer, type Queue } from '@busbar/core'
import { memory } from '@busbar/memory'
import { textOf, texts } from '../bodies.ts'
import { heapBytes } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'

/** Sends with nobody receiving until `waiting` messages wait, then receives them all; `cycles` times over. */
export interface WaitingJob {
  readonly waiting: number
  /** A key for each message, never seen before, instead of none. */
  readonly distinctKeys: boolean
  readonly cycles: number
}

const chunk = 500
const warmup = 50_000

/** Bytes are those of the heap after a full collection. */
export async function runWaiting(job: WaitingJob): Promise<Sample> {
  const destination = queue('bench', { codec: text, ...(job.distinctKeys ? { orderingKey: (body: string) => body.slice(0, 8) } : {}) })
  await using broker = createBroker({ driver: memory(), destinations: [destination], provision: 'create' })
  const producer = broker.producer(destination)
  const bodies = source(job)
  await cycle(broker, destination, producer, bodies, warmup, heapBytes)
  const empty = heapBytes()
  const sample = { messages: job.waiting * job.cycles, seconds: 0, cpuMicros: 0 }
  let full = empty
  for (let index = 0; index < job.cycles; index++) {
    // Once: collections that are asked for also throw compiled code away.
    const weigh = index === job.cycles - 1 ? heapBytes : () => empty
    const measured = await cycle(broker, destination, producer, bodies, job.waiting, weigh)
    sample.seconds += measured.seconds
    sample.cpuMicros += measured.cpuMicros
    full = measured.fullBytes
  }
  return { ...sample, numbers: { bytesPerWaitingMessage: (full - empty) / job.waiting, bytesLeft: heapBytes() - empty } }
}

interface Cycle {
  readonly seconds: number
  readonly cpuMicros: number
  readonly fullBytes: number
}

async function cycle(
  broker: Broker,
  destination: Queue<string>,
  producer: Producer<string>,
  next: () => string,
  waiting: number,
  weigh: () => number,
): Promise<Cycle> {
  const sending = stopwatch()
  for (let sent = 0; sent < waiting; sent += chunk) {
    const results = await producer.sendBatch(Array.from({ length: Math.min(chunk, waiting - sent) }, next))
    if (results.some((result) => !result.ok)) throw new Error('a send has failed')
  }
  const sent = sending()
  const fullBytes = weigh()
  const receiving = stopwatch()
  await receive(broker, destination, waiting)
  const received = receiving()
  return { seconds: sent.seconds + received.seconds, cpuMicros: sent.cpuMicros + received.cpuMicros, fullBytes }
}

async function receive(broker: Broker, source: Queue<string>, waiting: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let count = 0
  const handle = (): void => {
    if (++count === waiting) resolve()
  }
  await using consumer = await broker.consume(source, handle, { concurrency: 256, maxInFlight: 512 })
  await Promise.race([promise, consumer.closed])
}

/** Bodies of messages without keys are shared, so that what waits is measured without them. */
function source({ distinctKeys }: WaitingJob): () => string {
  let index = 0
  if (distinctKeys) return () => textOf(index++)
  const all = texts()
  return () => all[index++ % all.length] as string
}

function stopwatch(): () => Pick<Cycle, 'seconds' | 'cpuMicros'> {
  const cpu = process.cpuUsage()
  const began = performance.now()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - began) / 1000, cpuMicros: user + system }
  }
}
