import { createBroker, queue, systemClock, text } from '@busbar/core'
import { memory, memoryStore } from '@busbar/memory'
import { idempotency, retry } from '@busbar/middleware'
import { texts } from './bodies.ts'
import { Meter } from './engine/meter.ts'
const o = { keys: 0, retry: false, idem: false, n: 600000, chunk: 500, ttlMs: 86400000, conc: 256, inflight: 512, backlog: 10000, ...JSON.parse(process.argv[2] ?? '{}') }
const q = queue('bench', { codec: text, ...(o.keys ? { orderingKey: (b: string) => b.slice(0, 8) } : {}) })
const broker = createBroker({ driver: memory(), destinations: [q], provision: 'create' })
const p = broker.producer(q)
const meter = new Meter(100000, o.n)
const use = [...(o.idem ? [idempotency({ store: memoryStore({ clock: systemClock }), ttlMs: o.ttlMs, onMismatch: o.mismatch ?? 'dead-letter' })] : []), ...(o.retry ? [retry({ maxAttempts: 5 })] : [])]
await broker.consume(q, () => meter.tick(), { concurrency: o.conc, maxInFlight: o.inflight, use })
const v = Math.max(1024, o.keys); const all = texts(v)
let maxBack = 0
for (let sent = 0; sent < meter.total; sent += o.chunk) {
  const bodies = Array.from({ length: Math.min(o.chunk, meter.total - sent) }, (_, i) => all[(sent + i) % v] as string)
  await p.sendBatch(bodies)
  maxBack = Math.max(maxBack, sent - meter.count)
  while (sent - meter.count > o.backlog) await new Promise((r) => setImmediate(r))
}
const s = await meter.done
console.log(JSON.stringify(o), Math.round(s.messages / s.seconds), (s.cpuMicros / s.messages).toFixed(2), 'wall', (s.seconds / s.messages * 1e6).toFixed(2), 'maxBacklog', maxBack)
process.exit(0)
