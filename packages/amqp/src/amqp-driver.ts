import type {
  Capabilities,
  Driver,
  DriverFactory,
  Endpoint,
  EndpointStats,
  Intake,
  Link,
  LinkHealth,
  Receiver,
  Refusal,
  Sender,
  Services,
  Window,
} from '@busbar/core/driver'
import { isBrokerError } from '@busbar/core/driver'
import type { ChannelModel } from 'amqplib'
import { addressOf, Addresses } from './addresses.ts'
import { Admin } from './admin.ts'
import { capabilitiesOf } from './capabilities.ts'
import { ConnectionManager } from './connection-manager.ts'
import type { Connection } from './connection.ts'
import { ladderLevel, ladderLevels } from './delay-ladder.ts'
import { amqpError, driverName } from './errors.ts'
import { membersName, partitionName, partitionNames, queueName } from './names.ts'
import { deadLettersNatively } from './native-dead-letters.ts'
import { configuration, optionsFromUrl, resolveOptions, type AmqpOptions, type ResolvedOptions } from './options.ts'
import { Publisher } from './publisher.ts'
import { AmqpReceiver } from './receiver.ts'
import { AmqpReplies } from './replies.ts'
import { reservedBy } from './reserved.ts'
import { Restoration } from './restoration.ts'
import { resolveRouteOptions } from './route-options.ts'
import { AmqpSender } from './sender.ts'
import { AmqpTopology } from './topology.ts'

/** amqplib's own connections; `undefined` while they are down. */
export interface AmqpNative {
  readonly publishing: ChannelModel | undefined
  readonly consuming: ChannelModel | undefined
}

/**
 * RabbitMQ, also as Amazon MQ for RabbitMQ, over AMQP 0-9-1.
 *
 * ```ts
 * const broker = createBroker({ driver: amqp({ url: process.env.AMQP_URL }), destinations: [orders] })
 * ```
 * Throws `ERR_CONFIGURATION` for unknown or illegal options.
 */
export const amqp: ((options: AmqpOptions) => Driver<AmqpNative>) & DriverFactory<AmqpOptions> = Object.assign(
  (options: AmqpOptions): Driver<AmqpNative> => new AmqpDriver(resolveOptions(options)),
  {
    schemes: ['amqp', 'amqps'],
    fromUrl: (url: URL): Driver<AmqpNative> => new AmqpDriver(resolveOptions(optionsFromUrl(url))),
    fromConfiguration: (options: Readonly<Record<string, unknown>>): Driver<AmqpNative> => {
      if (options['url'] === undefined) throw configuration("amqp: option 'url' is missing")
      return new AmqpDriver(resolveOptions(options as unknown as AmqpOptions))
    },
  },
)

/**
 * A quorum queue delivers the next message when it has written the ack of one before: with fewer out, and fast handlers, that round trip is the limit. Measured with
 * `npm run bench -- amqp`; RabbitMQ's guide on prefetch recommends 100 to 300.
 */
const leastPrefetch = 200

class AmqpDriver implements Driver<AmqpNative> {
  readonly name: string = driverName
  readonly #options: ResolvedOptions

  constructor(options: ResolvedOptions) {
    this.#options = options
  }

