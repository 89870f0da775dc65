// One process of a group: handles both subscriptions, and writes down what it has handled. Drains when its input ends.
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { idempotency } from '@busbar/middleware/idempotency'
import { redisStore } from '@busbar/redis'
import { brokerOf, concurrency, maxInFlight, once, plain } from './positions.ts'

const [url = '', accessKeyId = '', redisUrl = '', folder = ''] = process.argv.slice(2)
const store = redisStore({ url: redisUrl })
const broker = brokerOf({ url, credentials: { accessKeyId, secretAccessKey: 'test' } }, store)

for (const source of [plain, once]) {
  const use = source === once ? [idempotency({ store, ttlMs: 600_000, leaseMs: 20_000 })] : []
  await broker.consume(
    source,
    async ({ body: { truckId, number } }) => {
      await pause(5 * Math.random())
      // One write of one line: whoever is killed has written all of it, or nothing.
      appendFileSync(`${folder}/${source.name}`, `${truckId} ${number}\n`)
    },
    { concurrency, maxInFlight, use },
  )
}
console.log('ready')
for await (const _ of process.stdin);
await broker.drain()
await store.close()
