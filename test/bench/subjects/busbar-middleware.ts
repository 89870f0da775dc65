import { constant, createBroker, queue, systemClock, text, type Message, type ProcessMiddleware, type Queue, type SendMiddleware } from '@busbar/core'
import { memory, memoryStore } from '@busbar/memory'
import {
  circuitBreaker,
  claimCheck,
  claimFetch,
  compression,
  concurrencyLimit,
  decompression,
  decryption,
  encryption,
  idempotency,
  localKeys,
  rateLimit,
  retry,
  sendOnce,
  timeout,
} from '@busbar/middleware'
import { memoryBodyStore } from '../../middleware/memory-body-store.ts'
import { texts } from '../bodies.ts'
import { Meter } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'
import { checkAcked, sendTogether, turn } from './busbar-memory.ts'

/** A chain around a handler, and what the handler does. */
export interface MiddlewareJob {
  readonly chain: ChainName
  readonly handler: HandlerName
  readonly warmup: number
  readonly messages: number
}

export type HandlerName = 'returns' | 'awaits' | 'fails one in ten'

interface Chain {
  readonly use?: () => readonly ProcessMiddleware[]
  readonly sending?: () => readonly SendMiddleware[]
}

/** Nobody ever comes near it. */
const plenty = 1_000_000
const never = 1_000_000_000

const keys = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 1) } })
const atOnce = (): ProcessMiddleware => retry({ backoff: constant(0) })

const chains = {
  bare: {},
  retry: { use: () => [atOnce()] },
  'retry, circuitBreaker': { use: () => [atOnce(), circuitBreaker({ failureRate: 0.9 })] },
  idempotency: { use: () => [idempotency({ store: memoryStore({ clock: systemClock }) })] },
  timeout: { use: () => [timeout({ ms: 60_000 })] },
  rateLimit: { use: () => [rateLimit({ perSecond: plenty, burst: plenty })] },
  'rateLimit by key': { use: () => [rateLimit({ perSecond: plenty, burst: plenty, key: ({ body }: Message) => (body as string).slice(0, 8) })] },
  circuitBreaker: { use: () => [circuitBreaker({ failures: 5 })] },
  concurrencyLimit: { use: () => [concurrencyLimit({ max: 256 })] },
  'concurrencyLimit, a line': { use: () => [concurrencyLimit({ max: 16 })] },
  decompression: { use: () => [decompression()] },
  decryption: { use: () => [decryption({ keys, allowPlain: true })] },
  claimFetch: { use: () => [claimFetch({ store: memoryBodyStore() })] },
  compression: { sending: () => [compression({ minBytes: never })] },
  claimCheck: { sending: () => [claimCheck({ store: memoryBodyStore(), minBytes: never })] },
  sendOnce: { sending: () => [sendOnce({ store: memoryStore({ clock: systemClock }) })] },
  'compression, decompression': { sending: () => [compression({ minBytes: 1 })], use: () => [decompression()] },
  'encryption, decryption': { sending: () => [encryption({ keys })], use: () => [decryption({ keys })] },
  'claimCheck, claimFetch': (() => {
    const store = memoryBodyStore()
    return { sending: () => [claimCheck({ store, minBytes: 1 })], use: () => [claimFetch({ store })] }
  })(),
} satisfies Readonly<Record<string, Chain>>

export type ChainName = keyof typeof chains

/** Sends that are made together, and awaited. */
const chunk = 500
const maxBacklog = 10_000

export async function runMiddleware(job: MiddlewareJob): Promise<Sample> {
  const { use, sending }: Chain = chains[job.chain]
  const destination = queue('bench', { codec: text }) as Queue
  // What is tried again is tried at once: the waits are not what is measured.
  const broker = createBroker({ driver: memory(), destinations: [destination], provision: 'create', random: () => 0, log: () => undefined })
  const producer = broker.producer(destination, { use: sending?.() ?? [] })
  const meter = new Meter(job.warmup, job.messages)
  const consumer = await broker.consume(destination, handlerOf(job.handler, meter), { concurrency: 256, maxInFlight: 512, use: use?.() ?? [] })
  const send = async (): Promise<void> => {
    const all = texts()
    for (let sent = 0; sent < meter.total; sent += chunk) {
      await sendTogether(
        producer,
        Array.from({ length: Math.min(chunk, meter.total - sent) }, (_, index) => all[(sent + index) % all.length] as string),
      )
      while (sent - meter.count > maxBacklog) await turn()
    }
  }
  const failed = consumer.closed.then(() => Promise.reject(new Error('the consumer has ended early')))
  const [, sample] = await Promise.race([Promise.all([send(), meter.done]), failed])
  await checkAcked(broker, destination)
  return sample
}

function handlerOf(name: HandlerName, meter: Meter): (message: Message) => unknown {
  if (name === 'returns') return () => meter.tick()
  if (name === 'awaits')
    return async () => {
      await Promise.resolve()
      meter.tick()
    }
  let started = 0
  return ({ attempt }) => {
    if (attempt === 1 && ++started % 10 === 0) throw new Error('not yet')
    meter.tick()
  }
}
