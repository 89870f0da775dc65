import { startProxy, type Skipped } from '../../brokers/index.ts'
import { sqsBackend } from './aws.ts'
import type { Backend, Lent } from './backend.ts'
import { redisFaults } from './server-faults.ts'

/** The store of claims: a real Redis that syncs what it answers. The messages are on the simulator of SQS, which is left alone. */
export async function redisBackend({ redis }: Lent): Promise<Backend | Skipped> {
  if (redis === undefined) return { skipped: true, broker: 'chaos on Redis', reason: 'there is no Redis', remedy: 'see what was said about Redis 7' }
  const sqs = await sqsBackend()
  const proxy = await startProxy(Number(new URL(redis.url).port))
  return {
    ...sqs,
    title: `Redis ${redis.version} (${redis.how}) with appendfsync always, for messages of ${sqs.title}`,
    redisUrl: proxy.through(redis.url),
    faults: redisFaults(proxy, redis),
    async [Symbol.asyncDispose]() {
      await proxy.close()
      await sqs[Symbol.asyncDispose]()
    },
  }
}
