import { AddressTemplate, deliveriesPerAttempt, mustKeepAll, type Capabilities, type Change, type Endpoint, type EndpointStats } from '@busbar/core/driver'
import { memoryError } from './errors.ts'
import { readEndpointOptions } from './endpoint-options.ts'
import type { Profile, ProfileSettings } from './profiles/profile.ts'
import { changeDelay } from './queue/change-delay.ts'
import { queueStats } from './queue/inspect.ts'
import { Queue } from './queue/queue.ts'
import type { Group } from './stream/group.ts'
import { Stream } from './stream/stream.ts'
import { SubscriptionFilter } from './topic/subscription-filter.ts'
import { Topic } from './topic/topic.ts'
import type { World } from './world.ts'

/** The one subscription through which a queue is served by a stream. */
const queueSubscription = { name: 'queue', startFrom: 'earliest' } as const

/** Everything that exists in one memory broker, by physical name. */
export class Resources {
  readonly profile: Profile
  readonly queues: Map<string, Queue> = new Map<string, Queue>()
  readonly topics: Map<string, Topic> = new Map<string, Topic>()
  readonly streams: Map<string, Stream> = new Map<string, Stream>()
  readonly #world: World
  readonly #settings: ProfileSettings
  readonly #missing: 'create' | 'refuse'

  constructor(world: World, profile: Profile, settings: ProfileSettings, missing: 'create' | 'refuse') {
    this.#world = world
    this.profile = profile
    this.#settings = settings
    this.#missing = missing
  }

