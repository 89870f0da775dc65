import type { Driver, Link } from '../driver/driver.ts'
import { BrokerError, isBrokerError } from '../errors.ts'
import { jitteredBackoff, sleep } from '../sleep.ts'
import { servicesFor, type Runtime } from './runtime.ts'

/** How long `start` keeps trying a broker that cannot be reached. */
const connectDeadlineMs = 30_000
const firstBackoffMs = 100
const lastBackoffMs = 5_000

/** Connects, repeating what failed with a retryable error until 30 s have passed. */
export async function connectLink(driver: Driver, runtime: Runtime, signal: AbortSignal): Promise<Link> {
  const { clock, random, log } = runtime
  const deadline = clock.monotonic() + connectDeadlineMs
  const services = servicesFor(driver.name, runtime)
  for (let failures = 0; ; failures++) {
    try {
      return await driver.connect(services, signal)
    } catch (error) {
      if (signal.aborted || !isBrokerError(error) || !error.retryable) throw error
      const pause = jitteredBackoff(failures, firstBackoffMs, lastBackoffMs, random)
      if (clock.monotonic() + pause >= deadline) throw new BrokerError(error.code, `${driver.name} could not be reached within ${connectDeadlineMs} ms: ${error.message}`, { driver: driver.name, cause: error })
      log('warn', 'link:connect-failed', { driver: driver.name, code: error.code, message: error.message, failures: failures + 1 })
      await sleep(clock, pause, signal)
    }
  }
}
