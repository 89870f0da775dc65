import type { Clock } from './clock.ts'

/** Resolves after `ms` milliseconds; rejects with the signal's reason when it fires first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error)
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason as Error)
    }
    const timer = clock.timer(clock.monotonic() + ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** `ms`, the upper half of it at random, so that many clients don't return together. */
export function jittered(ms: number, random: () => number): number {
  return ms * (0.5 + random() / 2)
}

/** `firstMs`, twice that, and so on up to `lastMs`, each {@link jittered}. */
export function jitteredBackoff(failures: number, firstMs: number, lastMs: number, random: () => number): number {
  return jittered(Math.min(lastMs, firstMs * 2 ** failures), random)
}
