import { createBroker, queue, type Broker } from '@busbar/core'
import { memory, virtualClock, type MemoryOptions, type VirtualClock } from '@busbar/memory'

export interface Job {
  readonly n: number
  readonly key?: string
}

export const jobs = queue<Job>('jobs')
export const tasks = queue<Job>('tasks', { orderingKey: ({ key = 'none' }) => key })

export interface Setup {
  readonly broker: Broker
  readonly clock: VirtualClock
  readonly send: (to: typeof jobs, ...all: Job[]) => Promise<void>
  readonly idle: () => Promise<void>
  readonly log: string[]
}

export function setup(options: Omit<MemoryOptions, 'clock'> = {}): Setup {
  const clock = virtualClock()
  const driver = memory({ ...options, clock })
  const log: string[] = []
  const broker = createBroker({ driver, destinations: [jobs, tasks], provision: 'create', clock, log: (_level, event) => log.push(event) })
  return {
    broker,
    clock,
    log,
    send: async (to, ...all) => {
      for (const job of all) await broker.producer(to).send(job, { id: `${to.name}-${job.n}` })
    },
    idle: () => driver.idle({ timeoutMs: 36_000_000 }),
  }
}

export function wait(clock: VirtualClock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.timer(clock.monotonic() + ms, resolve)
    signal?.addEventListener('abort', () => {
      timer.cancel()
      reject(signal.reason as Error)
    })
  })
}

export function range(length: number, from = 0): Job[] {
  return Array.from({ length }, (_, index) => ({ n: from + index }))
}

/** More than any part of any window allows for: starts less what may be started in it. */
export function excess(starts: readonly number[], perSecond: number, burst: number): number {
  let worst = -Infinity
  for (const [from, first] of starts.entries())
    for (const [to, last] of starts.entries()) if (to >= from) worst = Math.max(worst, to - from + 1 - burst - ((last - first) * perSecond) / 1_000)
  return worst
}
