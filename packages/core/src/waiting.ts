import type { Clock } from './clock.ts'

/** Waits until `work` has ended, well or not, but no longer than `ms`: nothing that hangs may keep a process from ending. */
export async function endedWithin(clock: Clock, work: Promise<unknown>, ms: number): Promise<void> {
  const expired = Promise.withResolvers<void>()
  const timer = clock.timer(clock.monotonic() + ms, () => expired.resolve())
  await Promise.race([work.catch(() => undefined), expired.promise])
  timer.cancel()
}

/** What becomes of `work`, or the signal's reason if that fires first; `work` itself goes on. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason as Error)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([aborted.promise, work])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
