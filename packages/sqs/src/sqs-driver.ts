import type { SQSClient } from '@aws-sdk/client-sqs'
import {
  deliveriesPerAttempt,
  isBrokerError,
  mustKeepAll,
  type Capabilities,
  type Driver,
  type DriverFactory,
  type Endpoint,
  type EndpointStats,
  type Intake,
  type Link,
  type LinkHealth,
  type MoveOptions,
  type Receiver,
  type Refusal,
  type Sender,
  type Services,
  type Window,
} from '@busbar/core/driver'
import { Api } from './api.ts'
import { capabilitiesOf } from './capabilities.ts'
import { checkAttempts, checkIdentity, createClients, type Clients } from './clients.ts'
import { driverName, errors, sqsError } from './errors.ts'
import { uniqueIds } from './groups.ts'
import { Mover } from './move-task.ts'
import { addressOf, queueOf, wantsFifo, type QueueName } from './names.ts'
import { oldestAge } from './oldest-age.ts'
import { optionsFromConfiguration, optionsFromUrl, resolveOptions, type ResolvedOptions, type SqsOptions } from './options.ts'
import { redrivePolicyOf } from './queue-attributes.ts'
import { Queues } from './queues.ts'
import { SqsReceiver } from './receiver.ts'
import { SqsReplies } from './replies.ts'
import { resolveRouteOptions } from './route-options.ts'
import { queueSender } from './sender.ts'
import { SqsTopology } from './topology.ts'

/**
 * Amazon SQS: standard queues, and FIFO queues for destinations with ordering keys.
 *
 * ```ts
 * const broker = createBroker({ driver: sqs({ region: 'eu-central-1' }), destinations: [orders] })
 * ```
 * Throws `ERR_CONFIGURATION` for unknown or illegal options.
 */
export const sqs: ((options?: SqsOptions) => Driver<SQSClient>) & DriverFactory<SqsOptions> = Object.assign(
  (options: SqsOptions = {}): Driver<SQSClient> => new SqsDriver(resolveOptions(options)),
  {
    schemes: ['sqs'],
    fromUrl: (url: URL): Driver<SQSClient> => new SqsDriver(resolveOptions(optionsFromUrl(url))),
    fromConfiguration: (options: Readonly<Record<string, unknown>>): Driver<SQSClient> => new SqsDriver(resolveOptions(optionsFromConfiguration(options))),
  },
)

/**
 * What a receive asks for is reserved while it is out, and what is handled is held until its delete is answered: with fewer, receives wait for one another. Measured with
 * `npm run bench -- sqs`.
 */
export const leastHeld = 200

/** Made by {@link sqs}. */
export class SqsDriver implements Driver<SQSClient> {
  readonly name: string = driverName
  readonly options: ResolvedOptions

  constructor(options: ResolvedOptions) {
    this.options = options
  }

  capabilities(endpoint: Endpoint): Capabilities | Refusal {
    try {
      return capabilitiesOf(endpoint, this.options, resolveRouteOptions(endpoint, this.options))
    } catch (error) {
      if (!isBrokerError(error) || error.code !== 'ERR_CONFIGURATION') throw error
      return { refused: error.message, remedy: "correct the route's options" }
    }
  }

  address(endpoint: Endpoint): string {
    return addressOf(this.queue(endpoint))
  }

  // What is held of a FIFO queue keeps the rest of its group from everybody.
  leastInFlight(endpoint: Endpoint): number {
    return this.queue(endpoint).fifo ? 0 : leastHeld
  }

  async connect(services: Services, signal: AbortSignal): Promise<Link<SQSClient>> {
    signal.throwIfAborted()
    const clients = createClients(this.options)
    try {
      if (this.options.client === undefined) await checkIdentity(clients.main.config, driverName, errors)
      for (const client of [clients.main, clients.polling ?? clients.main]) await checkAttempts(client, driverName, errors)
      signal.throwIfAborted()
      return new SqsLink(this.options, services, clients, (endpoint) => this.capabilities(endpoint))
    } catch (error) {
      clients.destroy()
      throw error
    }
  }

  /** Also of an endpoint whose options are refused. */
  queue(endpoint: Endpoint): QueueName {
    return queueOf(endpoint.name, wantsFifo(endpoint))
  }
}

class SqsLink implements Link<SQSClient> {
  readonly native: SQSClient
  readonly topology: SqsTopology
  readonly replies: SqsReplies
  readonly #options: ResolvedOptions
  readonly #services: Services
  readonly #clients: Clients
  readonly #api: Api
  readonly #queues: Queues
  readonly #capabilities: (endpoint: Endpoint) => Capabilities | Refusal
  readonly #uniqueId: () => string
  readonly #mover: Mover
  readonly #closing: AbortController = new AbortController()

