import type { BrokerError, Clock, StartFrom } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import { beginningOf, isStart, type FindPosition } from './beginning.ts'
import type { LeaseTable } from './lease-table.ts'
import type { GroupShard } from './shard-graph.ts'

export interface ReplayOptions {
  readonly table: LeaseTable
  readonly clock: Clock
  readonly startFrom: StartFrom
  readonly listShards: () => Promise<readonly GroupShard[]>
  readonly findPosition: FindPosition
  /** Who replays: what it reads itself is no obstacle. */
  readonly worker: string
  /** Also while others read: they finish what runs, and begin anew. */
  readonly force: boolean
}

/**
 * All shards of a group begin anew at `startFrom`. It is one write, which either is done or is not: leases and checkpoints of before it belong to an earlier number of
 * replays, and say nothing about later ones. Returns how many replays there have been. Throws `ERR_CONFLICT` while others read, unless `force`, and a `TypeError` for
 * what is no point to begin at.
 */
export async function replayGroup({ table, clock, startFrom, listShards, findPosition, worker, force }: ReplayOptions): Promise<number> {
  if (!isStart(startFrom))
    throw new TypeError(
      "kinesis: a replay begins at 'earliest', 'latest', { timestamp: milliseconds since the epoch, up to the year 9999 } or { position: that of a message }",
    )
  const { leased, replay } = await table.view()
  const others = new Set([...leased.values()].filter((holder) => holder !== worker))
  if (others.size > 0 && !force)
    throw conflict(
      `${others.size} other ${others.size === 1 ? 'worker reads' : 'workers read'} it (${[...others].slice(0, 3).join(', ')}); stop them, or force the replay: they then finish what runs and begin anew`,
    )
  const beginning = await beginningOf({ startFrom, shards: await listShards(), now: clock.now(), findPosition })
  const number = (replay?.number ?? 0) + 1
  if (!(await table.replay(worker, number, beginning))) throw conflict('another replay of it began at the same time; look where it begins now, and try again')
  return number
}

function conflict(why: string): BrokerError {
  return kinesisError('ERR_CONFLICT', `kinesis: the subscription is not replayed: ${why}`)
}
