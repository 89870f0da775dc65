import { BrokerError, isBrokerError } from '../errors.ts'
import { jitteredBackoff } from '../jitter.ts'
import { sleep } from '../sleep.ts'
import type { Runtime } from './runtime.ts'

/** How long starting a broker or a consumer goes on while the backend cannot be reached. */
const deadlineMs = 30_000
const firstBackoffMs = 100
const lastBackoffMs = 5_000

/** After a first attempt, which began at `began` (monotonic milliseconds) and failed with `error`. */
export async function tryAgain<T>(
  what: string,
  attempt: () => Promise<T>,
  first: { readonly error: unknown; readonly began: number },
  { clock, random, log }: Runtime,
  signal: AbortSignal,
): Promise<T> {
  let { error } = first
  for (let failures = 0; ; failures++) {
    if (signal.aborted || !isBrokerError(error) || !error.retryable) throw error
    const pause = jitteredBackoff(failures, firstBackoffMs, lastBackoffMs, random)
    if (clock.monotonic() + pause >= first.began + deadlineMs)
      throw new BrokerError(error.code, `${what} could not be reached within ${deadlineMs} ms: ${error.message}`, { cause: error })
    log('warn', 'start:failed', { what, code: error.code, message: error.message, failures: failures + 1 })
    await sleep(clock, pause, signal)
    try {
      return await attempt()
    } catch (next) {
      error = next
    }
  }
}
