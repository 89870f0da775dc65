import type { Endpoint } from '@busbar/core/driver'
import type { Address } from './address.ts'
import { amqpError } from './errors.ts'
import type { AmqpOptions } from './options.ts'
import type { AmqpRouteOptions } from './route-options.ts'

/** What an option needs in order to mean something. Without it the option would be dropped in silence, so it is refused. */
interface Need<Where> {
  readonly met: (where: Where, value: unknown) => boolean
  /** What is missing, and what to do. */
  readonly otherwise: string
}

/** Where options of a route are given. A topic and its subscriptions have one route, so that what means something to either is taken by both. */
export interface RoutePlace {
  readonly kind: Endpoint['kind']
  readonly keyed: boolean
  readonly queueType: 'quorum' | 'classic'
  readonly exchangeType: 'headers' | 'fanout' | 'topic' | 'direct'
}

const onTopics: Need<RoutePlace> = { met: ({ kind }) => kind === 'topic', otherwise: 'has a meaning for topics only; remove it' }
const withRoutingKeys: Need<RoutePlace> = {
  met: ({ exchangeType }) => exchangeType === 'topic' || exchangeType === 'direct',
  otherwise: "has a meaning on exchanges that route by key only; set exchangeType: 'topic' or 'direct', or remove it",
}

const routeNeeds: Readonly<Record<keyof AmqpRouteOptions, readonly Need<RoutePlace>[]>> = {
  queueType: [
    {
      met: ({ keyed }, value) => !keyed || value !== 'classic',
      otherwise: "'classic' cannot keep the order of keys; remove it, or accept ordering: 'best-effort'",
    },
  ],
  partitions: [
    { met: ({ keyed }) => keyed, otherwise: 'has a meaning for destinations with ordering keys only; give the destination an orderingKey, or remove it' },
  ],
  deliveryLimit: [{ met: ({ queueType }) => queueType === 'quorum', otherwise: "needs queueType: 'quorum'" }],
  maxPriority: [{ met: ({ queueType }) => queueType === 'classic', otherwise: "needs queueType: 'classic' and no ordering key" }],
  exchangeType: [
    onTopics,
    {
      met: ({ keyed }, value) => !keyed || value === 'headers',
      otherwise: "must be 'headers' for a topic with ordering keys, because the routing key names the partition",
    },
  ],
  routingKey: [onTopics, withRoutingKeys],
  bindingKeys: [onTopics, withRoutingKeys],
  mandatory: [{ ...onTopics, otherwise: 'has a meaning for topics only, since queues always refuse what has no queue; remove it' }],
}

/** Throws `ERR_CONFIGURATION` for the first option of a route that means nothing at `place`. */
export function checkRouteMeaning(options: AmqpRouteOptions, place: RoutePlace): void {
  check(options, routeNeeds, place)
}

const secured: Need<readonly Address[]> = {
  met: (addresses) => addresses.some(({ secure }) => secure),
  otherwise: 'has a meaning with amqps:// only; use such a URL, or remove it',
}

const driverNeeds: Readonly<Partial<Record<keyof AmqpOptions, readonly Need<readonly Address[]>[]>>> = {
  tls: [secured],
  authentication: [
    { met: (addresses, value) => value !== 'external' || secured.met(addresses, value), otherwise: "'external' is a client certificate, and needs amqps://" },
  ],
}

/** Throws `ERR_CONFIGURATION` for the first option of the driver that means nothing with these addresses. */
export function checkDriverMeaning(options: AmqpOptions, addresses: readonly Address[]): void {
  check(options, driverNeeds, addresses)
}

function check<Where>(options: object, needs: Readonly<Record<string, readonly Need<Where>[] | undefined>>, where: Where): void {
  for (const [name, value] of Object.entries(options)) {
    const unmet = value === undefined ? undefined : needs[name]?.find(({ met }) => !met(where, value))
    if (unmet !== undefined) throw amqpError('ERR_CONFIGURATION', `amqp: option '${name}' ${unmet.otherwise}`)
  }
}
