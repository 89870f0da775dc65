import { BrokerError, isBrokerError } from '../errors.ts'
import { jitteredBackoff, sleep } from '../sleep.ts'
import type { Runtime } from './runtime.ts'

/** How long starting a broker or a consumer goes on while the backend cannot be reached. */
const deadlineMs = 30_000
const firstBackoffMs = 100
const lastBackoffMs = 5_000

/** Repeats what fails with a retryable error until 30 s have passed or `signal` fires. `what` begins the texts: `amqp`, `orders on amqp`. */
export async function keepTrying<T>(what: string, attempt: () => Promise<T>, { clock, random, log }: Runtime, signal: AbortSignal): Promise<T> {
  const deadline = clock.monotonic() + deadlineMs
  for (let failures = 0; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (signal.aborted || !isBrokerError(error) || !error.retryable) throw error
      const pause = jitteredBackoff(failures, firstBackoffMs, lastBackoffMs, random)
      if (clock.monotonic() + pause >= deadline)
        throw new BrokerError(error.code, `${what} could not be reached within ${deadlineMs} ms: ${error.message}`, { cause: error })
      log('warn', 'start:failed', { what, code: error.code, message: error.message, failures: failures + 1 })
      await sleep(clock, pause, signal)
    }
  }
}
