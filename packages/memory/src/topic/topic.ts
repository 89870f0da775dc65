import { compileFilter, compileHeaderFilter, type EndpointSubscription, type Headers, type Incoming, type Outgoing } from '@busbar/core/driver'
import { DeduplicationMemory } from '../queue/deduplication.ts'
import type { Queue } from '../queue/queue.ts'
import { incomingOf, Stored } from '../queue/stored.ts'
import type { World } from '../world.ts'

/** One durable subscription: a queue of its own behind filters. */
export class Subscription {
  readonly name: string
  readonly queue: Queue
  #body: ((body: unknown) => boolean) | undefined
  #headers: ((headers: Headers) => boolean) | undefined

  constructor(subscription: EndpointSubscription, queue: Queue) {
    this.name = subscription.name
    this.queue = queue
    this.filterBy(subscription)
  }

  /** Replaces the filters. They apply to what is published from now on. */
  filterBy({ filter, headerFilter }: Pick<EndpointSubscription, 'filter' | 'headerFilter'>): void {
    this.#body = filter === undefined ? undefined : compileFilter(filter)
    this.#headers = headerFilter === undefined ? undefined : compileHeaderFilter(headerFilter)
  }

  wants(headers: Headers, body: () => unknown): boolean {
    return (this.#headers === undefined || this.#headers(headers)) && (this.#body === undefined || this.#body(body()))
  }
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

  /** The broker's id of the message, or of the one that had the same deduplication id. */
  publish(outgoing: Outgoing, now: number): number {
    const id = this.#world.nextId()
    const original = outgoing.deduplicationId === undefined ? undefined : this.#deduplication?.original(outgoing.deduplicationId, id, now)
    if (original !== undefined) return original
    const incoming = incomingOf(outgoing)
    const body = parsedOnce(incoming)
    for (const subscription of this.subscriptions.values()) {
      if (!subscription.wants(incoming.headers, body)) continue
      const { timeToLiveMs, priority, deduplicationId } = outgoing
      subscription.queue.accept(new Stored(this.#world.nextId(), incoming, now, timeToLiveMs, priority, deduplicationId), outgoing.delayMs)
    }
    this.#world.observer?.({ kind: 'stored', at: now, place: this.name, id: `m${id}`, message: incoming, detail: undefined })
    return id
  }
}

/** The body as JSON, parsed at most once however many filters look at it; `undefined` if it is not JSON, which no filter matches. */
export function parsedOnce(incoming: Incoming): () => unknown {
  let parsed: { readonly value: unknown } | undefined
  return () => (parsed ??= { value: parse(incoming) }).value
}

function parse({ body }: Incoming): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}
