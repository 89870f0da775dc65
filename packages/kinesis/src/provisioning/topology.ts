import type { CreateStreamCommandInput, StreamDescriptionSummary } from '@aws-sdk/client-kinesis'
import { isBrokerError, sleep, type Change, type Endpoint, type Services, type Topology } from '@busbar/core/driver'
import type { Api, CallContext } from '../api.ts'
import { kinesisError } from '../errors.ts'
import { addressOf, streamOf, type StreamName } from '../names.ts'
import type { GroupContextParts } from '../receiving/group-context.ts'
import { resolveRouteOptions, type ResolvedRouteOptions } from '../route-options.ts'
import { differencesOf, type Step } from './differences.ts'
import { beginGroups, missingConsumers } from './subscriptions.ts'

interface Wanted {
  readonly stream: StreamName
  readonly route: ResolvedRouteOptions
}

export interface TopologyParts {
  readonly api: Api
  readonly services: Services
  /** `undefined` where there is no store for leases. */
  readonly groupOf: (endpoint: Endpoint) => GroupContextParts | undefined
}

const pollMs = 500
/** Kinesis makes five streams of an account at once, also for others; whoever is refused for that is not for long. */
const longestRefusalMs = 60_000
/** A stream takes some ten seconds to be made, and longer to be resharded. */
const longestChangeMs = 600_000

/** Streams and their settings, and where the subscriptions of streams begin. One is changed after the other, each waited for: Kinesis makes at most five at once and changes one thing of a stream at a time. */
export class KinesisTopology implements Topology {
  readonly #parts: TopologyParts
  readonly #api: Api

  constructor(parts: TopologyParts) {
    this.#parts = parts
    this.#api = parts.api
  }

  async plan(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<readonly Change[]> {
    const changes: Change[] = []
    for (const { stream, route } of streamsOf(endpoints)) {
      const current = await this.#find(stream, signal)
      if (current === undefined) changes.push(creation(stream, route))
      else changes.push(...differencesOf(stream, route, current).map(({ change }) => change))
      const own = endpoints.filter(({ name }) => addressOf(streamOf(name)) === addressOf(stream))
      changes.push(...(await missingConsumers(own, current?.StreamARN, this.#api, signal)))
    }
    return changes
  }

  async apply(endpoints: readonly Endpoint[], _changes: readonly Change[], signal: AbortSignal): Promise<void> {
    for (const { stream, route } of streamsOf(endpoints)) {
      const found = await this.#find(stream, signal)
      if (found === undefined) await this.#create(stream, route, signal)
      const current = found?.StreamStatus === 'ACTIVE' ? found : await this.#whenActive(stream, signal)
      for (const { step } of differencesOf(stream, route, current)) {
        if (step === undefined) continue
        await this.#take(step, stream, current, { doing: `Changing ${addressOf(stream)}`, signal })
        await this.#whenActive(stream, signal)
      }
    }
    await beginGroups(endpoints, this.#parts, signal)
  }

  async #create(stream: StreamName, { capacity = 'on-demand', maxRecordBytes }: ResolvedRouteOptions, signal: AbortSignal): Promise<void> {
    const input: CreateStreamCommandInput = {
      StreamName: stream.name,
      ...(capacity === 'on-demand'
        ? { StreamModeDetails: { StreamMode: 'ON_DEMAND' } }
        : { StreamModeDetails: { StreamMode: 'PROVISIONED' }, ShardCount: capacity.shards }),
      ...(maxRecordBytes > 1_048_576 && { MaxRecordSizeInKiB: maxRecordBytes / 1_024 }),
    }
    const { clock } = this.#parts.services
    const end = clock.monotonic() + longestRefusalMs
    for (;;) {
      try {
        return await this.#api.createStream(input, { doing: `Creating ${addressOf(stream)}`, signal })
      } catch (error) {
        const code = isBrokerError(error) ? error.code : undefined
        // Somebody else was faster.
        if (code === 'ERR_CONFLICT') return
        if (code !== 'ERR_THROTTLED' || clock.monotonic() >= end) throw error
        await sleep(clock, pollMs, signal)
      }
    }
  }

  #take(step: Step, stream: StreamName, { StreamARN = '' }: StreamDescriptionSummary, context: CallContext): Promise<void> {
    switch (step.kind) {
      case 'mode':
        return this.#api.updateMode(StreamARN, step.mode, context)
      case 'shards':
        return this.#api.updateShardCount(stream, step.shards, context)
      case 'retention':
        return this.#api.increaseRetention(stream, step.hours, context)
      case 'encryption':
        return this.#api.encrypt(stream, step.keyId, context)
      case 'recordSize':
        return this.#api.updateRecordSize(StreamARN, step.kib, context)
    }
  }

  async #find(stream: StreamName, signal: AbortSignal): Promise<StreamDescriptionSummary | undefined> {
    try {
      return await this.#api.describe(stream, { doing: `Looking at ${addressOf(stream)}`, signal })
    } catch (error) {
      if (isBrokerError(error) && error.code === 'ERR_NOT_FOUND') return undefined
      throw error
    }
  }

  async #whenActive(stream: StreamName, signal: AbortSignal): Promise<StreamDescriptionSummary> {
    const { clock } = this.#parts.services
    const end = clock.monotonic() + longestChangeMs
    for (;;) {
      // A new stream may not be found at once.
      const current = await this.#find(stream, signal)
      if (current?.StreamStatus === 'ACTIVE') return current
      if (clock.monotonic() >= end)
        throw kinesisError('ERR_UNAVAILABLE', `${addressOf(stream)} is still ${current?.StreamStatus ?? 'missing'} after ${longestChangeMs} ms`)
      await sleep(clock, pollMs, signal)
    }
  }
}

/** Each once: a stream and its subscriptions have one route. */
function streamsOf(endpoints: readonly Endpoint[]): readonly Wanted[] {
  const streams = new Map<string, Wanted>()
  for (const endpoint of endpoints) {
    const stream = streamOf(endpoint.name)
    if (!streams.has(addressOf(stream))) streams.set(addressOf(stream), { stream, route: resolveRouteOptions(endpoint) })
  }
  return [...streams.values()]
}

function creation(stream: StreamName, { capacity = 'on-demand' }: ResolvedRouteOptions): Change {
  if (stream.arn !== undefined)
    return {
      resource: addressOf(stream),
      kind: 'missing',
      text: `There is no ${addressOf(stream)}: what is named by its ARN may be another account's, and is not created.`,
    }
  const how = capacity === 'on-demand' ? 'on-demand' : `with ${capacity.shards} shards`
  return { resource: addressOf(stream), kind: 'create', text: `Create the stream ${stream.name}, ${how}.`, permission: 'kinesis:CreateStream' }
}
