import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { load } from '../lazy.ts'
import { assertKnownKeys } from '../nearest.ts'
import { systemClock } from '../system-clock.ts'
import type { BrokerConfiguration, ConnectOptions } from './types.ts'

const known = ['drivers', 'destinations', 'naming', 'provision', 'clock', 'random', 'log', 'telemetry']

/**
 * A broker by configuration alone: a driver's URL (`memory:`, `amqps://…`), a JSON file (`file:` URL or path ending in `.json`), or an object like such a file.
 * Only the drivers given are known, so that bundles hold no others. As with `createBroker`, nothing is connected until `start`, the first send or the first consume.
 *
 * Throws `ERR_CONFIGURATION` for what is unknown or illegal, naming the nearest known word and never a value that may be secret.
 *
 * ```ts
 * const broker = await connect(process.env.BUSBAR_URL ?? 'memory:', { drivers: [memory, amqp], destinations })
 * ```
 */
export async function connect(configuration: string | URL | BrokerConfiguration, options: ConnectOptions): Promise<Broker> {
  assertKnownKeys('connect', options, known)
  // A clock of the program's is used by nothing before the broker has checked it.
  const { configured } = await load(systemClock, 'configured')
  return createBroker(await configured(configuration, options))
}
