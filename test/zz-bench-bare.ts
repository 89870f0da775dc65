import { runMemory } from './bench/subjects/busbar-memory.ts'
const [body, messages] = process.argv.slice(2)
const sample = await runMemory({ body: body as 'text', send: 'sendBatch', keys: 10_000, reliable: false, idleProcess: 0, idleSend: 0, warmup: Math.round(Number(messages) / 10), messages: Number(messages) })
console.log(body, JSON.stringify(sample))
process.exit()
