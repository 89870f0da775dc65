import type { MaybePromise, StartFrom } from '@busbar/core/driver'
import { parsePosition } from '../shards/position.ts'
import type { GroupShard, Origin } from './shard-graph.ts'

/** The end of the year 9999, in milliseconds since the epoch. Checkpoints and calls hold no later time. */
const latestMs = 253_402_300_799_999

/** Which shard has a record at a position, and when that arrived, in milliseconds since the epoch. Throws a `BrokerError` where none has, and the signal's reason when it fires. */
export type FindPosition = (
  position: string,
  shards: readonly GroupShard[],
  signal?: AbortSignal,
) => MaybePromise<{ readonly shard: string; readonly timestamp: number }>

export interface BeginningOptions {
  readonly startFrom: StartFrom
  /** All that are kept. */
  readonly shards: readonly GroupShard[]
  /** The wall clock. */
  readonly now: number
  readonly findPosition: FindPosition
}

/** Is it a point at which a group can begin? One that is none would be written down all the same, and could not be read by anybody. */
export function isStart(startFrom: unknown): startFrom is StartFrom {
  if (startFrom === 'earliest' || startFrom === 'latest') return true
  const { timestamp, position } = Object(startFrom) as { readonly timestamp?: unknown; readonly position?: unknown }
  if (timestamp === undefined) return typeof position === 'string' && parsePosition(position) !== undefined
  return position === undefined && typeof timestamp === 'number' && timestamp >= 0 && timestamp <= latestMs
}

/** How a group begins that has this for its start. */
export async function beginningOf({ startFrom, shards, now, findPosition }: BeginningOptions): Promise<Origin> {
  if (startFrom === 'earliest') return { from: 'horizon' }
  if (startFrom === 'latest') return { from: 'latest', at: Math.floor(now), open: shards.filter(({ open }) => open).map(({ id }) => id) }
  if ('timestamp' in startFrom) return { from: 'time', timestamp: Math.floor(startFrom.timestamp) }
  return { from: 'position', position: startFrom.position, ...(await findPosition(startFrom.position, shards)) }
}
