import type { BrokerError, Services } from '@busbar/core/driver'
import type { Api } from '../api.ts'
import { kinesisError } from '../errors.ts'
import { startingAt } from '../group/checkpoint.ts'
import type { GroupShard } from '../group/shard-graph.ts'
import { addressOf, type StreamName } from '../names.ts'
import type { ShardReader } from '../reading/shard-reader.ts'
import { parsePosition, type Position } from '../shards/position.ts'

export interface FindPositionOptions {
  readonly api: Api
  readonly services: Services
  readonly stream: StreamName
  /** By polling. */
  readonly reader: ShardReader
}

/** Shards asked at once. */
const askedAtOnce = 8
/** No search takes longer, in milliseconds. */
const longestSearchMs = 60_000
/** Pages without a record after which a shard that lags behind has none there. */
const mostEmptyPages = 100

/**
 * Which shard has the record at a position, and when it arrived. A number does not say to which shard it belongs, so all are asked. Throws `ERR_INVALID` where none has
 * it, the first failure but for throttling, `ERR_TIMEOUT` after a minute, and the signal's reason when it fires.
 */
export async function findPosition(
  text: string,
  shards: readonly GroupShard[],
  options: FindPositionOptions,
  signal?: AbortSignal,
): Promise<{ readonly shard: string; readonly timestamp: number }> {
  const position = parsePosition(text)
  const what = `${addressOf(options.stream)} has no record at position ${text.slice(0, 200)}, or none any more`
  if (position === undefined) throw kinesisError('ERR_INVALID', what)
  const { clock } = options.services
  const ending = new AbortController()
  const end = (): void => ending.abort(signal?.reason)
  const late = clock.timer(clock.monotonic() + longestSearchMs, () =>
    ending.abort(kinesisError('ERR_TIMEOUT', `${addressOf(options.stream)}: position ${text.slice(0, 200)} was not found within ${longestSearchMs} ms`)),
  )
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted === true) end()
  try {
    const hit = await searched(position, [...shards], options, ending)
    if (hit !== undefined) return hit
  } finally {
    late.cancel()
    signal?.removeEventListener('abort', end)
    // After a failure the other shards need not be read on.
    ending.abort()
  }
  throw kinesisError('ERR_INVALID', what)
}

async function searched(
  position: Position,
  left: GroupShard[],
  options: FindPositionOptions,
  ending: AbortController,
): Promise<{ readonly shard: string; readonly timestamp: number } | undefined> {
  while (left.length > 0) {
    const found = await Promise.all(left.splice(0, askedAtOnce).map(({ id }) => arrivalIn(id, position, options, ending)))
    const hit = found.find((each) => each !== undefined)
    if (hit !== undefined) return hit
  }
  return undefined
}

async function arrivalIn(
  shard: string,
  position: Position,
  { api, services, stream, reader }: FindPositionOptions,
  ending: AbortController,
): Promise<{ readonly shard: string; readonly timestamp: number } | undefined> {
  const { signal } = ending
  // A reader would try again for ever. That somebody else reads the shard too is no failure.
  const failed = (error: BrokerError): void => (error.code === 'ERR_THROTTLED' ? undefined : ending.abort(error))
  const pages = reader({ api, services, stream, shard, from: startingAt(position), signal, failed, recovered: () => undefined })
  try {
    for (let empty = 0; empty < mostEmptyPages; empty++) {
      const { value: page, done } = await pages.next()
      signal.throwIfAborted()
      if (done === true) return undefined
      const [first] = page.records
      if (first !== undefined) return first.sequence === position.sequence ? { shard, timestamp: first.arrivedAt ?? 0 } : undefined
      if (page.millisBehindLatest === 0) return undefined
    }
    return undefined
  } catch (error) {
    // A number of another shard is none of this one's.
    if (isOther(error)) return undefined
    throw error
  } finally {
    await pages.return('aborted')
  }
}

function isOther(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return code === 'ERR_INVALID' || code === 'ERR_NOT_FOUND'
}
