import type { Driver, DriverFactory } from '@busbar/core/driver'
import { memory, type FaultRule } from '@busbar/memory'
import type { Backend, BackendOptions } from '../broker.ts'

/** Small faults that strike all the time; connections and consumers are cut and killed besides. */
const rules: readonly FaultRule[] = [
  { at: { operation: 'send', every: 40 }, fault: { kind: 'lose-response' } },
  { at: { operation: 'send', every: 33 }, fault: { kind: 'duplicate' } },
  { at: { operation: 'settle', every: 25 }, fault: { kind: 'lose-ack' } },
  { at: { operation: 'deliver', every: 30 }, fault: { kind: 'duplicate' } },
  { at: { operation: 'deliver', every: 45 }, fault: { kind: 'steal-lease' } },
]

/** Two brokers of this program connect to it, and a URL by itself would make one each. */
function sharing(driver: Driver): DriverFactory {
  return Object.assign(() => driver, { schemes: memory.schemes, fromUrl: () => driver, fromConfiguration: () => driver })
}

/** The same, without faults, for what another backend has no place for. */
export function sharedMemory(): DriverFactory {
  return sharing(memory())
}

/** A broker in this process. */
export function memoryBackend({ faults }: BackendOptions): Backend {
  const driver = memory(faults ? { faults: { rules } } : {})
  const cut = { text: 'all connections cut for 200 ms; answers get lost all the time', strike: async () => driver.dropConnections(200) }
  const crash = { text: 'all consumers taken for dead', strike: async () => driver.crashConsumers() }
  return {
    title: 'the memory driver, in this process',
    configuration: () => 'memory:',
    drivers: [sharing(driver)],
    faults: faults ? [cut, crash, cut, crash] : [],
    async [Symbol.asyncDispose]() {},
  }
}
