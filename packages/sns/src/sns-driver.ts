import { SNSClient } from '@aws-sdk/client-sns'
import type { HeaderFilter } from '@busbar/core'
import {
  isBrokerError,
  type Capabilities,
  type Driver,
  type DriverFactory,
  type Endpoint,
  type EndpointStats,
  type Intake,
  type Link,
  type LinkHealth,
  type Receiver,
  type Refusal,
  type Sender,
  type Services,
  type Topology,
  type Window,
} from '@busbar/core/driver'
import { sqs } from '@busbar/sqs'
import { checkAttempts, checkIdentity, clientConfig, leastHeld, uniqueIds } from '@busbar/sqs/shared'
import { Api } from './api.ts'
import { Arns } from './arns.ts'
import { capabilitiesOf } from './capabilities.ts'
import { driverName, errors, snsError } from './errors.ts'
import { limits } from './limits.ts'
import { addressOf, topicOf, type TopicName } from './names.ts'
import { optionsFromConfiguration, optionsFromUrl, resolveOptions, type ResolvedOptions, type SnsOptions } from './options.ts'
import { resolveRouteOptions } from './route-options.ts'
import { topicSender } from './sender.ts'
import { queueEndpointOf } from './subscription-queue.ts'
import { SnsTopology } from './topology.ts'

/**
 * Amazon SNS: topics, and FIFO topics for destinations with ordering keys; each subscription is a queue of SQS.
 *
 * ```ts
 * const broker = createBroker({ driver: sqs({ region }), routes: { 'order-placed': sns({ region }) }, destinations: [orderPlaced, billing] })
 * ```
 * Throws `ERR_CONFIGURATION` for unknown or illegal options.
 */
export const sns: ((options?: SnsOptions) => Driver<SNSClient>) & DriverFactory<SnsOptions> = Object.assign(
  (options: SnsOptions = {}): Driver<SNSClient> => new SnsDriver(resolveOptions(options)),
  {
    schemes: ['sns'],
    fromUrl: (url: URL): Driver<SNSClient> => new SnsDriver(resolveOptions(optionsFromUrl(url))),
    fromConfiguration: (options: Readonly<Record<string, unknown>>): Driver<SNSClient> => new SnsDriver(resolveOptions(optionsFromConfiguration(options))),
  },
)

/** Made by {@link sns}. */
export class SnsDriver implements Driver<SNSClient> {
  readonly name: string = driverName
  readonly options: ResolvedOptions
  /** Of the queues of subscriptions. */
  readonly queues: Driver

  constructor(options: ResolvedOptions) {
    this.options = options
    this.queues = sqs(options.queues)
  }

  capabilities(endpoint: Endpoint): Capabilities | Refusal {
    try {
      return capabilitiesOf(endpoint, this.options.region, this.queues)
    } catch (error) {
      if (!isBrokerError(error) || error.code !== 'ERR_CONFIGURATION') throw error
      return { refused: error.message, remedy: "correct the route's options" }
    }
  }

  /** Also of an endpoint whose options are refused. */
  address(endpoint: Endpoint): string {
    const { subscription, options, name, keyed } = endpoint
    const topic = addressOf(topicOf(name, typeof options['fifo'] === 'boolean' ? options['fifo'] : keyed))
    if (endpoint.kind !== 'topic') return `${endpoint.kind} ${name}`
    if (subscription === undefined) return topic
    try {
      return this.queues.address(queueAt(endpoint))
    } catch {
      return `${topic}, subscription ${subscription.name}`
    }
  }

  leastInFlight({ keyed }: Endpoint): number {
    return keyed ? 0 : leastHeld
  }

  async connect(services: Services, signal: AbortSignal): Promise<Link<SNSClient>> {
    signal.throwIfAborted()
    const { client: given } = this.options
    const client = given ?? new SNSClient(clientConfig(this.options))
    const destroy = (): void => (given === undefined ? client.destroy() : undefined)
    try {
      if (given === undefined) await checkIdentity(client.config, driverName, errors)
      await checkAttempts(client, driverName, errors)
      const queues = await this.queues.connect(services, signal)
      return new SnsLink({ options: this.options, services, client, destroy, driver: this, queueDriver: this.queues, queues })
    } catch (error) {
      destroy()
      throw error
    }
  }
}

interface LinkParts {
  readonly options: ResolvedOptions
  readonly services: Services
  readonly client: SNSClient
  destroy(): void
  readonly driver: Driver
  readonly queueDriver: Driver
  readonly queues: Link
}

