import { destinationOf, labelOf } from '../definitions/parts-of.ts'
import type { TopicTemplate } from '../definitions/topic-template.ts'
import type { AnyDefinition, AnyDestination, AnySource, Subscription } from '../definitions/types.ts'
import type { Capabilities, Driver, Endpoint, EndpointSubscription, Refusal } from '../driver/index.ts'
import { suggestion } from '../nearest.ts'
import { fail, isText } from './check-options.ts'
import type { BrokerOptions, Route } from './types.ts'

/** A destination or source with the endpoint that serves it. */
export interface Planned {
  /** Name for texts: `orders`, `order-placed`, `order-placed.billing`, `orders.dead`. */
  readonly label: string
  readonly definition: AnyDefinition | undefined
  readonly driver: Driver
  readonly endpoint: Endpoint
  readonly route: Route
  /** From options alone; a refusal is reported at `start`. */
  readonly declared: Capabilities | Refusal
  /** Filters are evaluated by the consumer. */
  readonly filters: boolean
  /** Sources only: where messages go that are given up. */
  readonly deadLetter: Planned | 'drop' | 'block' | undefined
}

/** Everything that one broker serves. */
export interface Plan {
  readonly all: readonly Planned[]
  readonly destinations: ReadonlyMap<AnyDestination, Planned>
  readonly sources: ReadonlyMap<AnySource, Planned>
  readonly drivers: readonly Driver[]
}

const defaultMaxAttempts = 10
const plain = { keyed: false, maxAttempts: 0, options: {} }

/** Resolves routes and names. Throws `ERR_CONFIGURATION` for what contradicts itself. */
export function makePlan(options: BrokerOptions): Plan {
  const destinations = new Map<AnyDestination, Planned>()
  const sources = new Map<AnySource, Planned>()
  const names = new Map<string, AnyDefinition>()
  for (const definition of options.destinations) claimName(names, definition)
  const routable = options.destinations.map((definition) => destinationOf(definition).name)
  for (const name of Object.keys(options.routes ?? {})) {
    if (!routable.includes(name)) fail(`routes: there is no destination '${name}'${suggestion(name, routable)}`)
  }
  for (const definition of options.destinations) {
    const destination = destinationOf(definition)
    const route = routeOf(options, destination.name)
    if (!destinations.has(destination)) {
      if (definition.kind === 'subscription' && names.get(destination.name) !== destination) claimName(names, destination)
      const planned = plan(destination, undefined, route, options)
      destinations.set(destination, planned)
      if (destination.kind === 'queue') sources.set(destination, planned)
    }
    if (definition.kind === 'subscription') sources.set(definition, plan(destination, definition, route, options))
  }
  const all = [...new Set([...destinations.values(), ...sources.values()])]
  const places = all.flatMap((planned) => (typeof planned.deadLetter === 'object' ? [planned.deadLetter] : []))
  const everything = [...all, ...places]
  checkCollisions(everything)
  return { all: everything, destinations, sources, drivers: [...new Set(everything.map((planned) => planned.driver))] }
}

/** A driver alone stands for a route to it. */
function routeOf({ routes }: BrokerOptions, name: string): Route {
  // A destination may be called `constructor`.
  const route = (routes && Object.hasOwn(routes, name) && routes[name]) || {}
  return 'connect' in route ? { driver: route } : route
}

export function twice(name: string): never {
  fail(`destinations: there are two different definitions named '${name}'; define it once and share it`)
}

function claimName(names: Map<string, AnyDefinition>, definition: AnyDefinition): void {
  const name = labelOf(definition)
  const other = names.get(name)
  if (other && other !== definition) twice(name)
  names.set(name, definition)
}

