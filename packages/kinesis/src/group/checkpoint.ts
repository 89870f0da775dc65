import { kinesisError } from '../errors.ts'
import { comparePositions, formatPosition, parsePosition, type Position } from '../shards/position.ts'

/** Where the reading of a shard goes on. What is written with the shard's lease. */
export type Checkpoint =
  /** The oldest record that is kept. */
  | { readonly kind: 'horizon' }
  /** What is written from the first look on. */
  | { readonly kind: 'latest' }
  /** The first record that arrived at this time, in milliseconds since the epoch, or later. */
  | { readonly kind: 'time'; readonly timestamp: number }
  /** Behind this position: everything up to it is done. Before a record and all that it holds it is at {@link beforeAll}. */
  | { readonly kind: 'after'; readonly position: Position }

/** The sub-sequence number before the first one of a record. */
export const beforeAll = -1

/** The place from which the record at this position is the first to be read. */
export function startingAt({ sequence, subSequence = 0 }: Position): Checkpoint {
  return { kind: 'after', position: { sequence, subSequence: subSequence === 0 ? beforeAll : subSequence - 1 } }
}

export function formatCheckpoint(checkpoint: Checkpoint): string {
  switch (checkpoint.kind) {
    case 'time':
      return `time ${checkpoint.timestamp}`
    case 'after':
      return checkpoint.position.subSequence === beforeAll ? `at ${checkpoint.position.sequence}` : `after ${formatPosition(checkpoint.position)}`
    case 'horizon':
    case 'latest':
      return checkpoint.kind
  }
}

/** Throws `ERR_INVALID`: where a checkpoint cannot be read, guessing would lose records or repeat all of them. */
export function parseCheckpoint(shard: string, text: string): Checkpoint {
  if (text === 'horizon' || text === 'latest') return { kind: text }
  const [, kind, rest = ''] = /^(time|after|at) (.*)$/.exec(text) ?? []
  if (kind === 'time' && /^\d{1,15}$/.test(rest)) return { kind, timestamp: Number(rest) }
  const position = parsePosition(rest)
  if (kind === 'after' && position !== undefined) return { kind, position }
  if (kind === 'at' && position?.subSequence === undefined && position !== undefined) return startingAt(position)
  throw kinesisError('ERR_INVALID', `kinesis: the checkpoint of shard ${shard} cannot be read; set the subscription to a point by a replay`)
}

/** Is `next` further on? What stands for the beginning of a subscription is before every position, and never comes back. */
export function isFurther(next: Checkpoint, than: Checkpoint): boolean {
  if (next.kind !== 'after') return than.kind === 'latest' && next.kind === 'time'
  return than.kind !== 'after' || comparePositions(next.position, than.position) > 0
}
