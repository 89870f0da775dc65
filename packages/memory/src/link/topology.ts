import type { Change, Endpoint, Topology } from '@busbar/core/driver'
import type { Resources } from '../resources.ts'

/** Creates and checks queues, topics, subscriptions and streams. */
export class MemoryTopology implements Topology {
  readonly #resources: Resources

  constructor(resources: Resources) {
    this.#resources = resources
  }

  async plan(endpoints: readonly Endpoint[]): Promise<readonly Change[]> {
    const changes = new Map<string, Change>()
    for (const endpoint of endpoints) for (const change of this.#resources.plan(endpoint)) changes.set(`${change.kind} ${change.resource}`, change)
    return [...changes.values()]
  }

  async apply(endpoints: readonly Endpoint[]): Promise<void> {
    for (const endpoint of endpoints) this.#resources.create(endpoint)
  }
}
