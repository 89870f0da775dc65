import { fail } from '../broker/check-options.ts'
import type { BrokerOptions, Route } from '../broker/types.ts'
import { DriverRegistry } from './driver-registry.ts'
import { readConfiguration } from './read-configuration.ts'
import type { BrokerConfiguration, ConnectOptions, RouteConfiguration } from './types.ts'

/** The options of a broker that `configuration` stands for. Throws `ERR_CONFIGURATION`. */
export async function configured(configuration: string | URL | BrokerConfiguration, { drivers, ...options }: ConnectOptions): Promise<BrokerOptions> {
  const registry = new DriverRegistry(drivers)
  const { driver, routes, emulate, provision } = await readConfiguration(configuration)
  if (provision !== undefined && options.provision !== undefined) fail('connect: provision is in the configuration and in the code; write it once')
  return {
    ...options,
    driver: registry.driver('driver', driver),
    routes: Object.fromEntries(Object.entries(routes ?? {}).map(([name, route]) => [name, routeOf(`routes.${name}`, route, registry)])),
    ...(emulate === undefined ? {} : { emulate }),
    ...(provision === undefined ? {} : { provision }),
  }
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
