import type { BrokerConfiguration } from '@busbar/core'
import { mqtt } from '@busbar/mqtt'
import { isSkipped, skipOrFail, startMosquitto, startProxy, type MosquittoBed } from '../../brokers/index.ts'
import type { Backend, BackendOptions, Fault } from '../broker.ts'
import { sharedMemory } from './memory.ts'

/** A mosquitto of our own, by MQTT 5. */
export async function mqttBackend({ faults, maySkip, say }: BackendOptions): Promise<Backend | undefined> {
  const found = await startMosquitto({ own: true, onProgress: say })
  if (isSkipped(found) && !maySkip) throw new Error(`there is no mosquitto to run on: ${found.reason}. To get one, ${found.remedy}`)
  const bed = skipOrFail(found)
  if (bed === undefined) return undefined
  const proxy = faults ? await startProxy(Number(new URL(bed.url).port)) : undefined
  const url = proxy?.through(bed.url) ?? bed.url
  return {
    title: `mosquitto ${bed.version} (${bed.how}), by MQTT 5; dead letters are in memory, since MQTT has no way to look into a queue`,
    configuration: (destinations) => configurationFor(url, destinations),
    drivers: [mqtt, sharedMemory()],
    faults: proxy === undefined ? [] : faultsOf(bed, proxy),
    async [Symbol.asyncDispose]() {
      await proxy?.close()
      await bed[Symbol.asyncDispose]()
    },
  }
}

function configurationFor(url: string, destinations: readonly string[]): BrokerConfiguration {
  const deadLetter = { driver: 'memory:' }
  // Competing consumers have no order: what has keys goes through one session.
  const routes = { positions: { deadLetter, options: { members: 1 } }, 'delivery-orders': { deadLetter }, arrivals: { deadLetter }, routes: { deadLetter } }
  return {
    driver: { name: 'mqtt', url, reconnectMaxMs: 500, timeoutMs: 5_000 },
    // MQTT does not filter by body, so the consumer of a filtered subscription does.
    emulate: ['filter'],
    routes: Object.fromEntries(Object.entries(routes).filter(([name]) => destinations.includes(name))),
  }
}

/** No kill: mosquitto would lose what it has confirmed since its last snapshot. */
function faultsOf(bed: MosquittoBed, proxy: Awaited<ReturnType<typeof startProxy>>): readonly Fault[] {
  const cut: Fault = { text: 'all connections cut', strike: async () => proxy.cut() }
  const reset: Fault = { text: 'all connections reset', strike: async () => proxy.reset() }
  const restart: Fault = {
    text: 'the broker stopped (SIGTERM) and started again',
    async strike() {
      await bed.stop()
      await bed.start()
    },
  }
  return [cut, restart, reset]
}
