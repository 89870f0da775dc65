import { createBroker, queue, text } from '@busbar/core'
import type { Capabilities, Delivery, Driver, Headers, Intake } from '@busbar/core/driver'
import { textOf } from '../bodies.ts'
import { heapBytes } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'

/** A consumer holds so many messages at once, each with an ordering key of its own or without any. */
export interface HeldKeysJob {
  readonly held: number
  readonly keyed: boolean
}

const chunk = 1_000

/** Bytes of heap per message held, by full collection. Messages and keys are made before: what is counted is what core adds to each. */
export async function runHeldKeys({ held, keyed }: HeldKeysJob): Promise<Sample> {
  const driver = new Holding()
  const destination = queue('bench', { codec: text, ...(keyed ? { orderingKey: (body: string) => body.slice(0, 8) } : {}) })
  const broker = createBroker({ driver, destinations: [destination], routes: { bench: { deadLetter: 'drop' } }, provision: 'none', log: () => undefined })
  const deliveries = Array.from({ length: held }, (_, index) => deliveryOf(index))
  const consumer = await broker.consume(destination, () => new Promise<never>(() => {}), {
    concurrency: 1,
    maxInFlight: held,
    maxInFlightBytes: Number.MAX_SAFE_INTEGER,
  })
  const empty = heapBytes()
  const cpu = process.cpuUsage()
  const began = performance.now()
  for (let at = 0; at < held; at += chunk) driver.intake?.deliver(deliveries.slice(at, at + chunk))
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const bytes = heapBytes() - empty
  const { held: count, keys } = consumer.stats
  if (count !== held || keys !== (keyed ? held : 0)) throw new Error(`${count} messages of ${keys} keys are held`)
  await broker.close()
  return { messages: held, seconds, cpuMicros: user + system, numbers: { bytesPerMessage: bytes / held } }
}

/** Delivers what it is given, and nothing else: all that is held is core's. */
class Holding implements Driver {
  readonly name = 'holding'
  intake: Intake | undefined

  capabilities(): Capabilities {
    return capabilities
  }

  address({ name }: { readonly name: string }): string {
    return name
  }

  async connect(): ReturnType<Driver['connect']> {
    return {
      native: this,
      inspect: async () => capabilities,
      sender: () => ({ send: async () => [], sizeOf: () => 0, writable: true, onWritable: undefined, close: async () => {} }),
      receiver: (_endpoint, intake) => {
        this.intake = intake
        return {
          start: async () => {},
          settle: async (outcomes) => outcomes.map(() => 'accepted' as const),
          resize: () => {},
          pause: async () => {},
          resume: async () => {},
          handBack: async () => {},
        }
      },
      health: () => ({ state: 'connected' }),
      close: async () => {},
    }
  }
}

const scope = { id: 'all' }
const headers: Headers = {}

function deliveryOf(index: number): Delivery {
  const body = textOf(index).slice(0, 16)
  return {
    scope,
    incoming: {
      id: body,
      body,
      bodyBytes: body.length,
      headers,
      type: undefined,
      contentType: 'text/plain',
      timestamp: 0,
      key: body.slice(0, 8),
      attempt: 0,
      correlationId: undefined,
      replyTo: undefined,
      position: undefined,
      native: undefined,
    },
    sameAs: undefined,
    brokerAttempts: undefined,
    leaseUntil: undefined,
  }
}

const capabilities: Capabilities = Object.freeze<Capabilities>({
  kind: 'queue',
  delivery: 'at-least-once',
  ordering: 'key',
  keyHold: 'process',
  lease: false,
  settlement: { mode: 'individual', maxBatch: 1_000, lingerMs: 0 },
  releaseCounts: false,
  batchOrder: 'atomic',
  callOrder: 'kept',
  redelivery: { immediate: false, delayed: false, onReconnect: true },
  delay: false,
  deduplication: false,
  deadLetter: 'none',
  peek: 'none',
  redrive: 'none',
  replay: false,
  filter: 'none',
  headerFilter: 'none',
  addressTemplates: 'none',
  deliveryAttempt: 'none',
  maxMessageBytes: 1_000_000,
  maxHeaders: false,
  maxBatch: { messages: 1_000, bytes: 1_000_000, inFlight: 1 },
  competingConsumers: true,
  subscriptions: false,
  requestReply: false,
  timeToLive: false,
  priority: false,
  stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
  timestampResolutionMs: 1,
  confirms: true,
})
