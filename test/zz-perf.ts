import { createBroker, queue, text, systemClock } from '@busbar/core'
import { memory, memoryStore as newStore } from '@busbar/memory'
import { retry as newRetry } from '@busbar/middleware/retry'
import { idempotency as newIdem } from '@busbar/middleware/idempotency'
import { memoryStore as oldStore } from './zz-old/memory-store.ts'
import { retry as oldRetry } from './zz-old/mw/retry/retry.ts'
import { idempotency as oldIdem } from './zz-old/mw/idempotency/idempotency.ts'
const [which, count, json] = process.argv.slice(2)
const N = Number(count ?? 500000)
const q = json ? queue<any>('q', { orderingKey: (b) => b.customerId }) : queue<any>('q', { codec: text, orderingKey: (b: any) => b.slice(0, 8) })
const use = which === 'bare' ? [] : which === 'old' ? [oldIdem({ store: oldStore({ clock: systemClock }) }), oldRetry({ maxAttempts: 5 })]
  : [newIdem({ store: newStore({ clock: systemClock }) }), newRetry({ maxAttempts: 5 })]
const broker = createBroker({ driver: memory(), destinations: [q], provision: 'create' })
let n = 0
let done!: () => void
const pad = 'x'.repeat(json ? 150 : 248)
const bodies = Array.from({ length: 10000 }, (_, i) => json ? { customerId: 'c' + i, total: i, lines: [{ sku: 'a' + i, n: 2 }, { sku: 'b', n: 3 }], pad } : String(i).padStart(8, '0') + pad)
const p = broker.producer(q)
let k = 0
await broker.consume(q, () => { if (++n === N) done() }, { concurrency: 256, maxInFlight: 512, use: use as any })
const out: string[] = []
for (let round = 0; round < 4; round++) {
  n = 0
  const all = new Promise<void>((r) => (done = r))
  const t = performance.now(), c = process.cpuUsage()
  for (let i = 0; i < N; i += 500) { await p.sendBatch(Array.from({ length: 500 }, () => bodies[k++ % 10000])); while (i - n > 10000) await new Promise((r) => setImmediate(r)) }
  await all
  const ms = performance.now() - t, u = process.cpuUsage(c)
  out.push(`${Math.round(N / ms * 1000 / 1000)}k/s ${((u.user + u.system) / N).toFixed(2)}us`)
}
console.log(which, out.join(' | '), Math.round(process.memoryUsage().rss / 1e6) + 'MB')
await broker.close()
