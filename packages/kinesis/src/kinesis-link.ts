import type { KinesisClient } from '@aws-sdk/client-kinesis'
import type {
  Capabilities,
  Endpoint,
  EndpointStats,
  Intake,
  LeaseStore,
  Link,
  LinkHealth,
  Receiver,
  Refusal,
  Sender,
  Services,
  Window,
} from '@busbar/core/driver'
import { Api, justSeenMs } from './api.ts'
import { storeMissing } from './capabilities.ts'
import type { Clients } from './client.ts'
import { kinesisError } from './errors.ts'
import { limits } from './limits.ts'
import { addressOf, streamOf } from './names.ts'
import { lagOf } from './operations/group-lag.ts'
import type { ResolvedOptions } from './options.ts'
import { KinesisTopology } from './provisioning/topology.ts'
import { FanOutConsumer } from './reading/fan-out-consumer.ts'
import { fanOutReader } from './reading/fan-out-reader.ts'
import { pollingReader } from './reading/polling-reader.ts'
import type { ShardReader } from './reading/shard-reader.ts'
import { GroupContext, subscriptionName, type GroupContextParts } from './receiving/group-context.ts'
import { KinesisReceiver } from './receiving/receiver.ts'
import { workerName } from './receiving/worker-name.ts'
import { resolveRouteOptions } from './route-options.ts'
import { KinesisSender } from './sender.ts'
import { checkDistribution } from './shards/stream-shape.ts'

export interface LinkParts {
  readonly options: ResolvedOptions
  readonly services: Services
  readonly clients: Clients
  capabilities(endpoint: Endpoint): Capabilities | Refusal
}

const noStats: EndpointStats = { ready: undefined, inFlight: undefined, delayed: undefined, oldestAgeMs: undefined }

/** One client of the SDK, and all that is sent and received by it. */
export class KinesisLink implements Link<KinesisClient> {
  readonly native: KinesisClient
  readonly topology: KinesisTopology
  readonly #parts: LinkParts
  readonly #api: Api
  #closed = false

  constructor(parts: LinkParts) {
    const { clients, services, options } = parts
    this.#parts = parts
    this.native = clients.main
    this.#api = new Api(clients, services, options.timeoutMs)
    this.topology = new KinesisTopology({ api: this.#api, services, groupOf: (endpoint) => this.#groupParts(endpoint) })
  }

  async inspect(endpoint: Endpoint, signal: AbortSignal): Promise<Capabilities> {
    const capabilities = this.#parts.capabilities(endpoint)
    if ('refused' in capabilities) throw kinesisError('ERR_CONFIGURATION', `${endpoint.destination}: ${capabilities.refused}; ${capabilities.remedy}`)
    const stream = streamOf(endpoint.name)
    const what = addressOf(stream)
    const { StreamStatus, MaxRecordSizeInKiB, RecordDistributionStrategy } = await this.#api.describe(
      stream,
      { doing: `Looking at ${what}`, signal },
      justSeenMs,
    )
    if (StreamStatus === 'DELETING') throw kinesisError('ERR_NOT_FOUND', `${what} is being deleted`)
    if (StreamStatus === 'CREATING') throw kinesisError('ERR_UNAVAILABLE', `${what} is being created`)
    const maxMessageBytes = Math.min(capabilities.maxMessageBytes, (MaxRecordSizeInKiB ?? limits.recordBytes / 1_024) * 1_024)
    if (RecordDistributionStrategy !== 'AUTO') return Object.freeze<Capabilities>({ ...capabilities, maxMessageBytes })
    // Core tells of order that is needed and not there, with all other mismatches.
    checkDistribution(stream, false, resolveRouteOptions(endpoint))
    return Object.freeze<Capabilities>({ ...capabilities, maxMessageBytes, ordering: 'none' })
  }

  sender(endpoint: Endpoint): Sender {
    const { options, services } = this.#parts
    const { maxRequestBytes, shardShare } = options
    const route = resolveRouteOptions(endpoint)
    return new KinesisSender({ stream: streamOf(endpoint.name), keyed: endpoint.keyed, route, maxRequestBytes, shardShare, api: this.#api, services })
  }

  readonly receiver = (endpoint: Endpoint, intake: Intake, window: Window): Receiver => {
    const group = this.#groupParts(endpoint)
    if (group === undefined) throw kinesisError('ERR_CONFIGURATION', `${endpoint.destination}: ${storeMissing.refused}; ${storeMissing.remedy}`)
    const { envelope } = resolveRouteOptions(endpoint)
    return new KinesisReceiver({ ...group, reader: this.#reader(endpoint), envelope }, intake, window)
  }

  async stats(endpoint: Endpoint, signal: AbortSignal): Promise<EndpointStats> {
    const group = this.#groupParts(endpoint)
    if (group === undefined || (endpoint.subscription === undefined && endpoint.kind !== 'queue')) return noStats
    const context = await GroupContext.of(group, signal)
    const lags = await lagOf(context, workerName(this.#parts.services.random), { signal })
    return { ...noStats, oldestAgeMs: Math.max(0, ...lags.map(({ behindMs }) => behindMs)) }
  }

  health(): LinkHealth {
    return this.#closed ? { state: 'closed' } : this.#api.health
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#parts.clients.destroy()
  }

  #groupParts(endpoint: Endpoint): GroupContextParts | undefined {
    const { options, services } = this.#parts
    const store: LeaseStore | undefined = options.store
    if (store === undefined) return undefined
    const stream = streamOf(endpoint.name)
    const { keepMisplaced } = resolveRouteOptions(endpoint)
    return { endpoint, stream, store, times: options.times, api: this.#api, services, polling: pollingReader(options.pace), keepMisplaced }
  }

  #reader(endpoint: Endpoint): ShardReader {
    const { options, services } = this.#parts
    if (!resolveRouteOptions(endpoint).fanOut) return pollingReader(options.pace)
    const stream = streamOf(endpoint.name)
    return fanOutReader(new FanOutConsumer({ api: this.#api, services, stream, name: subscriptionName(endpoint), register: false }))
  }
}
