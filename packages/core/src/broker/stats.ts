import type { EndpointStats, Link } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { sleep } from '../sleep.ts'
import type { Connection } from './connection.ts'
import type { Plan, Planned } from './plan.ts'
import type { Producers } from './producers.ts'
import type { Runtime } from './runtime.ts'

export interface IdleTarget {
  readonly plan: Plan
  readonly connection: Connection
  readonly producers: Producers
  /** Messages that consumers of this process hold. */
  readonly held: () => number
  readonly runtime: Runtime
}

const pollMs = 10

export async function statsOf({ driver, endpoint }: Planned, { links }: Connection, signal: AbortSignal): Promise<EndpointStats> {
  const link = links.get(driver) as Link
  return link.stats?.(endpoint, signal) ?? { ready: undefined, inFlight: undefined, delayed: undefined, oldestAgeMs: undefined }
}

/** Resolves when nothing is buffered or held here, and the sources have nothing ready, in flight or delayed, as far as their statistics tell. */
export async function untilIdle({ plan, connection, producers, held, runtime }: IdleTarget, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const { clock } = runtime
  const deadline = clock.monotonic() + timeoutMs
  const atBroker = async (): Promise<number> => {
    const counts = await Promise.all(
      [...new Set(plan.sources.values())].map(async (planned) => {
        const { ready = 0, inFlight = 0, delayed = 0 } = await statsOf(planned, connection, signal)
        return ready + inFlight + delayed
      }),
    )
    return counts.reduce((total, count) => total + count, 0)
  }
  for (;;) {
    const here = producers.pending + held()
    const there = here === 0 ? await atBroker() : 0
    if (here + there === 0) return
    if (clock.monotonic() >= deadline)
      throw new BrokerError('ERR_TIMEOUT', `Not idle within ${timeoutMs} ms: ${here} messages are buffered or held here, ${there} are at the broker.`)
    await sleep(clock, pollMs, signal)
  }
}
