import type { KinesisClient } from '@aws-sdk/client-kinesis'
import { isBrokerError, type Capabilities, type Driver, type DriverFactory, type Endpoint, type Link, type Refusal, type Services } from '@busbar/core/driver'
import { capabilitiesOf } from './capabilities.ts'
import { checkAttempts, checkIdentity, createClients } from './client.ts'
import { driverName } from './errors.ts'
import { KinesisLink } from './kinesis-link.ts'
import { addressOf, streamOf } from './names.ts'
import { optionsFromConfiguration, optionsFromUrl, resolveOptions, type KinesisOptions, type ResolvedOptions } from './options.ts'
import { resolveRouteOptions } from './route-options.ts'

/** What {@link kinesis} is: a driver's maker, for code and for configuration. */
export type KinesisFactory = ((options?: KinesisOptions) => Driver<KinesisClient>) & DriverFactory<KinesisOptions>

/**
 * Amazon Kinesis Data Streams: streams, and queues and topics served by streams. To receive it needs a store for leases.
 *
 * ```ts
 * const store = redisStore({ url: 'redis://localhost' })
 * const broker = createBroker({ driver: sqs({ region }), routes: { positions: kinesis({ region, store }) }, destinations: [positions, tracker] })
 * ```
 * Throws `ERR_CONFIGURATION` for unknown or illegal options.
 */
export const kinesis: KinesisFactory = kinesisWith({})

/**
 * {@link kinesis} with what configuration cannot hold, for `connect`:
 *
 * ```ts
 * const broker = await connect(process.env.BUSBAR_URL, { drivers: [sqs, kinesisWith({ store })], destinations })
 * ```
 * Options that are given to the driver itself go before these.
 */
export function kinesisWith(given: Pick<KinesisOptions, 'store' | 'credentials' | 'client'>): KinesisFactory {
  const make = (options: KinesisOptions): Driver<KinesisClient> => new KinesisDriver(resolveOptions({ ...given, ...options }))
  return Object.assign((options: KinesisOptions = {}) => make(options), {
    schemes: ['kinesis'],
    fromUrl: (url: URL) => make(optionsFromUrl(url)),
    fromConfiguration: (options: Readonly<Record<string, unknown>>) => make(optionsFromConfiguration(options)),
  })
}

/**
 * Checkpoints go in the order of the shard: behind a record that takes long, or waits to be tried again, only so many others are handled until it is done. Nobody else
 * gets the records of a shard that is leased here, so that a smaller window keeps nothing for others.
 */
const leastHeld = 1_000

/** Exported for tools of this package that ask what a driver needs. */
export class KinesisDriver implements Driver<KinesisClient> {
  readonly name: string = driverName
  readonly options: ResolvedOptions

  constructor(options: ResolvedOptions) {
    this.options = options
  }

  capabilities(endpoint: Endpoint): Capabilities | Refusal {
    try {
      return capabilitiesOf(endpoint, this.options, resolveRouteOptions(endpoint))
    } catch (error) {
      if (!isBrokerError(error) || error.code !== 'ERR_CONFIGURATION') throw error
      return { refused: error.message, remedy: "correct the route's options" }
    }
  }

  address({ name, subscription }: Endpoint): string {
    const stream = addressOf(streamOf(name))
    return subscription === undefined ? stream : `${stream}, subscription ${subscription.name}`
  }

  leastInFlight(): number {
    return leastHeld
  }

  async connect(services: Services, signal: AbortSignal): Promise<Link<KinesisClient>> {
    signal.throwIfAborted()
    const clients = createClients(this.options)
    try {
      if (this.options.client === undefined) await checkIdentity(clients.main)
      await checkAttempts(clients.main)
      signal.throwIfAborted()
      return new KinesisLink({ options: this.options, services, clients, capabilities: (endpoint) => this.capabilities(endpoint) })
    } catch (error) {
      clients.destroy()
      throw error
    }
  }
}