  /** Throws what `capabilities` refuses. */
  capabilities(endpoint: Endpoint): Capabilities {
    const answer = this.profile.capabilities(endpoint, this.#settings)
    if ('refused' in answer)
      throw memoryError('ERR_UNSUPPORTED', `${endpoint.destination}: ${answer.refused}; ${answer.remedy}`, { destination: endpoint.destination })
    return answer
  }

  inspect(endpoint: Endpoint): Capabilities {
    const capabilities = this.capabilities(endpoint)
    this.ensure(endpoint)
    const conflict = this.plan(endpoint).find((change) => change.kind === 'conflict')
    if (conflict !== undefined) throw memoryError('ERR_CONFIGURATION', `${conflict.resource}: ${conflict.text}`, { destination: endpoint.destination })
    return capabilities
  }

  /** What `provision` would have to do for an endpoint. Where missing resources make themselves there is nothing to create. */
  plan(endpoint: Endpoint): Change[] {
    const changes: Change[] = []
    const create = (resource: string, exists: boolean): void => {
      if (!exists && this.#missing === 'refuse') changes.push({ resource, kind: 'create', text: `${resource} does not exist` })
    }
    const place = this.placeOf(endpoint)
    const engine = this.profile.engine(endpoint.kind)
    if (engine === 'stream') {
      create(`stream ${this.#name(endpoint)}`, this.streams.has(this.#name(endpoint)))
      if (endpoint.subscription !== undefined) create(`subscription ${place}`, this.#findGroup(endpoint) !== undefined)
    } else if (engine === 'topic') {
      create(`topic ${this.#name(endpoint)}`, this.topics.has(this.#name(endpoint)))
      if (endpoint.subscription !== undefined) create(`subscription ${place}`, this.queues.has(place))
    } else create(`queue ${place}`, this.queues.has(place))
    const deadLetter = this.#deadLetterName(endpoint)
    if (deadLetter !== undefined) create(`queue ${deadLetter}`, this.queues.has(deadLetter))
    const limit = this.queues.get(place)?.deadLetter?.limit
    const least = deliveriesPerAttempt * endpoint.maxAttempts
    if (limit !== undefined && mustKeepAll(endpoint))
      changes.push({
        resource: `queue ${place}`,
        kind: 'conflict',
        text: `it gives a message up after ${limit} deliveries, and the route says nativeLimit: false or deadLetter: 'block'; make the queue anew, or leave that out of the route`,
      })
    if (limit !== undefined && limit < least)
      changes.push({
        resource: `queue ${place}`,
        kind: 'conflict',
        text: `its delivery limit is ${limit}; ${endpoint.maxAttempts} attempts need at least ${least}`,
      })
    return changes
  }

  /** Makes what is missing, or throws `ERR_NOT_FOUND` if that is not wanted. */
  ensure(endpoint: Endpoint): void {
    const missing = this.#missing === 'refuse' ? this.plan(endpoint).find((change) => change.kind === 'create') : undefined
    if (missing !== undefined) throw memoryError('ERR_NOT_FOUND', `${missing.text}; provision it first`, { destination: endpoint.destination })
    if (this.#missing === 'create') this.create(endpoint)
  }

  /** Idempotent. */
  create(endpoint: Endpoint): void {
    const engine = this.profile.engine(endpoint.kind)
    if (engine === 'stream') {
      const stream = this.#createStream(endpoint)
      const subscription = endpoint.kind === 'queue' ? queueSubscription : endpoint.subscription
      if (subscription !== undefined) stream.group(subscription)
      return
    }
    if (engine === 'topic') this.#createTopic(endpoint)
    if (engine === 'queue' || endpoint.subscription !== undefined) this.#createQueue(endpoint)
  }

  queue(endpoint: Endpoint): Queue {
    return this.#found(this.queues.get(this.placeOf(endpoint)), 'queue', endpoint)
  }

  topic(endpoint: Endpoint): Topic {
    return this.#found(this.topics.get(this.#name(endpoint)), 'topic', endpoint)
  }

  stream(endpoint: Endpoint): Stream {
    return this.#found(this.streams.get(this.#name(endpoint)), 'stream', endpoint)
  }

  /** The group that receives for an endpoint; `undefined` if a queue does. */
  group(endpoint: Endpoint): Group | undefined {
    return this.profile.engine(endpoint.kind) === 'stream' ? this.#found(this.#findGroup(endpoint), 'subscription', endpoint) : undefined
  }

  /** Only what the broker would tell. */
  stats(endpoint: Endpoint): EndpointStats {
    const told = this.capabilities(endpoint).stats
    const { ready, inFlight, delayed, oldestAgeMs } = this.group(endpoint)?.stats() ?? queueStats(this.queue(endpoint))
    return {
      ready: told.ready === 'none' ? undefined : ready,
      inFlight: told.inFlight === 'none' ? undefined : inFlight,
      delayed: told.delayed === 'none' ? undefined : delayed,
      oldestAgeMs: told.oldestAgeMs === 'none' ? undefined : oldestAgeMs,
    }
  }

  /** What an endpoint sends to or receives from, for people and to tell whether two take the same. */
  address(endpoint: Endpoint): string {
    return `${this.profile.engine(endpoint.kind)} ${this.placeOf(endpoint)}`
  }

  /** Physical name of what an endpoint sends to or receives from. */
  placeOf(endpoint: Endpoint): string {
    if (endpoint.subscription === undefined) return this.#name(endpoint)
    return this.profile.engine(endpoint.kind) === 'stream'
      ? `${this.#name(endpoint)}.${endpoint.subscription.name}`
      : this.profile.physicalName(`${patternOf(endpoint)}.${endpoint.subscription.name}`, endpoint.keyed)
  }

  #name(endpoint: Endpoint): string {
    return this.profile.physicalName(patternOf(endpoint), endpoint.keyed)
  }

  #deadLetterName(endpoint: Endpoint): string | undefined {
    const receives = endpoint.kind === 'queue' || endpoint.subscription !== undefined
    if (endpoint.deadLetterName === undefined || !receives || this.profile.engine('queue') !== 'queue') return undefined
    return this.profile.physicalName(endpoint.deadLetterName, endpoint.keyed)
  }

  #findGroup(endpoint: Endpoint): Group | undefined {
    const name = endpoint.kind === 'queue' ? queueSubscription.name : endpoint.subscription?.name
    return name === undefined ? undefined : this.streams.get(this.#name(endpoint))?.groups.get(name)
  }

  #createStream(endpoint: Endpoint): Stream {
    const name = this.#name(endpoint)
    let stream = this.streams.get(name)
    if (stream === undefined) {
      const { stream: behaviour } = this.profile
      const { shards = behaviour.shards, retentionMs = behaviour.retentionMs } = readEndpointOptions(endpoint)
      const options = { shards, retentionMs, throttle: this.#settings.throttle }
      this.streams.set(name, (stream = new Stream(name, this.#world, behaviour, options, (message) => this.profile.sizeOf(message, name))))
    }
    return stream
  }

  #createTopic(endpoint: Endpoint): Topic {
    const name = this.#name(endpoint)
    let topic = this.topics.get(name)
    if (topic === undefined) this.topics.set(name, (topic = new Topic(name, this.#world, this.profile.topicDeduplicationMs(endpoint.keyed))))
    return topic
  }

  #createQueue(endpoint: Endpoint): void {
    const queue = this.#queueNamed(this.placeOf(endpoint), endpoint)
    const { deliveryLimit, queueDelayMs } = readEndpointOptions(endpoint)
    if (queueDelayMs !== undefined) changeDelay(queue, queueDelayMs)
    const { subscription } = endpoint
    if (subscription !== undefined) {
      const { subscriptions } = this.#createTopic(endpoint)
      const existing = subscriptions.get(subscription.name)
      const most = this.profile.maxSubscriptions(endpoint.keyed)
      if (existing === undefined && subscriptions.size >= most)
        throw memoryError('ERR_CONFIGURATION', `topic ${this.#name(endpoint)} has ${most} subscriptions already, and takes no more`, {
          destination: endpoint.destination,
        })
      if (existing === undefined) subscriptions.set(subscription.name, { queue, filter: new SubscriptionFilter(subscription, templateOf(endpoint)) })
      else existing.filter = new SubscriptionFilter(subscription, templateOf(endpoint))
    }
    const deadLetterName = this.#deadLetterName(endpoint)
    if (deadLetterName === undefined) return
    const deadLetters = this.#queueNamed(deadLetterName, { kind: 'queue', keyed: false })
    const limit = deliveryLimit ?? (endpoint.maxAttempts > 0 ? deliveriesPerAttempt * endpoint.maxAttempts : undefined)
    // Whoever names a limit first sets it; a later program is told by `inspect` if it is too low for it.
    queue.deadLetter ??= { queue: deadLetters, limit: limit ?? Infinity, from: this.address(endpoint) }
    if (queue.deadLetter.limit === Infinity && limit !== undefined) queue.deadLetter = { ...queue.deadLetter, queue: deadLetters, limit }
  }

  #queueNamed(name: string, endpoint: Pick<Endpoint, 'kind' | 'keyed'>): Queue {
    let queue = this.queues.get(name)
    if (queue === undefined) this.queues.set(name, (queue = new Queue(name, this.profile.queue(endpoint, this.#settings), this.#world)))
    return queue
  }

  #found<T>(resource: T | undefined, kind: string, endpoint: Endpoint): T {
    if (resource === undefined) throw memoryError('ERR_NOT_FOUND', `There is no ${kind} ${this.placeOf(endpoint)}`, { destination: endpoint.destination })
    return resource
  }
}

export function templateOf({ name, parameters }: Endpoint): AddressTemplate | undefined {
  return parameters === undefined ? undefined : new AddressTemplate(name)
}

/** Whatever its parameters are called, a template is the same addresses: `trucks/+/position`. */
function patternOf(endpoint: Endpoint): string {
  return templateOf(endpoint)?.pattern('+') ?? endpoint.name
}
