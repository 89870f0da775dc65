import { sleep, type Clock } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'
import { addressOf, type StreamName } from '../names.ts'
import { shardOf } from '../shards/stream-shape.ts'
import type { Place } from './place.ts'
import { Retries } from './retries.ts'
import type { Page, ShardReaderOptions } from './shard-reader.ts'

/** No timer for longer, in case the clock is set. */
const longestWaitMs = 60_000

/** A page, and whether it is the last of the shard. `unnamed`: it looks so, but the shards that go on are not named. */
export interface PageRead {
  readonly page: Page
  readonly ended: boolean | 'unnamed'
}

/** One way to get at the records of a shard. */
export interface PageSource {
  /** The next page; `undefined` if there was something to arrange first. Rejects when it did not work; asked again, it goes on where it was. */
  next(): Promise<PageRead | undefined>
  /** Gives up what is open. */
  close(): void
}

/** Reads from a source until the shard ends or the signal fires. */
export async function* readPages(options: ShardReaderOptions, source: PageSource): AsyncGenerator<Page, 'ended' | 'aborted', void> {
  const { signal } = options
  const retries = new Retries(options, doingOf(options))
  try {
    while (!signal.aborted) {
      try {
        const read = await source.next()
        if (read === undefined) continue
        const { page, ended } = read
        if (ended !== 'unnamed') retries.succeeded()
        if (ended !== 'unnamed' || page.records.length > 0) yield page
        if (ended === false || signal.aborted) continue
        if (ended === 'unnamed') await checkClosed(options, source)
        return 'ended'
      } catch (error) {
        if (!signal.aborted) await retries.after(error)
      }
    }
    return 'aborted'
  } finally {
    source.close()
  }
}

/** An answer that is cut short looks like the last one of a shard, which is never read again then. Throws a `BrokerError` where the shard is open, or that cannot be seen. */
async function checkClosed({ api, stream, shard, signal }: ShardReaderOptions, source: PageSource): Promise<void> {
  const doing = doingOf({ stream, shard })
  // What comes next is asked for anew, behind what has come.
  source.close()
  const shards = (await api.listShards(stream, { doing, signal })).map(shardOf)
  if (shards.length === 0 || shards.find(({ id }) => id === shard)?.open === true)
    throw kinesisError('ERR_UNAVAILABLE', `${doing}: the answer is that of a shard that has ended, and it is still open`)
}

/** Waits for the time at which the reading begins, a while at most. True when it has come. */
export async function isDue(place: Place, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const earlyMs = place.earlyMs(clock.now())
  if (earlyMs > 0) await sleep(clock, Math.min(earlyMs, longestWaitMs), signal)
  return earlyMs === 0
}

/** For texts. */
export function doingOf({ stream, shard }: { readonly stream: StreamName; readonly shard: string }): string {
  return `Reading shard ${shard} of ${addressOf(stream)}`
}

/** Resolves at that time, at once if it is past; rejects with the signal's reason. */
export async function sleepUntil(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  const waitMs = atMs - clock.monotonic()
  if (waitMs > 0) await sleep(clock, waitMs, signal)
}
