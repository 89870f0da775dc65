import type { Clock } from '../clock.ts'

/** The outcome of `work`, or the error of `expired` after `ms`. A late outcome is ignored. */
export async function within<T>(work: Promise<T>, ms: number, clock: Clock, expired: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = clock.timer(clock.monotonic() + ms, () => reject(expired()))
  try {
    return await Promise.race([work, promise])
  } finally {
    timer.cancel()
    // Whoever loses the race may still reject, to nobody.
    work.catch(() => undefined)
  }
}

/** Resolves after `ms`, or at once when `signal` fires. */
export function pauseFor(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.timer(clock.monotonic() + ms, done)
    signal.addEventListener('abort', done, { once: true })
  })
}