  constructor(options: ResolvedOptions, services: Services, clients: Clients, capabilities: (endpoint: Endpoint) => Capabilities | Refusal) {
    this.#options = options
    this.#services = services
    this.#clients = clients
    this.#capabilities = capabilities
    this.native = clients.main
    this.#api = new Api(clients, services, options)
    this.#queues = new Queues(this.#api)
    this.#uniqueId = uniqueIds(services.random)
    this.topology = new SqsTopology(options, this.#api, this.#queues, services.clock)
    this.#mover = new Mover({ api: this.#api, queues: this.#queues, services, closing: this.#closing.signal, retryMaxMs: options.retryMaxMs })
    this.replies = new SqsReplies(options, this.#api, this.#queues, services, this.#uniqueId)
  }

  async inspect(endpoint: Endpoint, signal: AbortSignal): Promise<Capabilities> {
    const capabilities = this.#capabilities(endpoint)
    if ('refused' in capabilities) throw sqsError('ERR_CONFIGURATION', `${endpoint.destination}: ${capabilities.refused}; ${capabilities.remedy}`)
    const queue = this.#queue(endpoint)
    const attributes = await this.#api.attributes(await this.#queues.freshUrl(queue), { doing: `Looking at ${addressOf(queue)}`, signal })
    this.#queues.learn(attributes['QueueArn'], queue)
    checkReceiveLimit(endpoint, queue, attributes)
    const maxMessageBytes = Math.min(capabilities.maxMessageBytes, Number(attributes['MaximumMessageSize'] ?? Infinity))
    return Object.freeze<Capabilities>({ ...capabilities, maxMessageBytes })
  }

  sender(endpoint: Endpoint): Sender {
    const { tenantHeader } = resolveRouteOptions(endpoint, this.#options)
    const { maxMessageBytes: maxBytes } = this.#options
    return queueSender({ queue: this.#queue(endpoint), tenantHeader, maxBytes, api: this.#api, queues: this.#queues, uniqueId: this.#uniqueId })
  }

  readonly receiver = (endpoint: Endpoint, intake: Intake, window: Window): Receiver => {
    const queue = this.#queue(endpoint)
    const { envelope, visibilityTimeoutMs } = resolveRouteOptions(endpoint, this.#options)
    const parts = {
      queue,
      reading: { fifo: queue.fifo, envelope, isDeadLetterPlace: endpoint.deadLettersOf !== undefined, addressOf: this.#queues.addressOfArn },
      visibilityMs: visibilityTimeoutMs,
      options: this.#options,
      api: this.#api,
      queues: this.#queues,
      services: this.#services,
      uniqueId: this.#uniqueId,
    }
    return new SqsReceiver(parts, intake, window)
  }

  async stats(endpoint: Endpoint, signal: AbortSignal): Promise<EndpointStats> {
    const queue = this.#queue(endpoint)
    const attributes = await this.#api.attributes(await this.#queues.url(queue), { doing: `Counting ${addressOf(queue)}`, signal })
    const count = (name: string): number => Number(attributes[name] ?? 0)
    const { cloudWatch } = this.#options
    return {
      ready: count('ApproximateNumberOfMessages'),
      inFlight: count('ApproximateNumberOfMessagesNotVisible'),
      delayed: count('ApproximateNumberOfMessagesDelayed'),
      oldestAgeMs: cloudWatch === undefined ? undefined : await oldestAge(cloudWatch, queue, this.#api, this.#services.clock.now(), signal),
    }
  }

  move(from: Endpoint, to: Endpoint, options: MoveOptions): Promise<{ readonly moved: number }> {
    return this.#mover.move(this.#queue(from), this.#queue(to), options)
  }

  health(): LinkHealth {
    return this.#closing.signal.aborted ? { state: 'closed' } : this.#api.health
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#clients.destroy()
  }

  #queue(endpoint: Endpoint): QueueName {
    return queueOf(endpoint.name, resolveRouteOptions(endpoint, this.#options).fifo)
  }
}

/** A net that catches messages before their attempts are used up is none; and one where none is wanted takes away what is tried until it succeeds. */
function checkReceiveLimit(endpoint: Endpoint, queue: QueueName, attributes: Readonly<Record<string, string>>): void {
  const limit = redrivePolicyOf(attributes)?.maxReceiveCount
  if (limit === undefined) return
  const { maxAttempts } = endpoint
  if (mustKeepAll(endpoint))
    throw sqsError(
      'ERR_CONFIGURATION',
      `${endpoint.destination}: ${addressOf(queue)} moves messages to its dead-letter queue after ${limit} receives, and the route says nativeLimit: false or deadLetter: 'block'; take the queue's RedrivePolicy away (set it to an empty text), or leave that out of the route.`,
    )
  const least = deliveriesPerAttempt * maxAttempts
  if (limit >= least) return
  throw sqsError(
    'ERR_CONFIGURATION',
    `${endpoint.destination}: ${addressOf(queue)} moves messages to its dead-letter queue after ${limit} receives, and ${maxAttempts} attempts need ${least}; raise maxReceiveCount, or use fewer attempts.`,
  )
}
