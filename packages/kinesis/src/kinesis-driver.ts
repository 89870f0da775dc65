import type { KinesisClient } from '@aws-sdk/client-kinesis'
import {
  isBrokerError,
  type Capabilities,
  type Driver,
  type DriverFactory,
  type Endpoint,
  type Link,
  type LinkHealth,
  type Refusal,
  type Sender,
  type Services,
} from '@busbar/core/driver'
import { Api } from './api.ts'
import { capabilitiesOf } from './capabilities.ts'
import { checkAttempts, checkIdentity, createClient } from './client.ts'
import { driverName, kinesisError } from './errors.ts'
import { addressOf, streamOf } from './names.ts'
import { optionsFromConfiguration, optionsFromUrl, resolveOptions, type KinesisOptions, type ResolvedOptions } from './options.ts'
import { KinesisTopology } from './provisioning/topology.ts'
import { resolveRouteOptions } from './route-options.ts'
import { KinesisSender } from './sender.ts'
import { checkDistribution } from './shards/stream-shape.ts'

/**
 * Amazon Kinesis Data Streams. Sends to streams, and to topics as streams; it does not receive yet.
 *
 * ```ts
 * const broker = createBroker({ driver: sqs({ region }), routes: { positions: kinesis({ region }) }, destinations: [positions] })
 * ```
 * Throws `ERR_CONFIGURATION` for unknown or illegal options.
 */
export const kinesis: ((options?: KinesisOptions) => Driver<KinesisClient>) & DriverFactory<KinesisOptions> = Object.assign(
  (options: KinesisOptions = {}): Driver<KinesisClient> => new KinesisDriver(resolveOptions(options)),
  {
    schemes: ['kinesis'],
    fromUrl: (url: URL): Driver<KinesisClient> => new KinesisDriver(resolveOptions(optionsFromUrl(url))),
    fromConfiguration: (options: Readonly<Record<string, unknown>>): Driver<KinesisClient> =>
      new KinesisDriver(resolveOptions(optionsFromConfiguration(options))),
  },
)

class KinesisDriver implements Driver<KinesisClient> {
  readonly name: string = driverName
  readonly #options: ResolvedOptions

  constructor(options: ResolvedOptions) {
    this.#options = options
  }

  capabilities(endpoint: Endpoint): Capabilities | Refusal {
    try {
      return capabilitiesOf(endpoint, this.#options, resolveRouteOptions(endpoint))
    } catch (error) {
      if (!isBrokerError(error) || error.code !== 'ERR_CONFIGURATION') throw error
      return { refused: error.message, remedy: "correct the route's options" }
    }
  }

  address({ name, subscription }: Endpoint): string {
    const stream = addressOf(streamOf(name))
    return subscription === undefined ? stream : `${stream}, subscription ${subscription.name}`
  }

  async connect(services: Services, signal: AbortSignal): Promise<Link<KinesisClient>> {
    signal.throwIfAborted()
    const client = this.#options.client ?? createClient(this.#options)
    const destroy = (): void => (this.#options.client === undefined ? client.destroy() : undefined)
    try {
      if (this.#options.client === undefined) await checkIdentity(client)
      await checkAttempts(client)
      signal.throwIfAborted()
      return new KinesisLink(this.#options, services, client, destroy, (endpoint) => this.capabilities(endpoint))
    } catch (error) {
      destroy()
      throw error
    }
  }
}

class KinesisLink implements Link<KinesisClient> {
  readonly native: KinesisClient
  readonly receiver = false
  readonly topology: KinesisTopology
  readonly #options: ResolvedOptions
  readonly #services: Services
  readonly #destroy: () => void
  readonly #api: Api
  readonly #capabilities: (endpoint: Endpoint) => Capabilities | Refusal
  #closed = false

  constructor(
    options: ResolvedOptions,
    services: Services,
    client: KinesisClient,
    destroy: () => void,
    capabilities: (endpoint: Endpoint) => Capabilities | Refusal,
  ) {
    this.#options = options
    this.#services = services
    this.native = client
    this.#destroy = destroy
    this.#capabilities = capabilities
    this.#api = new Api(client, services, options.timeoutMs)
    this.topology = new KinesisTopology(this.#api, services.clock)
  }

  async inspect(endpoint: Endpoint, signal: AbortSignal): Promise<Capabilities> {
    const capabilities = this.#capabilities(endpoint)
    if ('refused' in capabilities) throw kinesisError('ERR_CONFIGURATION', `${endpoint.destination}: ${capabilities.refused}; ${capabilities.remedy}`)
    const stream = streamOf(endpoint.name)
    const what = addressOf(stream)
    const { StreamStatus, MaxRecordSizeInKiB, RecordDistributionStrategy } = await this.#api.describe(stream, { doing: `Looking at ${what}`, signal })
    if (StreamStatus === 'DELETING') throw kinesisError('ERR_NOT_FOUND', `${what} is being deleted`)
    if (StreamStatus === 'CREATING') throw kinesisError('ERR_UNAVAILABLE', `${what} is being created`)
    const maxMessageBytes = Math.min(capabilities.maxMessageBytes, (MaxRecordSizeInKiB ?? Infinity) * 1_024)
    if (RecordDistributionStrategy !== 'AUTO') return Object.freeze<Capabilities>({ ...capabilities, maxMessageBytes })
    // Core tells of order that is needed and not there, with all other mismatches.
    checkDistribution(stream, false, resolveRouteOptions(endpoint))
    return Object.freeze<Capabilities>({ ...capabilities, maxMessageBytes, ordering: 'none' })
  }

  sender(endpoint: Endpoint): Sender {
    const { maxRequestBytes, shardShare } = this.#options
    const route = resolveRouteOptions(endpoint)
    return new KinesisSender({
      stream: streamOf(endpoint.name),
      keyed: endpoint.keyed,
      route,
      maxRequestBytes,
      shardShare,
      api: this.#api,
      services: this.#services,
    })
  }

  health(): LinkHealth {
    return this.#closed ? { state: 'closed' } : this.#api.health
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#destroy()
  }
}
