import type { Outgoing } from '@busbar/core/driver'
import { DeduplicationMemory } from '../queue/deduplication.ts'
import type { Queue } from '../queue/queue.ts'
import { incomingOf, Stored } from '../queue/stored.ts'
import type { World } from '../world.ts'
import { parsedOnce, type SubscriptionFilter } from './subscription-filter.ts'

/** One durable subscription: a queue of its own behind filters. New filters apply to what is published from then on. */
export interface Subscription {
  readonly queue: Queue
  filter: SubscriptionFilter
}

/** Gives each subscription a copy of what is published; without any, it is gone. */
export class Topic {
  readonly name: string
  readonly subscriptions: Map<string, Subscription> = new Map<string, Subscription>()
  readonly #world: World
  readonly #deduplication: DeduplicationMemory | undefined

  constructor(name: string, world: World, deduplicationMs: number | undefined) {
    this.name = name
    this.#world = world
    this.#deduplication = deduplicationMs === undefined ? undefined : new DeduplicationMemory(deduplicationMs)
  }

  /** The broker's id of the message, or of the one that had the same deduplication id. `address`: where the topic is an address template, what its parameters fill it to. */
  publish(outgoing: Outgoing, now: number, address?: string): number {
    const id = this.#world.nextId()
    const original = outgoing.deduplicationId === undefined ? undefined : this.#deduplication?.original(outgoing.deduplicationId, id, now)
    if (original !== undefined) return original
    const incoming = incomingOf(outgoing)
    const body = parsedOnce(incoming)
    for (const subscription of this.subscriptions.values()) {
      const parameters = address === undefined ? undefined : subscription.filter.parametersIn(address)
      if ((address !== undefined && parameters === undefined) || !subscription.filter.wants(incoming, body)) continue
      const { timeToLiveMs, priority, deduplicationId } = outgoing
      const { queue } = subscription
      const copy = parameters === undefined ? incoming : { ...incoming, parameters }
      queue.accept(new Stored(this.#world.nextId(), copy, now, timeToLiveMs, priority, deduplicationId), queue.delayOf(outgoing.delayMs))
    }
    this.#world.observer?.({ kind: 'stored', at: now, place: this.name, id: `m${id}`, message: incoming, detail: undefined })
    return id
  }
}