  capabilities(endpoint: Endpoint): Capabilities | Refusal {
    try {
      return capabilitiesOf(endpoint, this.#options, resolveRouteOptions(endpoint, this.#options))
    } catch (error) {
      if (!isBrokerError(error) || error.code !== 'ERR_CONFIGURATION') throw error
      return { refused: error.message, remedy: "correct the route's options" }
    }
  }

  address(endpoint: Endpoint): string {
    return addressOf(endpoint)
  }

  reserves(endpoint: Endpoint): readonly string[] {
    // Illegal options take nothing; they are refused by `capabilities`.
    return 'refused' in this.capabilities(endpoint) ? [] : reservedBy(endpoint, resolveRouteOptions(endpoint, this.#options))
  }

  // With keys every partition has its part of the window, and is handed over when that is handled: it must not be larger than handlers need.
  leastInFlight({ keyed }: Endpoint): number {
    return keyed ? 0 : leastPrefetch
  }

  async connect(services: Services, signal: AbortSignal): Promise<Link<AmqpNative>> {
    const link = new AmqpLink(this.#options, services, (endpoint) => this.capabilities(endpoint))
    await link.open(signal)
    return link
  }
}

/** Two connections, one for publishing and one for consuming: a broker that blocks publishers must not stop their acks. */
class AmqpLink implements Link<AmqpNative> {
  readonly native: AmqpNative
  readonly replies: AmqpReplies
  readonly topology: AmqpTopology
  readonly #options: ResolvedOptions
  readonly #services: Services
  readonly #capabilities: (endpoint: Endpoint) => Capabilities | Refusal
  readonly #publishing: ConnectionManager
  readonly #consuming: ConnectionManager
  /** For copies of received messages and for replies. */
  readonly #copies: Publisher
  readonly #admin: Admin
  readonly #addresses: Addresses = new Addresses()
  readonly #restoration: Restoration
  /** Addresses of sources, and whether messages that are rejected go from there to their dead-letter place, as the broker says. */
  readonly #native: Map<string, boolean> = new Map()

  constructor(options: ResolvedOptions, services: Services, capabilities: (endpoint: Endpoint) => Capabilities | Refusal) {
    const onReconnected = (connection: Connection): Promise<void> => this.#restoration.onReconnected(connection)
    const publishing = new ConnectionManager('publishing', options, services, onReconnected)
    const consuming = new ConnectionManager('consuming', options, services, onReconnected)
    this.#options = options
    this.#services = services
    this.#capabilities = capabilities
    this.#publishing = publishing
    this.#consuming = consuming
    this.#copies = new Publisher('the source queue', publishing, services)
    this.#admin = new Admin(consuming, services, options.timeoutMs)
    this.replies = new AmqpReplies(consuming, services, this.#copies, options.timeoutMs)
    this.#restoration = new Restoration(options, consuming, services)
    this.topology = new AmqpTopology(options, consuming, services, this.#restoration)
    this.native = {
      get publishing() {
        return publishing.connection?.model
      },
      get consuming() {
        return consuming.connection?.model
      },
    }
  }

  async open(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#publishing.connect(signal), this.#consuming.connect(signal)])
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async inspect(endpoint: Endpoint, signal: AbortSignal): Promise<Capabilities> {
    const capabilities = this.#capabilities(endpoint)
    if ('refused' in capabilities) throw amqpError('ERR_CONFIGURATION', `${endpoint.destination}: ${capabilities.refused}; ${capabilities.remedy}`)
    const { exchanges, queues, surplus } = this.#needs(endpoint)
    this.#native.delete(addressOf(endpoint))
    for (const name of exchanges) await this.#admin.ask(`Looking for exchange ${name}`, (channel) => channel.checkExchange(name), signal)
    for (const name of queues) await this.#admin.ask(`Looking for queue ${name}`, (channel) => channel.checkQueue(name), signal)
    if (surplus !== undefined && (await this.#admin.find(`Looking for queue ${surplus}`, (channel) => channel.checkQueue(surplus), signal)) !== undefined) {
      throw amqpError(
        'ERR_CONFLICT',
        `${endpoint.destination}: queue ${surplus} exists, so it has more partitions than the route's option says; set partitions, or drain and use repartition.`,
      )
    }
    this.#addresses.learn(endpoint)
    return await this.#narrow(endpoint, capabilities, signal)
  }

  sender(endpoint: Endpoint): Sender {
    return new AmqpSender(endpoint, resolveRouteOptions(endpoint, this.#options), this.#publishing, this.#services, this.#restoration)
  }

  readonly receiver = (endpoint: Endpoint, intake: Intake, window: Window): Receiver => {
    const route = resolveRouteOptions(endpoint, this.#options)
    this.#addresses.learn(endpoint)
    const parts = {
      endpoint,
      options: this.#options,
      route,
      manager: this.#consuming,
      services: this.#services,
      copies: this.#copies,
      restoration: this.#restoration,
      addressOf: this.#addresses.ofQueue,
      deadLettersNatively: () => this.#deadLettersNatively(endpoint),
    }
    return new AmqpReceiver(parts, intake, window)
  }

  async stats(endpoint: Endpoint, signal: AbortSignal): Promise<EndpointStats> {
    let ready = 0
    for (const name of this.#sources(endpoint)) {
      ready += (await this.#admin.ask(`Counting queue ${name}`, (channel) => channel.checkQueue(name), signal)).messageCount
    }
    return { ready, inFlight: undefined, delayed: undefined, oldestAgeMs: undefined }
  }

  health(): LinkHealth {
    const { health } = this.#publishing
    return health.state === 'connected' ? this.#consuming.health : health
  }

  async close(): Promise<void> {
    await Promise.all([this.replies.close(), this.#copies.close(), this.#admin.close()])
    await Promise.all([this.#publishing.close(), this.#consuming.close()])
  }

  /** Without the ladder there are no delays, whatever the options say; and a message is only rejected where that leads to the dead-letter place. */
  async #narrow(endpoint: Endpoint, claimed: Capabilities, signal: AbortSignal): Promise<Capabilities> {
    const deadLetter = claimed.deadLetter === 'native' && (await this.#deadLettersNatively(endpoint, signal)) ? 'native' : 'emulated'
    const top = ladderLevel(ladderLevels - 1)
    const delayed = claimed.delay || claimed.redelivery.delayed
    const laddered = delayed && (await this.#admin.find(`Looking for queue ${top}`, (channel) => channel.checkQueue(top), signal)) !== undefined
    const delays = delayed && !laddered ? { delay: false as const, redelivery: { ...claimed.redelivery, delayed: false as const } } : {}
    return Object.freeze<Capabilities>({ ...claimed, deadLetter, ...delays })
  }

  async #deadLettersNatively(endpoint: Endpoint, signal?: AbortSignal): Promise<boolean> {
    const address = addressOf(endpoint)
    const known = this.#native.get(address)
    if (known !== undefined) return known
    const native = await deadLettersNatively(endpoint, this.#sources(endpoint), this.#options, this.#admin, signal)
    this.#native.set(address, native)
    return native
  }

  /** What must exist for the endpoint, and the partition queue that must not. */
  #needs(endpoint: Endpoint): { readonly exchanges: readonly string[]; readonly queues: readonly string[]; readonly surplus?: string } {
    const exchanges = endpoint.kind === 'topic' ? [endpoint.name] : []
    if (endpoint.kind === 'topic' && endpoint.subscription === undefined) return { exchanges, queues: [] }
    const { partitions } = resolveRouteOptions(endpoint, this.#options)
    const base = queueName(endpoint)
    if (partitions === 0) return { exchanges, queues: [base] }
    return { exchanges, queues: [...partitionNames(base, partitions), membersName(base)], surplus: partitionName(base, partitions) }
  }

  #sources(endpoint: Endpoint): readonly string[] {
    const { partitions } = resolveRouteOptions(endpoint, this.#options)
    const base = queueName(endpoint)
    return partitions === 0 ? [base] : partitionNames(base, partitions)
  }
}
