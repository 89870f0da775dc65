import { createBroker } from '../broker/create-broker.ts'
import type { Broker, Route } from '../broker/types.ts'
import { assertKnownKeys } from '../nearest.ts'
import { fail } from '../broker/check-options.ts'
import { DriverRegistry } from './driver-registry.ts'
import { readConfiguration } from './read-configuration.ts'
import type { BrokerConfiguration, ConnectOptions, RouteConfiguration } from './types.ts'

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
  const { drivers, ...rest } = options
  const registry = new DriverRegistry(drivers)
  const { driver, routes, emulate, provision } = await readConfiguration(configuration)
  if (provision !== undefined && rest.provision !== undefined) fail('connect: provision is in the configuration and in the code; write it once')
  return createBroker({
    ...rest,
    driver: registry.driver('driver', driver),
    routes: Object.fromEntries(Object.entries(routes ?? {}).map(([name, route]) => [name, routeOf(`routes.${name}`, route, registry)])),
    ...(emulate === undefined ? {} : { emulate }),
    ...(provision === undefined ? {} : { provision }),
  })
}

function routeOf(what: string, configuration: RouteConfiguration | string, registry: DriverRegistry): Route {
  if (typeof configuration === 'string') return { driver: registry.driver(what, configuration) }
  const { driver, deadLetter, ...route } = configuration
  return {
    ...route,
    ...(driver === undefined ? {} : { driver: registry.driver(`${what}.driver`, driver) }),
    ...(deadLetter === undefined ? {} : { deadLetter: deadLetterOf(`${what}.deadLetter`, deadLetter, registry) }),
  }
}

function deadLetterOf(what: string, deadLetter: NonNullable<RouteConfiguration['deadLetter']>, registry: DriverRegistry): NonNullable<Route['deadLetter']> {
  if (typeof deadLetter === 'string') return deadLetter
  const { driver, ...rest } = deadLetter
  return { ...rest, ...(driver === undefined ? {} : { driver: registry.driver(`${what}.driver`, driver) }) }
}
