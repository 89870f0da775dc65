import { createHash } from 'node:crypto'
import { deliveriesPerAttempt, mustKeepAll, type Endpoint } from '@busbar/core/driver'
import { fitsLadder, ladderBinding, ladderExit, ladderLevel, ladderLevels, ladderTickMs, levelPattern, type DelayTarget } from './delay-ladder.ts'
import { bindAll, filterBindings } from './header-filter.ts'
import { filterName, markerName, membersName, partitionNames, queueName, viaDigits, viaName } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { resolveRouteOptions, type ResolvedRouteOptions } from './route-options.ts'

export interface QueueResource {
  readonly kind: 'queue'
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
  /** Lowest `x-delivery-limit` that will do. */
  readonly minDeliveryLimit: number
  /** No limit will do at all: its messages are tried until they succeed. */
  readonly keepsAll?: boolean
  /** A dead-letter queue may be of any type. */
  readonly anyType?: boolean
}

export interface ExchangeResource {
  readonly kind: 'exchange'
  readonly name: string
  readonly type: string
  readonly internal: boolean
  /** Exchange for what cannot be routed; where nothing is ever sent, a text that is to be remembered. */
  readonly alternate?: string
  /** What that text tells. A filter can be replaced while messages flow, a number of partitions cannot. */
  readonly records?: 'filter' | 'partitions'
}

export interface BindingResource {
  readonly kind: 'binding'
  readonly source: string
  readonly destination: string
  readonly to: 'queue' | 'exchange'
  readonly key: string
  readonly arguments: Readonly<Record<string, unknown>>
}

export type Resource = QueueResource | ExchangeResource | BindingResource

/** As good as none, on every version: 0 and −1 drop the message at its first return on RabbitMQ 3. */
export const noDeliveryLimit: number = 2 ** 31 - 1

const leastDeliveryLimit = 100

/** Everything the endpoints need, in the order to be declared: what others point to comes first. */
export function resourcesOf(endpoints: readonly Endpoint[], options: ResolvedOptions): readonly Resource[] {
  const named = new Map<string, Resource>()
  const add = (resources: readonly Resource[]): void => {
    for (const resource of resources) {
      const key = resource.kind === 'binding' ? JSON.stringify(resource) : `${resource.kind} ${resource.name}`
      if (!named.has(key)) named.set(key, resource)
    }
  }
  // Of a name that comes twice the first counts: a place for dead letters may be of any type, unless it is also consumed as a queue of its own.
  const places = new Set(endpoints.map(({ deadLetterName }) => deadLetterName))
  const own = new Map(endpoints.map((endpoint) => [endpoint.kind === 'queue' ? endpoint.name : '', endpoint]))
  for (const name of places) if (name !== undefined && isPlaceOnly(own.get(name))) add([deadLetterQueue(name, options)])
  // A dead-letter queue has no dead letters of its own.
  const sorted = endpoints.toSorted((a, b) => Number(a.deadLetterName !== undefined) - Number(b.deadLetterName !== undefined))
  if (options.delays && endpoints.length > 0) add([exchange(ladderExit, 'topic')])
  for (const endpoint of sorted) add(resourcesOfOne(endpoint, resolveRouteOptions(endpoint, options), options))
  if (options.delays && endpoints.length > 0) add(ladder())
  return [...named.values()]
}

/** A queue that nobody consumes by a policy of retries: only dead letters are looked for in it. */
function isPlaceOnly(endpoint: Endpoint | undefined): boolean {
  if (endpoint === undefined) return true
  return !endpoint.keyed && endpoint.maxAttempts === 0 && endpoint.deadLetterName === undefined && Object.keys(endpoint.options).length === 0
}

/** `x-delivery-limit` for an endpoint's queue. */
export function deliveryLimitOf(endpoint: Endpoint, route: ResolvedRouteOptions): number {
  if (route.deliveryLimit !== undefined) return route.deliveryLimit
  return endpoint.deadLetterName === undefined ? noDeliveryLimit : Math.max(leastDeliveryLimit, deliveriesPerAttempt * endpoint.maxAttempts)
}

function resourcesOfOne(endpoint: Endpoint, route: ResolvedRouteOptions, options: ResolvedOptions): Resource[] {
  const topic = endpoint.kind === 'topic' ? [exchange(endpoint.name, route.exchangeType)] : []
  if (endpoint.kind === 'topic' && endpoint.subscription === undefined) {
    const delayed = canDelayTopic(endpoint, route) ? delayBinding({ kind: 'exchange', name: endpoint.name }, options) : []
    return [...topic, ...delayed]
  }
  const base = queueName(endpoint)
  const queues = route.partitions > 0 ? partitionNames(base, route.partitions) : [base]
  return [
    ...queues.map((name) => queue(name, endpoint, route)),
    ...(route.partitions > 0 ? [membersQueue(base), marker(base, route.partitions)] : []),
    ...topic,
    ...(endpoint.kind === 'topic' ? subscriptionBindings(endpoint, route, base, queues) : []),
    ...queues.flatMap((name) => delayBinding({ kind: 'queue', name }, options)),
  ]
}

/** The ladder's routing key replaces the message's own, and only some exchanges can do without it. */
export function canDelayTopic(endpoint: Endpoint, route: ResolvedRouteOptions): boolean {
  return (
    route.partitions === 0 && (route.exchangeType === 'headers' || route.exchangeType === 'fanout') && fitsLadder({ kind: 'exchange', name: endpoint.name })
  )
}

