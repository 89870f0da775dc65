import { isSkipped, startMosquitto, startProxy, type Skipped } from '../../brokers/index.ts'
import type { Backend, Lent } from './backend.ts'
import { mosquittoFaults } from './server-faults.ts'

/** What has piled up behind a fault must fit: mosquitto does not even start with more in its database. */
const memoryLimitBytes = 2 * 2 ** 30

/** mosquitto by MQTT 5: real. */
export async function mqttBackend({ say }: Lent): Promise<Backend | Skipped> {
  const bed = await startMosquitto({ own: true, config: { memory_limit: memoryLimitBytes }, onProgress: say })
  if (isSkipped(bed)) return { ...bed, broker: 'chaos on mosquitto' }
  const proxy = await startProxy(Number(new URL(bed.url).port))
  const options = { reconnectMaxMs: 500, timeoutMs: 2_000, keepaliveMs: 2_000, rebalanceMs: 500 }
  return {
    title: `mosquitto ${bed.version} (${bed.how}), MQTT 5`,
    ordered: true,
    // By one session, from which one process at a time receives.
    shared: false,
    settings: {
      kind: 'queue',
      configuration: {
        driver: { name: 'mqtt', url: proxy.through(bed.url), ...options },
        // Members that compete have no order: what has keys goes through one session.
        routes: { jobs: { options: { members: 1 } } },
      },
      env: {},
    },
    faults: mosquittoFaults(proxy, bed),
    async [Symbol.asyncDispose]() {
      await proxy.close()
      await bed[Symbol.asyncDispose]()
    },
  }
}
