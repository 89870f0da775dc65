import { amqp } from '@busbar/amqp'
import { systemClock } from '@busbar/core'
import { startRabbitmq, isSkipped } from '../../brokers/index.ts'
const bed = await startRabbitmq({ version: '4.0' })
if (isSkipped(bed)) throw new Error('skipped')
const url = await bed.createVhost('repro')
const d = amqp({ url })
const services = { clock: systemClock, random: Math.random, log: () => {}, meter: () => {} }
const s = new AbortController().signal
const ep = { destination: 'q', kind: 'queue' as const, name: 'q', keyed: false, maxAttempts: 0, options: {} }
const link = await d.connect(services, s)
await link.topology!.apply([ep], await link.topology!.plan([ep], s), s)
const sender = link.sender(ep)
const m = (body: string) => ({ id: body, body, bodyBytes: body.length, headers: {}, type: undefined, contentType: undefined, timestamp: Date.now(), key: undefined, attempt: 0, deduplicationId: undefined, delayMs: undefined, timeToLiveMs: undefined, priority: undefined, correlationId: undefined, replyTo: undefined })
console.log(await sender.send(['m-1', 'm-2', 'm-3', 'm-4', 'm-5'].map(m), s))
const got: any[] = []
const rec = (name: string, l: any, ack: boolean) => { const r: any = (l.receiver as any)(ep, { deliver: (ds: any[]) => { for (const x of ds) { console.log(name, String(Buffer.from(x.incoming.body)), x.brokerAttempts, x.native?.fields?.deliveryTag); got.push(x) } if (ack) void r.settle(ds.map((delivery) => ({ delivery, action: 'ack' }))) }, lost: () => console.log(name, 'lost'), revoke: async () => {}, failed: (e: any) => console.log(name, 'failed', e.message) }, { messages: 1000, bytes: 1e9 }); return r }
const r1 = rec('r1', link, false)
await r1.start()
await new Promise((r) => setTimeout(r, 500))
console.log(await r1.settle([{ delivery: got.find((x) => String(Buffer.from(x.incoming.body)) === 'm-3'), action: 'ack' }]))
await r1.pause(); await r1.handBack()
const l2 = await d.connect(services, s)
const r2 = rec('r2', l2, process.argv[2] === 'ack')
await r2.start()
await new Promise((r) => setTimeout(r, 1500))
await r2.settle([{ delivery: got.at(-1), action: 'retry', delayMs: 0, attempt: 1 }])
await new Promise((r) => setTimeout(r, 1000))
await bed[Symbol.asyncDispose]()
process.exit(0)