function queue(name: string, endpoint: Endpoint, route: ResolvedRouteOptions): QueueResource {
  const { deadLetterName, maxAttempts } = endpoint
  const dead = deadLetterName === undefined ? {} : { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': deadLetterName }
  const minDeliveryLimit = deliveriesPerAttempt * maxAttempts
  if (route.queueType === 'classic') {
    const priority = route.maxPriority === undefined ? {} : { 'x-max-priority': route.maxPriority }
    return { kind: 'queue', name, arguments: { 'x-queue-type': 'classic', ...priority, ...dead }, minDeliveryLimit }
  }
  return {
    kind: 'queue',
    name,
    arguments: {
      'x-queue-type': 'quorum',
      'x-delivery-limit': deliveryLimitOf(endpoint, route),
      ...dead,
      ...(deadLetterName !== undefined && atLeastOnce),
      ...(route.partitions > 0 && { 'x-single-active-consumer': true }),
    },
    minDeliveryLimit,
    keepsAll: mustKeepAll(endpoint),
  }
}

/** Both are needed: without `reject-publish` RabbitMQ silently falls back to the strategy that loses messages when the broker is killed. */
const atLeastOnce = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }

function deadLetterQueue(name: string, options: ResolvedOptions): QueueResource {
  const limit = options.queueType === 'quorum' ? { 'x-delivery-limit': noDeliveryLimit } : {}
  return { kind: 'queue', name, arguments: { 'x-queue-type': options.queueType, ...limit }, minDeliveryLimit: 0, anyType: true }
}

function membersQueue(base: string): QueueResource {
  return { kind: 'queue', name: membersName(base), arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': noDeliveryLimit }, minDeliveryLimit: 0 }
}

/** The broker compares this argument when the exchange is declared again, and tells the old one: a record that two processes cannot both write. */
export function marker(base: string, partitions: number): ExchangeResource {
  return { kind: 'exchange', name: markerName(base), type: 'fanout', internal: true, alternate: `${markerName(base)}=${partitions}`, records: 'partitions' }
}

function subscriptionBindings(endpoint: Endpoint, route: ResolvedRouteOptions, base: string, queues: readonly string[]): Resource[] {
  const bind = (source: string, to: 'queue' | 'exchange', destination: string, key: string, args: Readonly<Record<string, unknown>> = {}): BindingResource => {
    return { kind: 'binding', source, destination, to, key, arguments: args }
  }
  if (route.exchangeType !== 'headers') {
    const keys = route.exchangeType === 'fanout' ? [''] : route.bindingKeys
    return keys.map((key) => bind(endpoint.name, 'queue', base, key))
  }
  const filters = bindingsOf(endpoint)
  const via = viaName(base, digestOf(filters))
  const partitioned = route.partitions > 0
  return [
    exchange(via, partitioned ? 'direct' : 'fanout'),
    ...queues.map((name, partition) => bind(via, 'queue', name, partitioned ? `p${partition}` : '')),
    ...filters.map((args) => bind(endpoint.name, 'exchange', via, '', args)),
    // Bindings cannot be asked for, so a changed filter would go unseen and the old bindings would stay. This names the exchange whose bindings count.
    { kind: 'exchange', name: filterName(base), type: 'fanout', internal: true, alternate: via, records: 'filter' },
  ]
}

/** The exchange through which the messages of a topic's headers exchange come to a subscription. */
export function viaOf(endpoint: Endpoint): string {
  return viaName(queueName(endpoint), digestOf(bindingsOf(endpoint)))
}

function bindingsOf(endpoint: Endpoint): readonly Readonly<Record<string, unknown>>[] {
  return filterBindings(endpoint.subscription?.headerFilter) ?? [bindAll]
}

function digestOf(filters: readonly Readonly<Record<string, unknown>>[]): string {
  const canonical = filters.map((binding) => JSON.stringify(Object.entries(binding).toSorted(([a], [b]) => (a < b ? -1 : 1)))).toSorted()
  return createHash('sha256').update(canonical.join('\n')).digest('hex').slice(0, viaDigits)
}

function delayBinding(target: DelayTarget, options: ResolvedOptions): BindingResource[] {
  if (!options.delays || !fitsLadder(target)) return []
  return [{ kind: 'binding', source: ladderExit, destination: target.name, to: target.kind, key: ladderBinding(target), arguments: {} }]
}

function ladder(): Resource[] {
  return Array.from({ length: ladderLevels }, (_, level): Resource[] => {
    const name = ladderLevel(level)
    const below = level === 0 ? ladderExit : ladderLevel(level - 1)
    const args = { 'x-queue-type': 'quorum', 'x-message-ttl': ladderTickMs * 2 ** level, 'x-dead-letter-exchange': below, ...atLeastOnce }
    return [
      exchange(name, 'topic'),
      { kind: 'queue', name, arguments: args, minDeliveryLimit: 0 },
      { kind: 'binding', source: name, destination: below, to: 'exchange', key: levelPattern(level, '0'), arguments: {} },
      { kind: 'binding', source: name, destination: name, to: 'queue', key: levelPattern(level, '1'), arguments: {} },
    ]
  }).flat()
}

function exchange(name: string, type: string): ExchangeResource {
  return { kind: 'exchange', name, type, internal: false }
}
