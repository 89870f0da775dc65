import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { amqp } from '@busbar/amqp'
import { createBroker } from '@busbar/core'
import { idempotency, retry } from '@busbar/middleware'
import { redisStore } from '@busbar/redis'
import { jobs } from './jobs.ts'

// node consumer.ts <AMQP URL> <Redis URL> <file>: has one effect per job, a line in the file, until its input ends.

const [amqpUrl = '', redisUrl = '', effects = ''] = process.argv.slice(2)
const broker = createBroker({ driver: amqp({ url: amqpUrl }), destinations: [jobs], log: () => {} })
await using store = redisStore({ url: redisUrl, timeoutMs: 1_000 })
let storeFailures = 0

await broker.consume(
  jobs,
  async (message) => {
    await sleep(1)
    appendFileSync(effects, `${message.id}\n`)
  },
  { concurrency: 16, use: [idempotency({ store, onStoreFailure: () => storeFailures++ }), retry()] },
)
process.stdout.write('ready\n')
for await (const _ of process.stdin);
await broker.drain()
process.stdout.write(`${storeFailures} store failures\n`)
