import { createBroker, queue, systemClock, text, type Broker, type ConsumeOptions, type Producer, type Queue, type SendFunction } from '@busbar/core'
import { memory, memoryStore } from '@busbar/memory'
import { idempotency, retry } from '@busbar/middleware'
import { Order, orders, texts } from '../bodies.ts'
import { Meter } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'

/** Send, receive, handle and ack in one process. */
export interface MemoryJob {
  readonly body: 'text' | 'json' | 'json with schema'
  /** How many are sent before the next wait, and by which function. */
  readonly send: 'send' | 'sendBatch'
  /** Different ordering keys; 0: none. */
  readonly keys: number
  readonly reliable: boolean
  /** Middlewares that do nothing but go on, around the handler and around the send. */
  readonly idleProcess: number
  readonly idleSend: number
  readonly warmup: number
  readonly messages: number
}

/** Sends that are made together, and awaited. */
const chunk = 500
/** Messages that wait in the broker at most. */
const maxBacklog = 10_000

export async function runMemory(job: MemoryJob): Promise<Sample> {
  const destination = define(job)
  const broker = createBroker({ driver: memory(), destinations: [destination], provision: 'create' })
  const producer = broker.producer(destination, { use: Array.from({ length: job.idleSend }, () => idleSend) })
  const meter = new Meter(job.warmup, job.messages)
  const consumer = await broker.consume(destination, () => meter.tick(), { concurrency: 256, maxInFlight: 512, use: middleware(job) })
  const failed = consumer.closed.then(() => Promise.reject(new Error('the consumer has ended early')))
  const [, sample] = await Promise.race([Promise.all([sendAll(producer, job, meter), meter.done]), failed])
  await checkAcked(broker, destination)
  return sample
}

async function sendAll(producer: Producer, job: MemoryJob, meter: Meter): Promise<void> {
  const variants = Math.max(1024, job.keys)
  const all = job.body === 'text' ? texts(variants) : orders(variants)
  for (let sent = 0; sent < meter.total; sent += chunk) {
    const bodies = Array.from({ length: Math.min(chunk, meter.total - sent) }, (_, index) => all[(sent + index) % variants])
    await (job.send === 'send' ? sendEach(producer, bodies) : sendTogether(producer, bodies))
    while (sent - meter.count > maxBacklog) await turn()
  }
}

async function sendEach(producer: Producer, bodies: readonly unknown[]): Promise<void> {
  await Promise.all(bodies.map((body) => producer.send(body)))
}

export async function sendTogether(producer: Producer, bodies: readonly unknown[]): Promise<void> {
  const results = await producer.sendBatch(bodies)
  const failed = results.find((result) => !result.ok)
  if (failed?.ok === false) throw failed.error
}

/** A fast broker that forgets would win: everything must be settled and nothing given up. */
export async function checkAcked(broker: Broker, source: Queue): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { ready, inFlight } = await broker.stats(source)
    if (ready === 0 && inFlight === 0) break
    if (attempt === 99) throw new Error(`${ready} messages are ready and ${inFlight} in flight after everything was handled`)
    await turn()
  }
  const dead = await broker.deadLetters(source).peek()
  if (dead.length > 0) throw new Error(`there are dead letters: ${JSON.stringify(dead[0]?.info)}`)
}

function define(job: MemoryJob): Queue {
  const keyed = job.keys > 0
  if (job.body === 'text') return queue('bench', { codec: text, ...(keyed ? { orderingKey: (body: string) => body.slice(0, 8) } : {}) }) as Queue
  const key = keyed ? { orderingKey: (order: { readonly customerId: string }) => order.customerId } : {}
  if (job.body === 'json') return queue<Order>('bench', key) as Queue
  return queue('bench', { schema: Order, ...key }) as Queue
}

function middleware({ reliable, idleProcess: count }: MemoryJob): NonNullable<ConsumeOptions['use']> {
  const idle = Array.from({ length: count }, () => (_context: unknown, next: () => unknown) => next())
  return reliable ? [idempotency({ store: memoryStore({ clock: systemClock }) }), retry({ maxAttempts: 5 }), ...idle] : idle
}

const idleSend: SendFunction = (_context, next) => next()

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
