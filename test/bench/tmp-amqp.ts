import { runAmqp } from './subjects/amqp-subject.ts'
import { rawAmqplib } from './subjects/raw-amqplib.ts'
import { busbarAmqp } from './subjects/busbar-amqp.ts'
import { cloudamqpClient } from './subjects/cloudamqp-client.ts'
const which = { raw: rawAmqplib, busbar: busbarAmqp, cloud: cloudamqpClient }[process.argv[2]!]!
const job = { action: 'publish', url: process.env['URL']!, queue: 'q' + process.pid, body: 'bytes', inFlight: 500, prefetch: 200, warmup: 5000, messages: 40000, ...JSON.parse(process.argv[3] ?? '{}') } as never
const s = await runAmqp(which, job)
console.log(process.argv[2], (job as any).queue, Math.round(s.messages / s.seconds), (s.cpuMicros / s.messages).toFixed(2))
process.exit(0)
