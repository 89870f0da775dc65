import { isSkipped, startProxy, startRabbitmq, type Skipped } from '../../brokers/index.ts'
import type { Backend, Lent } from './backend.ts'
import { rabbitmqFaults } from './server-faults.ts'

/** RabbitMQ, 4.0 if it is to be had and else 3.10: real, and durable. */
export async function amqpBackend({ say }: Lent): Promise<Backend | Skipped> {
  const newer = await startRabbitmq({ version: '4.0', own: true, onProgress: say })
  const bed = isSkipped(newer) ? await startRabbitmq({ version: '3.10', own: true, onProgress: say }) : newer
  if (isSkipped(bed)) return { ...bed, broker: 'chaos on RabbitMQ' }
  const proxy = await startProxy(Number(new URL(bed.url).port))
  const options = { partitions: 4, rebalanceMs: 500, reconnectMaxMs: 500, timeoutMs: 2_000, heartbeatMs: 1_000, delays: false }
  return {
    title: `RabbitMQ ${bed.version} (${bed.how})`,
    ordered: true,
    // By two partitions each.
    shared: true,
    settings: { kind: 'queue', configuration: { driver: { name: 'amqp', url: proxy.through(bed.url), ...options } }, env: {} },
    faults: rabbitmqFaults(proxy, bed),
    // It writes definitions to disk by and by, and a queue declared just before a kill can be gone: here they are old, as in production.
    async ready() {
      await bed.stop()
      await bed.start()
    },
    async [Symbol.asyncDispose]() {
      await proxy.close()
      await bed[Symbol.asyncDispose]()
    },
  }
}
