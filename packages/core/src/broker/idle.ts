import type { Link } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { sleep } from '../sleep.ts'
import type { Connection } from './connection.ts'
import type { Plan } from './plan.ts'
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

/** Resolves when nothing is buffered or held here, and the sources have nothing ready, in flight or delayed, as far as their statistics tell. */
export async function untilIdle({ plan, connection, producers, held, runtime }: IdleTarget, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const { clock } = runtime
  const deadline = clock.monotonic() + timeoutMs
  const atBroker = async (): Promise<number> => {
    const counts = await Promise.all(
      [...new Set(plan.sources.values())].map(async ({ driver, endpoint }) => {
        const stats = await (connection.links.get(driver) as Link).stats?.(endpoint, signal)
        return (stats?.ready ?? 0) + (stats?.inFlight ?? 0) + (stats?.delayed ?? 0)
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
