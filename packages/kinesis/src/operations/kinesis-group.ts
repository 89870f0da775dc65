import { randomBytes } from 'node:crypto'
import { systemClock } from '@busbar/core'
import { assertKnownKeys, type Clock, type Endpoint, type Services, type StartFrom } from '@busbar/core/driver'
import { Api } from '../api.ts'
import { createClients } from '../client.ts'
import { configuration } from '../errors.ts'
import type { Origin } from '../group/shard-graph.ts'
import { replayGroup } from '../group/replay.ts'
import { streamOf } from '../names.ts'
import { resolveOptions, type KinesisOptions } from '../options.ts'
import { pollingReader } from '../reading/polling-reader.ts'
import { GroupContext } from '../receiving/group-context.ts'
import { lagOf, type LagOptions, type ShardLag } from './group-lag.ts'

/** Some minutes of reading. */
const mostCounted = 10_000_000

/** Which subscription. */
export interface KinesisGroupOptions extends KinesisOptions {
  /** Name or ARN of the stream. */
  readonly stream: string
  /** Default: that of a stream which serves as a queue. */
  readonly subscription?: string
  /** As in the route's options: whether the lag counts aggregated records with keys of other shards. Default false. */
  readonly keepMisplaced?: boolean
  /** Default: the system's. */
  readonly clock?: Clock
}

/** One shard in the table of leases. */
export interface ShardLeaseView {
  readonly shard: string
  /** `ended`: read to its end. `free`: nobody reads it, as yet or any more. */
  readonly state: 'leased' | 'ended' | 'free'
  /** Who reads it: host, process and a unique end. */
  readonly worker: string | undefined
  /** Up to where it is done, as it was written last: `horizon`, `time …`, `at …`, `after …`; known of leased shards alone. */
  readonly checkpoint: string | undefined
  /** How long the lease holds if it is not renewed, in milliseconds. */
  readonly expiresInMs: number | undefined
}

/** A subscription as those who operate it see it. It receives nothing, and needs no broker. */
export interface KinesisGroup extends AsyncDisposable {
  /** Every shard that the stream has. Throws `BrokerError`. */
  leases(): Promise<readonly ShardLeaseView[]>
  /** Every shard that is not read to its end. A shard that nobody reads is leased for a moment, to see its checkpoint. Throws `BrokerError`; `ERR_CONFIGURATION` for an illegal `countUpTo`. */
  lag(options?: LagOptions): Promise<readonly ShardLag[]>
  /** How the subscription begins; `undefined` as long as nobody has begun it. */
  beginning(): Promise<Origin | undefined>
  /**
   * Lets all workers of the subscription read again from a point on. One write, which is done or not done: no worker goes on from a checkpoint of before it.
   * Throws `ERR_CONFLICT` while workers read; with `force` they finish what runs, give all shards up and begin anew within two looks. Ended shards are read again too.
   * Throws a `TypeError` for what is no point: times are 0 to the end of the year 9999, in milliseconds since the epoch.
   */
  replay(startFrom: StartFrom, options?: { readonly force?: boolean }): Promise<void>
  /** Closes the client, unless it was given. */
  close(): Promise<void>
}

/**
 * A subscription's leases, lag and replay. Throws `ERR_CONFIGURATION` for illegal options and without a store.
 *
 * ```ts
 * await using group = kinesisGroup({ region: 'eu-central-1', store, stream: 'positions', subscription: 'tracker' })
 * console.table(await group.leases())
 * await group.replay({ timestamp: Date.parse('2026-11-01') })
 * ```
 */
export function kinesisGroup(options: KinesisGroupOptions): KinesisGroup {
  const { stream: streamName, subscription, keepMisplaced = false, clock = systemClock, ...driverOptions } = options
  const resolved = resolveOptions(driverOptions)
  const { store } = resolved
  if (store === undefined) throw configuration("kinesisGroup: the option 'store' is needed: the one that the workers of the subscription have")
  if (typeof streamName !== 'string' || streamName === '') throw configuration("kinesisGroup: the option 'stream' must be the name or the ARN of a stream")
  if (typeof keepMisplaced !== 'boolean') throw configuration("kinesisGroup: the option 'keepMisplaced' must be true or false")
  const clients = createClients(resolved)
  const services: Services = { clock, random: () => randomBytes(4).readUInt32BE() / 0x1_0000_0000, log: () => undefined, meter: () => undefined }
  const stream = streamOf(streamName)
  const worker = `operator-${randomBytes(12).toString('hex')}`
  const api = new Api(clients, services, resolved.timeoutMs)
  const endpoint: Endpoint = {
    destination: streamName,
    kind: subscription === undefined ? 'queue' : 'stream',
    name: streamName,
    ...(subscription !== undefined && { subscription: { name: subscription } }),
    keyed: false,
    maxAttempts: 0,
    options: {},
  }
  const context = (signal?: AbortSignal): Promise<GroupContext> =>
    GroupContext.of({ endpoint, stream, store, times: resolved.times, api, services, polling: pollingReader(resolved.pace), keepMisplaced }, signal)
  const close = async (): Promise<void> => clients.destroy()
  return {
    leases: async () => leasesOf(await context()),
    lag: async (lagOptions = {}) => {
      checkLagOptions(lagOptions)
      return await lagOf(await context(lagOptions.signal), worker, lagOptions)
    },
    beginning: async () => (await (await context()).table().rows()).origin,
    replay: async (startFrom, replayOptions = {}) => {
      assertKnownKeys('replay', replayOptions, ['force'])
      const group = await context()
      const { listShards, findPosition } = group
      await replayGroup({ table: group.table(), clock, startFrom, listShards, findPosition, worker, force: replayOptions.force ?? false })
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function checkLagOptions(options: LagOptions): void {
  assertKnownKeys('lag', options, ['countUpTo', 'signal'])
  const { countUpTo = 1 } = options
  if (!Number.isInteger(countUpTo) || countUpTo < 1 || countUpTo > mostCounted)
    throw configuration(`lag: countUpTo must be a whole number from 1 to ${mostCounted}`)
}

async function leasesOf(context: GroupContext): Promise<readonly ShardLeaseView[]> {
  const shards = await context.listShards()
  const { rows } = await context.table().rows()
  return shards.map(({ id }) => {
    const row = rows.find(({ shard }) => shard === id)
    if (row === undefined) return { shard: id, state: 'free', worker: undefined, checkpoint: undefined, expiresInMs: undefined }
    const { state, worker, checkpoint, expiresInMs } = row
    return state === 'ended'
      ? { shard: id, state, worker: undefined, checkpoint: undefined, expiresInMs: undefined }
      : { shard: id, state, worker, checkpoint, expiresInMs }
  })
}