class SnsLink implements Link<SNSClient> {
  readonly native: SNSClient
  readonly topology: SnsTopology
  readonly #parts: LinkParts
  readonly #api: Api
  readonly #arns: Arns
  readonly #uniqueId: () => string
  /** By the addresses of topics: the headers by which subscriptions of this program filter. */
  readonly #filterHeaders: Map<string, ReadonlySet<string>> = new Map()
  #closed = false

  constructor(parts: LinkParts) {
    const { client, options, services, queueDriver, queues } = parts
    this.#parts = parts
    this.native = client
    this.#api = new Api(client, options.client === undefined, services, options)
    this.#arns = new Arns(client, options.accountId, services.clock, options.timeoutMs)
    this.#uniqueId = uniqueIds(services.random)
    this.topology = new SnsTopology({ api: this.#api, arns: this.#arns, queueDriver, queues: topologyOf(queues) })
  }

  async inspect(endpoint: Endpoint, signal: AbortSignal): Promise<Capabilities> {
    const capabilities = this.#parts.driver.capabilities(endpoint)
    if ('refused' in capabilities) throw snsError('ERR_CONFIGURATION', `${endpoint.destination}: ${capabilities.refused}; ${capabilities.remedy}`)
    if (endpoint.subscription !== undefined) {
      const topic = addressOf(topicAt(endpoint))
      this.#filterHeaders.set(topic, new Set([...(this.#filterHeaders.get(topic) ?? []), ...headersIn(endpoint.subscription.headerFilter)]))
      await this.#parts.queues.inspect(queueAt(endpoint), signal)
      return capabilities
    }
    const topic = topicAt(endpoint)
    const attributes = await this.#api.topicAttributes(await this.#arns.topic(topic), { doing: `Looking at ${addressOf(topic)}`, signal })
    const maxMessageBytes = Math.min(capabilities.maxMessageBytes, Number(attributes['MaximumMessageSize'] ?? limits.messageBytes))
    return Object.freeze<Capabilities>({ ...capabilities, maxMessageBytes, maxBatch: { ...capabilities.maxBatch, bytes: maxMessageBytes } })
  }

  /** To a subscription alone: into its queue. */
  sender(endpoint: Endpoint): Sender {
    if (endpoint.subscription !== undefined) return this.#parts.queues.sender(queueAt(endpoint))
    const topic = topicAt(endpoint)
    const route = resolveRouteOptions(endpoint)
    const filterHeaders = [...new Set([...route.filterHeaders, ...(this.#filterHeaders.get(addressOf(topic)) ?? [])])]
    return topicSender({ topic, route: { ...route, filterHeaders }, api: this.#api, arns: this.#arns, uniqueId: this.#uniqueId })
  }

  readonly receiver = (endpoint: Endpoint, intake: Intake, window: Window): Receiver => {
    const { receiver } = this.#parts.queues
    if (receiver === false) throw new TypeError('queues of SQS can be received from')
    return receiver.call(this.#parts.queues, queueAt(endpoint), intake, window)
  }

  async stats(endpoint: Endpoint, signal: AbortSignal): Promise<EndpointStats> {
    const { queues } = this.#parts
    if (queues.stats === undefined) throw new TypeError('queues of SQS count their messages')
    return queues.stats(queueAt(endpoint), signal)
  }

  /** The worse of the two services. */
  health(): LinkHealth {
    if (this.#closed) return { state: 'closed' }
    const { health } = this.#api
    return health.state === 'connected' ? this.#parts.queues.health() : health
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#parts.queues.close()
    this.#parts.destroy()
  }
}

function topologyOf({ topology }: Link): Topology {
  if (topology === undefined) throw new TypeError('queues of SQS can be provisioned')
  return topology
}

function topicAt(endpoint: Endpoint): TopicName {
  return topicOf(endpoint.name, resolveRouteOptions(endpoint).fifo)
}

/** Names of headers, also those in alternatives. */
function headersIn(filter: HeaderFilter = {}): string[] {
  return Object.entries(filter).flatMap(([name, condition]) => {
    const alternatives: readonly unknown[] = name === '$or' && Array.isArray(condition) ? condition : []
    return [name, ...alternatives.flatMap((policy) => headersIn(policy as HeaderFilter))]
  })
}

/** The queue of a subscription. */
function queueAt(endpoint: Endpoint): Endpoint {
  const route = resolveRouteOptions(endpoint)
  return queueEndpointOf(endpoint, topicOf(endpoint.name, route.fifo), route)
}
