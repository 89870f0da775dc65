import type { Endpoint } from '@busbar/core/driver'
import { partitionBase, queueName } from './names.ts'

/** The physical resource behind an endpoint. With ordering keys it stands for all partition queues. */
export function addressOf(endpoint: Endpoint): string {
  return endpoint.kind === 'topic' && endpoint.subscription === undefined ? `exchange ${endpoint.name}` : `queue ${queueName(endpoint)}`
}

/** Tells which endpoint of this link a queue belongs to. */
export class Addresses {
  /** Names of endpoints with partition queues. */
  readonly #bases: Set<string> = new Set()

  /** Partitions count as such whatever their number is now: a dead letter may be from before it was changed. */
  learn(endpoint: Endpoint): void {
    if (endpoint.keyed) this.#bases.add(queueName(endpoint))
  }

  /** The address of the endpoint that reads `queue`. */
  readonly ofQueue = (queue: string): string => {
    const base = partitionBase(queue)
    return `queue ${base !== undefined && this.#bases.has(base) ? base : queue}`
  }
}
