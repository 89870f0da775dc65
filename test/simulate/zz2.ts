import { runSchedule } from './program.ts'
import { violations } from './check.ts'
import { ConsumerEngine } from '../../packages/core/src/consumer/engine.ts'
const want = process.argv[3]!.split(',')
const idOf = (d: any) => { try { return JSON.parse(d.incoming.body as string).id } catch { return '?' } }
const P = ConsumerEngine.prototype as any
const names = new Map<any, string>()
const nm = (e: any) => { if (!names.has(e)) names.set(e, 'E' + (names.size + 1)); return names.get(e) }
const byScope = new Map<any, string>()
const dl = P.deliver; P.deliver = function (ds: any) { for (const d of ds) { byScope.set(d.scope, idOf(d)); if (want.includes(idOf(d))) console.log(this.clock.monotonic().toFixed(1), nm(this), 'deliver', idOf(d), d.brokerAttempts, d.sameAs, d.scope.id, d.incoming.key) } return dl.call(this, ds) }
const st = P.settle; P.settle = function (t: any, o: any, a: any) { if (want.includes(idOf(t.delivery))) console.log(this.clock.monotonic().toFixed(1), nm(this), 'settle', idOf(t.delivery), o.action, 'attempt', t.attempt, t.delivery.sameAs); return st.call(this, t, o, a) }
const hd = P.hold; P.hold = function (t: any, ms: any) { if (want.includes(idOf(t.delivery))) console.log(this.clock.monotonic().toFixed(1), nm(this), 'hold', idOf(t.delivery), ms, 'attempt', t.attempt); return hd.call(this, t, ms) }
const ls = P.lost; P.lost = function (s: any, r: any) { if (want.includes(byScope.get(s)!)) console.log(this.clock.monotonic().toFixed(1), nm(this), 'lost scope', s.id, byScope.get(s), r.message); return ls.call(this, s, r) }
const fg = P.forget; P.forget = function (t: any) { if (want.includes(idOf(t.delivery))) console.log(this.clock.monotonic().toFixed(1), nm(this), 'forget', idOf(t.delivery), t.phase); return fg.call(this, t) }
const { history, trace, profile, promised } = await runSchedule(Number(process.argv[2]))
console.log(profile, history.concluded.filter((x: string) => want.includes(x)).join(' '))
const ids = new Set([...trace].map(l => l.split(' ')[3]))
if (process.argv[4]) for (const l of trace) if (process.argv[4].split(',').includes(l.split(' ')[3]!) || l.includes(' fault ')) console.log('   ', l)
console.log(violations(history, promised))