function plan(destination: AnyDestination, subscription: Subscription | undefined, route: Route, options: BrokerOptions): Planned {
  const driver = route.driver ?? options.driver
  const label = labelOf(subscription ?? destination)
  const name = route.name ?? (options.naming ? named(options.naming, destination.name) : destination.name)
  // The definition brings what templates need: programs that use no topic do not bundle it.
  const { template } = destination as { readonly template?: TopicTemplate | undefined }
  const isSource = subscription !== undefined || destination.kind === 'queue'
  const wanted = destination.options.requires?.ordering ?? (destination.options.orderingKey ? 'key' : 'none')
  const served: Endpoint = {
    destination: destination.name,
    kind: destination.kind,
    name,
    keyed: wanted !== 'none' && route.ordering !== 'best-effort',
    maxAttempts: route.nativeLimit === false || route.deadLetter === 'block' ? 0 : (route.maxAttempts ?? defaultMaxAttempts),
    options: route.options ?? {},
    ...template?.endpointOf(name),
    ...(subscription && { subscription: { name: subscription.name, ...subscription.options } }),
  }
  const deadLetter = isSource ? planDeadLetter(label, served, driver, route, template?.placeOf(name) ?? name) : undefined
  const native = typeof deadLetter === 'object' && deadLetter.driver === driver && route.nativeLimit !== false
  const endpoint: Endpoint = native ? { ...served, deadLetterName: deadLetter.endpoint.name } : served
  const emulated = [...(options.emulate ?? []), ...(route.emulate ?? [])]
  return { label, definition: subscription ?? destination, driver, route, deadLetter, ...withFilters(driver, endpoint, emulated.includes('filter')) }
}

function named(naming: (name: string) => string, destination: string): string {
  const name = naming(destination)
  isText(`naming('${destination}')`, name)
  return name
}

/** Native filters stay with the endpoint; others are taken off it and evaluated here, if that was asked for. */
function withFilters(driver: Driver, endpoint: Endpoint, emulate: boolean): Pick<Planned, 'endpoint' | 'declared' | 'filters'> {
  const declared = driver.capabilities(endpoint)
  const subscription: { -readonly [Key in keyof EndpointSubscription]?: EndpointSubscription[Key] } = { ...endpoint.subscription }
  let filters = false
  for (const key of ['filter', 'headerFilter'] as const) {
    if (!emulate || 'refused' in declared || !subscription[key] || declared[key] === 'native') continue
    delete subscription[key]
    filters = true
  }
  return { endpoint: filters ? { ...endpoint, subscription: subscription as EndpointSubscription } : endpoint, declared, filters }
}

function planDeadLetter(label: string, source: Endpoint, sourceDriver: Driver, route: Route, name: string): Planned['deadLetter'] {
  const wanted = route.deadLetter
  if (wanted === 'drop' || wanted === 'block') return wanted
  const driver = wanted?.driver ?? sourceDriver
  const { subscription } = source
  const endpoint: Endpoint = {
    destination: `${label}.dead`,
    kind: 'queue',
    name: wanted?.destination ?? `${subscription ? `${name}.${subscription.name}` : name}.dead`,
    ...plain,
    options: wanted?.options ?? {},
    // Of another driver's options it could make nothing.
    deadLettersOf: driver === sourceDriver ? source : { ...source, ...plain },
  }
  return {
    label: `${label}.dead`,
    definition: undefined,
    driver,
    endpoint,
    route: {},
    declared: driver.capabilities(endpoint),
    filters: false,
    // There is no second dead-letter place: what fails here is tried until it succeeds.
    deadLetter: 'block',
  }
}

function checkCollisions(all: readonly Planned[]): void {
  const taken = new Map<Driver, Map<string, Planned>>()
  for (const planned of all) {
    const addresses = taken.get(planned.driver) ?? new Map<string, Planned>()
    taken.set(planned.driver, addresses)
    for (const address of [planned.driver.address(planned.endpoint), ...(planned.driver.reserves?.(planned.endpoint) ?? [])]) {
      const other = addresses.get(address)
      // Several sources may share one dead-letter place on purpose.
      if (other && other !== planned && !(planned.definition === undefined && other.definition === undefined))
        fail(`${other.label} and ${planned.label} both take ${address} on ${planned.driver.name}; give one of them another name in its route`)
      addresses.set(address, planned)
    }
  }
}
