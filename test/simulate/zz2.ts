import { runSchedule } from './program.ts'
import { ConsumerEngine } from '../../packages/core/src/consumer/engine.ts'
import { Settler } from '../../packages/core/src/consumer/settler.ts'
const P = ConsumerEngine.prototype as any
const log = (...a: any[]) => console.log(...a)
const from = Number(process.argv[3] ?? 0), to = Number(process.argv[4] ?? 1e12)
const idOf = (d: any) => { try { return JSON.parse(d.incoming.body as string).id + '(' + d.incoming.key + ')' } catch { return '?' } }
const names = new Map<any, string>()
const nm = (e: any) => { if (!names.has(e)) names.set(e, 'E' + (names.size + 1)); return names.get(e) }
const ok = (e: any) => e.clock.monotonic() >= from && e.clock.monotonic() <= to
const wrap = (n: string, f: (t: any, a: any[]) => string) => { const o = P[n]; P[n] = function (...a: any[]) { if (ok(this)) log(this.clock.monotonic().toFixed(1), nm(this), n, f(this, a), JSON.stringify(this.stats)); return o.apply(this, a) } }
wrap('deliver', (_, [ds]) => ds.map((d: any) => idOf(d) + '#' + d.brokerAttempts).join(' '))
wrap('settle', (_, [t, o]) => idOf(t.delivery) + ' ' + o.action)
wrap('hold', (_, [t, ms]) => idOf(t.delivery) + ' ' + ms)
wrap('lost', (_, [s]) => s.id)
wrap('forget', (_, [t]) => idOf(t.delivery) + ' ' + t.phase)
const so = (Settler.prototype as any).flush
await runSchedule(Number(process.argv[2]))
