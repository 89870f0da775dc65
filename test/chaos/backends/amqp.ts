import { setTimeout as pause } from 'node:timers/promises'
import { isSkipped, startProxy, startRabbitmq, type RabbitmqBed, type Skipped } from '../../brokers/index.ts'
import type { Backend, BackendFault, Lent } from './backend.ts'
import { killed, paused, proxyFaults, restarted } from './proxy-faults.ts'

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
    settings: { kind: 'queue', configuration: { driver: { name: 'amqp', url: proxy.through(bed.url), ...options } }, env: {} },
    faults: [...proxyFaults(proxy), killed('RabbitMQ', bed), restarted('RabbitMQ', bed), paused('RabbitMQ', bed), blocked(bed)],
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

/** The memory alarm: who publishes is told to stop, and consumers go on. */
function blocked(bed: RabbitmqBed): BackendFault {
  return {
    name: 'publishers blocked',
    lastsMs: [500, 2_000],
    async strike(lastsMs) {
      await bed.setMemoryAlarm(true)
      await pause(lastsMs)
      await bed.setMemoryAlarm(false)
    },
  }
}
