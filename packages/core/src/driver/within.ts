import type { Clock } from '../clock.ts'
import { sleep } from '../sleep.ts'

/** The outcome of `work`, or the error of `expired` after `ms`. A late outcome is ignored. */
export async function within<T>(work: Promise<T>, ms: number, clock: Clock, expired: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = clock.timer(clock.monotonic() + ms, () => reject(expired()))
  try {
    return await Promise.race([work, promise])
  } finally {
    timer.cancel()
  }
}

/** Resolves after `ms`, or at once when `signal` fires. */
export function pauseFor(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return sleep(clock, ms, signal).catch(() => undefined)
}
