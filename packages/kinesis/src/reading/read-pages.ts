import { sleep, type Clock } from '@busbar/core/driver'
import { addressOf, type StreamName } from '../names.ts'
import type { Place } from './place.ts'
import { Retries } from './retries.ts'
import type { Page, ShardReaderOptions } from './shard-reader.ts'

/** No timer for longer, in case the clock is set. */
const longestWaitMs = 60_000

/** One way to get at the records of a shard. */
export interface PageSource {
  /** The next page, and whether it is the last; `undefined` if there was something to arrange first. Rejects when it did not work; asked again, it goes on where it was. */
  next(): Promise<{ readonly page: Page; readonly ended: boolean } | undefined>
  /** Gives up what is open. */
  close(): void
}

/** Reads from a source until the shard ends or the signal fires. */
export async function* readPages(options: ShardReaderOptions, source: PageSource): AsyncGenerator<Page, 'ended' | 'aborted', void> {
  const { signal } = options
  const retries = new Retries(options, doingOf(options))
  try {
    while (!signal.aborted) {
      let read: Awaited<ReturnType<PageSource['next']>>
      try {
        read = await source.next()
      } catch (error) {
        if (!signal.aborted) await retries.after(error)
        continue
      }
      if (read === undefined) continue
      retries.succeeded()
      yield read.page
      if (read.ended && !signal.aborted) return 'ended'
    }
    return 'aborted'
  } finally {
    source.close()
  }
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
