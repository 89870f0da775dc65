import { memory, virtualClock } from '@busbar/memory'
const clock = virtualClock()
const broker = memory({ clock, missing: 'create', trace: (l) => console.log(l) })
const services = { clock, random: () => 0.5, log: () => {}, meter: () => {} }
const s = new AbortController().signal
const link = await broker.connect(services, s)
const ep = { destination: 'q', kind: 'queue' as const, name: 'q', keyed: true, maxAttempts: 0, options: {} }
const sender = link.sender(ep)
let n = 0
const m = (body: string, key: string) => ({ id: `m${++n}`, body, bodyBytes: body.length, headers: {}, type: undefined, contentType: undefined, timestamp: 0, key, attempt: 0, deduplicationId: undefined, delayMs: undefined, timeToLiveMs: undefined, priority: undefined, correlationId: undefined, replyTo: undefined })
const out = []
for (let i = 1; i <= 4; i++) for (const k of ['a', 'b']) out.push(m(`${k}:${i}`, k))
await sender.send(out, s)
const got: any[] = []
const intake = (n: string) => ({ deliver: (ds: any) => { got.push(...ds); console.log(clock.monotonic(), n, ds.map((d: any) => d.incoming.body)) }, lost: () => console.log('lost'), revoke: async () => {}, failed: () => {} })
const r1 = link.receiver(ep, intake('r1'), { messages: 4, bytes: 1e6 })
await r1.start()
await new Promise((r) => setImmediate(r))
await r1.settle([{ delivery: got[0], action: 'ack' }])
await r1.pause()
const l2 = await broker.connect(services, s)
const r2 = l2.receiver(ep, intake('r2'), { messages: 100, bytes: 1e6 })
await r2.start()
await new Promise<void>((r) => clock.timer(100_000, () => r()))
process.exit(0)
