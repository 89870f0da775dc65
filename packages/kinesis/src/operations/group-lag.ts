import type { CallContext } from '../api.ts'
import { parseCheckpoint, type Checkpoint } from '../group/checkpoint.ts'
import type { LeaseRow, LeaseTable } from '../group/lease-table.ts'
import { ShardGraph } from '../group/shard-graph.ts'
import { addressOf } from '../names.ts'
import type { GroupContext } from '../receiving/group-context.ts'
import type { Shard } from '../shards/shard-map.ts'
import { waitingRecords } from './waiting-records.ts'

/** How far a subscription is behind in one shard. */
export interface ShardLag {
  readonly shard: string
  /** The worker that reads it; `undefined` if none does. */
  readonly worker: string | undefined
  /** Since when the oldest record has waited that is not known to be done, in milliseconds; 0 if there is none. As checkpoints are written now and then, it may be done already. */
  readonly behindMs: number
  /** Those that are not known to be done, each of an aggregated record's; at most as many as were to be counted. `undefined` unless `countUpTo` is given. */
  readonly records: number | undefined
}

/** What of the lag is asked for. */
export interface LagOptions {
  /**
   * Counts what waits in each shard, up to this number: 1 to 10,000,000. Kinesis has no count of it, so it is read, a call for each 10,000 records or 10 MiB.
   * Those who consume the shard have so much less to read in the meantime: of 2 MB and 5 calls a second. Default: nothing is counted.
   */
  readonly countUpTo?: number
  readonly signal?: AbortSignal
}

/** Shards asked at once. */
const askedAtOnce = 16

/** Of all shards that have not been read to their end. Costs two calls or three for each, if nothing is counted. Throws `BrokerError`. */
export async function lagOf(context: GroupContext, worker: string, { countUpTo, signal }: LagOptions): Promise<readonly ShardLag[]> {
  const { parts, startFrom } = context
  const calls: CallContext = { doing: `Looking how far ${addressOf(parts.stream)} is read`, ...(signal !== undefined && { signal }) }
  const shards = await context.listShards()
  const table = context.table()
  const { rows, generation, origin } = await table.rows()
  // Before anybody has begun, nothing of what `latest` leaves out waits for anybody.
  if (origin === undefined && startFrom !== 'earliest') return shards.map(({ id }) => ({ shard: id, worker: undefined, behindMs: 0, records: countUpTo && 0 }))
  const graph = new ShardGraph(shards, origin ?? { from: 'horizon' })
  const unread = shards.filter(({ id }) => graph.reads(id) && rows.find(({ shard }) => shard === id)?.state !== 'ended')
  const lags: ShardLag[] = []
  const { clock } = parts.services
  const lag = async (each: Shard): Promise<ShardLag> => {
    const { id } = each
    const row = rows.find(({ shard }) => shard === id)
    const from = await checkpointOf(id, row, table, worker, generation, graph)
    const { since, records } = await waitingRecords({ ...parts, shard: each, within: context.ownerOf(id), from, countUpTo: countUpTo ?? 0, context: calls })
    return { shard: id, worker: row?.worker, behindMs: since === undefined ? 0 : Math.max(0, clock.now() - since), records: countUpTo && records }
  }
  while (unread.length > 0) lags.push(...(await Promise.all(unread.splice(0, askedAtOnce).map(lag))))
  return lags
}

async function checkpointOf(
  id: string,
  row: LeaseRow | undefined,
  table: LeaseTable,
  worker: string,
  generation: number,
  graph: ShardGraph,
): Promise<Checkpoint> {
  const note = row?.checkpoint ?? (row === undefined ? await table.checkpointOf(worker, id, generation) : undefined)
  return note === undefined ? graph.beginning(id, false) : parseCheckpoint(id, note)
}
