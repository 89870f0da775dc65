import type { CallContext } from '../api.ts'
import { parseCheckpoint, type Checkpoint } from '../group/checkpoint.ts'
import type { LeaseRow, LeaseTable } from '../group/lease-table.ts'
import { ShardGraph } from '../group/shard-graph.ts'
import { addressOf } from '../names.ts'
import type { GroupContext } from '../receiving/group-context.ts'
import type { Shard } from '../shards/shard-map.ts'
import { oldestRecord } from './oldest-record.ts'

/** How far a subscription is behind in one shard. */
export interface ShardLag {
  readonly shard: string
  /** The worker that reads it; `undefined` if none does. */
  readonly worker: string | undefined
  /** Since when the oldest record has waited that is not known to be done, in milliseconds; 0 if there is none. As checkpoints are written now and then, it may be done already. */
  readonly behindMs: number
}

/** Shards asked at once. */
const askedAtOnce = 16

/** Of all shards that have not been read to their end. Costs two calls or three for each. Throws `BrokerError`. */
export async function lagOf(context: GroupContext, worker: string, signal?: AbortSignal): Promise<readonly ShardLag[]> {
  const { parts, startFrom } = context
  const calls: CallContext = { doing: `Looking how far ${addressOf(parts.stream)} is read`, ...(signal !== undefined && { signal }) }
  const shards = await context.listShards()
  const table = context.table()
  const { rows, generation, origin } = await table.rows()
  // Before anybody has begun, nothing of what `latest` leaves out waits for anybody.
  if (origin === undefined && startFrom !== 'earliest') return shards.map(({ id }) => ({ shard: id, worker: undefined, behindMs: 0 }))
  const graph = new ShardGraph(shards, origin ?? { from: 'horizon' })
  const unread = shards.filter(({ id }) => graph.reads(id) && rows.find(({ shard }) => shard === id)?.state !== 'ended')
  const lags: ShardLag[] = []
  const { clock } = parts.services
  const lag = async ({ id }: Shard): Promise<ShardLag> => {
    const row = rows.find(({ shard }) => shard === id)
    const from = await checkpointOf(id, row, table, worker, generation, graph)
    const oldest = await oldestRecord({ ...parts, shard: id, from, context: calls })
    return { shard: id, worker: row?.worker, behindMs: oldest === undefined ? 0 : Math.max(0, clock.now() - oldest) }
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
