import { sleep, type Endpoint, type LeaseStore, type Services, type StartFrom } from '@busbar/core/driver'
import type { Api } from '../api.ts'
import type { FindPosition } from '../group/beginning.ts'
import { beginningOf } from '../group/beginning.ts'
import { LeaseTable } from '../group/lease-table.ts'
import type { Origin } from '../group/shard-graph.ts'
import { addressOf, type StreamName } from '../names.ts'
import type { GroupTimes } from '../options.ts'
import type { ShardReader } from '../reading/shard-reader.ts'
import type { Shard } from '../shards/shard-map.ts'
import { shardOf } from '../shards/stream-shape.ts'
import { findPosition } from './find-position.ts'
import { groupOf, identityOf, type StreamIdentity } from './stream-identity.ts'

/** The one subscription by which a stream serves as a queue. */
const queueSubscription = 'queue'
/** Between two looks at whether another process has written down where the group begins, in milliseconds. */
const beginLookMs = 500

export interface GroupContextParts {
  readonly endpoint: Endpoint
  readonly stream: StreamName
  readonly store: LeaseStore
  readonly times: GroupTimes
  readonly api: Api
  readonly services: Services
  /** By which positions are found. */
  readonly polling: ShardReader
  /** Takes records of aggregated records whatever shard their keys belong to. */
  readonly keepMisplaced: boolean
}

/** A group of one stream: what it is called in the store, and where it begins. */
export class GroupContext {
  readonly parts: GroupContextParts
  readonly startFrom: StartFrom
  /** As it was looked at last: always of the same stream. */
  identity: StreamIdentity
  /** As they were listed last. */
  shards: ReadonlyMap<string, Shard> = new Map()
  readonly #doing: string

  private constructor(parts: GroupContextParts, identity: StreamIdentity) {
    this.parts = parts
    this.identity = identity
    this.#doing = `Looking at the shards of ${addressOf(parts.stream)}`
    // What was sent to a queue before anybody received from it waits there.
    this.startFrom = parts.endpoint.subscription === undefined ? 'earliest' : (parts.endpoint.subscription.startFrom ?? 'latest')
  }

  /** Of the stream as it is now, or was up to `maxAgeMs` ago. Throws `BrokerError` for one that is not there. */
  static async of(parts: GroupContextParts, signal?: AbortSignal, maxAgeMs = 0): Promise<GroupContext> {
    const context = { doing: `Looking at ${addressOf(parts.stream)}`, ...(signal !== undefined && { signal }) }
    return new GroupContext(parts, await identityOf(parts.api, parts.stream, context, maxAgeMs))
  }

  get group(): string {
    return groupOf(this.identity, subscriptionName(this.parts.endpoint))
  }

  readonly listShards = async (): Promise<readonly Shard[]> => {
    const { api, stream } = this.parts
    const shards = (await api.listShards(stream, { doing: this.#doing })).map(shardOf)
    this.shards = new Map(shards.map((shard) => [shard.id, shard]))
    return shards
  }

  readonly findPosition: FindPosition = (position, shards, signal) => {
    const { api, services, stream, polling } = this.parts
    return findPosition(position, shards, { api, services, stream, reader: polling }, signal)
  }

  /** Whose hash keys the records in an aggregated record must have; `undefined`: all are taken. */
  ownerOf(shard: string): Shard | undefined {
    return this.parts.keepMisplaced || this.identity.distributesByItself ? undefined : this.shards.get(shard)
  }

  table(): LeaseTable {
    const { store, services, times } = this.parts
    return new LeaseTable({ store, clock: services.clock, group: this.group, leaseMs: times.leaseMs })
  }

  /** Writes down where the group begins, if it has not begun. Resolves when that is written: another process that was about to may never have done it. */
  async begin(worker: string, signal: AbortSignal): Promise<void> {
    const { startFrom, findPosition: find } = this
    const { clock } = this.parts.services
    const table = this.table()
    const findPosition: FindPosition = (position, shards) => find(position, shards, signal)
    const beginning = async (): Promise<Origin> => beginningOf({ startFrom, shards: await this.listShards(), now: clock.now(), findPosition })
    while ((await table.origin(worker, beginning)) === undefined) await sleep(clock, beginLookMs, signal)
  }
}

/** The subscription's own name; a queue has one. */
export function subscriptionName({ subscription }: Endpoint): string {
  return subscription?.name ?? queueSubscription
}
