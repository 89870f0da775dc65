import type { Endpoint, Outgoing } from '@busbar/core/driver'
import { ladderRoute, type DelayTarget } from './delay-ladder.ts'
import { partitionOf } from './hash.ts'
import { partitionName, queueName } from './names.ts'
import type { ResolvedRouteOptions } from './route-options.ts'

/** Where one message goes: fields are overwritten by every call, so that no object is made per message. */
export class Target {
  exchange = ''
  routingKey = ''
  readonly #endpoint: Endpoint
  /** Through the topic's exchange; otherwise straight into a queue, which may be that of one subscription. */
  readonly #toTopic: boolean
  readonly #options: ResolvedRouteOptions
  readonly #queue: string
  readonly #partitionNames: readonly string[]

  constructor(endpoint: Endpoint, options: ResolvedRouteOptions) {
    this.#endpoint = endpoint
    this.#toTopic = endpoint.kind === 'topic' && endpoint.subscription === undefined
    this.#options = options
    this.#queue = queueName(endpoint)
    const base = this.#toTopic ? '' : this.#queue
    this.#partitionNames = Array.from({ length: options.partitions }, (_, partition) => (base === '' ? `p${partition}` : partitionName(base, partition)))
  }

  /** Exchange and routing key for `message`. Messages without a key are spread by their id. */
  aim(message: Outgoing): void {
    const toTopic = this.#toTopic
    this.exchange = toTopic ? this.#endpoint.name : ''
    this.routingKey = this.#keyFor(message)
    if (message.delayMs === undefined || message.delayMs <= 0) return
    const final: DelayTarget = toTopic ? { kind: 'exchange', name: this.exchange } : { kind: 'queue', name: this.routingKey }
    const { exchange, routingKey } = ladderRoute(message.delayMs, final)
    this.exchange = exchange
    this.routingKey = routingKey
  }

  #keyFor(message: Outgoing): string {
    const names = this.#partitionNames
    if (names.length > 0) return names[partitionOf(message.key ?? message.id, names.length)] as string
    return this.#toTopic ? this.#options.routingKey : this.#queue
  }
}
