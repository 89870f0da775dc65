import type { Endpoint } from '@busbar/core/driver'
import { checkRouteMeaning } from './meaningful.ts'
import { booleanOf, checkKnown, configuration, integer, maxPartitions, oneOf, textOf, type ResolvedOptions } from './options.ts'

/** Options of a destination on RabbitMQ: `routes: { orders: { options: { … } } }`. */
export interface AmqpRouteOptions {
  /** Default: the driver's. With ordering keys always `quorum`, since classic queues break order when a single active consumer leaves. */
  readonly queueType?: 'quorum' | 'classic'
  /** Partition queues of a destination with ordering keys, `<name>.p0` to `<name>.p<n − 1>`. 1 to 256. Default: the driver's. Refused without ordering keys. Fixed at creation; see `repartition`. */
  readonly partitions?: number
  /**
   * `x-delivery-limit` of quorum queues: how often the broker delivers a message before it moves it to the dead-letter queue by itself. A net for crash
   * loops, at least 10 times the attempts of the consumer's retry policy. Default: that, at least 100; without a dead-letter queue there is no limit.
   */
  readonly deliveryLimit?: number
  /** Classic queues only: priorities 0 to this. 1 to 255 (RabbitMQ advises at most 10). Default: no priorities. */
  readonly maxPriority?: number
  /** Topics only: type of the exchange. Default `headers`, which filters on headers by itself. Others serve exchanges that exist already, without ordering keys. */
  readonly exchangeType?: 'headers' | 'fanout' | 'topic' | 'direct'
  /** Routing key of messages sent to a `topic` or `direct` exchange. Default empty. */
  readonly routingKey?: string
  /** Binding keys of a subscription on a `topic` or `direct` exchange. Default `['#']`, on `direct` the routing key. */
  readonly bindingKeys?: readonly string[]
  /** Topics only: a message that no subscription takes is refused with `ERR_UNROUTABLE` instead of being dropped. Default false. Queues always refuse, and take no such option. */
  readonly mandatory?: boolean
}

export interface ResolvedRouteOptions {
  readonly queueType: 'quorum' | 'classic'
  /** 0: not partitioned. */
  readonly partitions: number
  readonly deliveryLimit: number | undefined
  readonly maxPriority: number | undefined
  readonly exchangeType: 'headers' | 'fanout' | 'topic' | 'direct'
  readonly routingKey: string
  readonly bindingKeys: readonly string[]
  readonly mandatory: boolean
}

const known: readonly (keyof AmqpRouteOptions)[] = [
  'queueType',
  'partitions',
  'deliveryLimit',
  'maxPriority',
  'exchangeType',
  'routingKey',
  'bindingKeys',
  'mandatory',
]

/** Throws `ERR_CONFIGURATION`. */
export function resolveRouteOptions(endpoint: Endpoint, driver: ResolvedOptions): ResolvedRouteOptions {
  const options = endpoint.options as AmqpRouteOptions
  checkKnown('amqp', options, known)
  const chosen = oneOf('queueType', options.queueType ?? driver.queueType, ['quorum', 'classic'])
  const queueType = endpoint.keyed ? 'quorum' : chosen
  const exchangeType = oneOf('exchangeType', options.exchangeType, ['headers', 'fanout', 'topic', 'direct'])
  checkRouteMeaning(options, { kind: endpoint.kind, keyed: endpoint.keyed, queueType, exchangeType })
  const routingKey = textOf('routingKey', options.routingKey, '')
  return {
    queueType,
    partitions: endpoint.keyed ? integer('partitions', options.partitions, driver.partitions, 1, maxPartitions) : 0,
    // 0 and −1 mean "no limit" to RabbitMQ 4 and "drop at the first return" to 3.10.
    deliveryLimit: options.deliveryLimit === undefined ? undefined : integer('deliveryLimit', options.deliveryLimit, 0, 1, 2 ** 31 - 1),
    maxPriority: options.maxPriority === undefined ? undefined : integer('maxPriority', options.maxPriority, 0, 1, 255),
    exchangeType,
    routingKey,
    bindingKeys: bindingKeys(options.bindingKeys, exchangeType === 'topic' ? '#' : routingKey),
    mandatory: endpoint.kind === 'queue' || booleanOf('mandatory', options.mandatory, false),
  }
}

function bindingKeys(value: unknown, fallback: string): readonly string[] {
  if (value === undefined) return [fallback]
  if (!Array.isArray(value) || value.length === 0) throw configuration("amqp: option 'bindingKeys' needs a list of at least one binding key")
  return value.map((key) => textOf('bindingKeys', key, ''))
}
