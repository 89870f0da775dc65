import { refusedTemplate, type Capabilities, type Driver, type Endpoint, type Refusal, type Services } from '@busbar/core/driver'
import { refuseEndpointOptions } from './endpoint-options.ts'
import { memoryError } from './errors.ts'
import { traceLine, type BrokerEvent } from './events.ts'
import { Faults } from './faults/faults.ts'
import { later } from './faults/later.ts'
import type { FaultRule } from './faults/plan.ts'
import { MemoryLink } from './link/link.ts'
import type { ReplyAddresses } from './link/replies.ts'
import type { ResolvedMemoryOptions } from './options.ts'
import { profiles } from './profiles/index.ts'
import { seededRandom } from './random.ts'
import { Resources } from './resources.ts'
import type { Stream } from './stream/stream.ts'
import { idle, type IdleOptions } from './testing/idle.ts'
import { Spies, type Spy } from './testing/spy.ts'
import { World } from './world.ts'

/** A message broker in this process, and the driver for it. All links made from one value share one broker. */
export class MemoryDriver implements Driver<MemoryDriver> {
  readonly name = 'memory'
  /** @internal */
  readonly world: World
  /** @internal */
  readonly resources: Resources
  /** @internal */
  readonly links: Set<MemoryLink> = new Set<MemoryLink>()
  /** @internal */
  readonly replyAddresses: ReplyAddresses = new Map()
  readonly #options: ResolvedMemoryOptions
  readonly #spies: Spies
  #made = 0
  #downUntil = -Infinity

  constructor(options: ResolvedMemoryOptions) {
    this.#options = options
    const profile = profiles[options.profile]
    this.world = new World(options.clock, seededRandom(options.seed), (name) => [profile.physicalName(name, false), profile.physicalName(name, true)])
    this.resources = new Resources(this.world, profile, options, options.missing)
    this.#spies = new Spies(this.world)
    if (options.faults !== undefined) this.world.faults = new Faults(options.faults, this.world, profile)
    if (options.trace !== undefined) this.observe(traceTo(options.trace))
  }

  capabilities(endpoint: Endpoint): Capabilities | Refusal {
    const { profile } = this.resources
    const template = profile.addressBytes === false ? refusedTemplate(endpoint) : undefined
    const answer = template ?? profile.capabilities(endpoint, this.#options)
    return deepFreeze('refused' in answer ? answer : (refuseEndpointOptions(endpoint, profile) ?? answer))
  }

  address(endpoint: Endpoint): string {
    return this.resources.address(endpoint)
  }

  async connect(services: Services, signal: AbortSignal): Promise<MemoryLink> {
    signal.throwIfAborted()
    this.world.useClock(services.clock)
    for (const fault of this.world.faults?.strike('connect', 'link') ?? []) {
      if (fault.kind === 'delay') await later(this.world.clock, fault.ms, undefined)
      else throw memoryError('ERR_UNAVAILABLE', 'The broker does not answer')
    }
    signal.throwIfAborted()
    if (this.world.clock.monotonic() < this.#downUntil) throw memoryError('ERR_UNAVAILABLE', 'The broker does not answer')
    const link = new MemoryLink(this, services, `l${++this.#made}`)
    this.links.add(link)
    return link
  }

  /** Resolves when no message is ready, in flight or delayed. Rejects with `ERR_TIMEOUT` after `timeoutMs` of the broker's clock. */
  idle(options: IdleOptions = {}): Promise<void> {
    return idle(this.resources, this.world, options)
  }

  /** Watches one destination: a queue, topic, stream or `topic.subscription`, by its name at the broker. */
  spy(place: string): Spy {
    return this.#spies.on(place)
  }

  /** Calls `observer` for every event at the broker until the function returned is called. */
  observe(observer: (event: BrokerEvent) => void): () => void {
    return this.#spies.observe(observer)
  }

  /** Adds a scripted fault. Throws `TypeError` or `RangeError` for a rule that is none, or that asks for what the profile cannot show. */
  inject(rule: FaultRule): void {
    const faults = this.world.faults ?? new Faults({}, this.world, this.resources.profile)
    faults.add(rule)
    this.world.faults = faults
  }

  /** Drops the connections of all links, for `downMs` (default 0: they reconnect at once), in which no others can be made either. */
  dropConnections(downMs: number = 0): void {
    this.#downUntil = this.world.clock.monotonic() + downMs
    for (const link of [...this.links]) link.drop(downMs)
  }

  /** All deliveries of all links are lost, as if their processes had ended. */
  crashConsumers(): void {
    for (const link of [...this.links]) link.crash()
  }

  /** The stream of that name, to split and merge its shards; `undefined` if there is none. */
  stream(name: string): Stream | undefined {
    return this.resources.streams.get(name)
  }

  /**
   * Removes all messages of a queue, by its name at the broker, as the broker does that: RabbitMQ leaves what is in flight, SQS does it once in 60 s (`ERR_CONFLICT`),
   * MQTT cannot (`ERR_UNSUPPORTED`). Throws `ERR_NOT_FOUND` if there is no such queue.
   */
  purge(queue: string): void {
    const found = this.resources.queues.get(queue)
    if (found === undefined) throw memoryError('ERR_NOT_FOUND', `There is no queue ${queue.slice(0, 100)}`)
    found.purge()
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part)
  return Object.freeze(value)
}

function traceTo(write: (line: string) => void): (event: BrokerEvent) => void {
  return (event) => write(traceLine(event))
}
