import { describeDriverContract } from '@busbar/contract-tests'
import type { Driver, Exactness } from '@busbar/core/driver'
import type { ProfileName, VirtualClock } from '@busbar/memory'
import { memoryHarness } from '../contract/harness/memory-harness.ts'
import { plainRunner } from '../contract/harness/plain-runner.ts'
import { alter, type Alterations } from './alter.ts'
import { claiming } from './faults/schedules.ts'

/** A driver that does what at-least-once delivery allows: the whole suite must pass on it. */
export interface LegalDriver {
  readonly name: string
  /** As a sentence about the driver. */
  readonly behaviour: string
  readonly profiles: readonly ProfileName[]
  readonly alterations: () => Alterations
  readonly arrivalMs?: number
}

/** Longest latency of the slow driver, in milliseconds. */
const slowMs = 900

export const legalDrivers: readonly LegalDriver[] = [
  {
    name: 'duplicates-everything',
    behaviour: 'stores every message twice; its counts are declared approximate',
    profiles: ['sqs-standard', 'sqs-fifo', 'sns', 'full', 'kinesis'],
    alterations: () => ({
      ...claiming(({ stats: { ready, inFlight, delayed, oldestAgeMs } }) => ({
        deduplication: false,
        stats: { ready: atBest(ready), inFlight: atBest(inFlight), delayed: atBest(delayed), oldestAgeMs },
      })),
      send: async (batch, next) => {
        const results = await next(batch)
        await next(batch.filter((_, index) => results[index]?.ok === true))
        return results
      },
    }),
  },
  {
    name: 'reorders-what-has-no-order',
    behaviour: 'delivers what it received in reverse where no order is declared',
    profiles: ['sqs-standard'],
    alterations: () => ({ arrive: (deliveries, next) => next(deliveries.toReversed()) }),
  },
  {
    name: 'slow',
    behaviour: `takes up to ${slowMs} ms for everything`,
    profiles: ['full', 'sqs-fifo', 'kinesis', 'rabbitmq', 'mqtt'],
    arrivalMs: 30_000,
    alterations: () => {
      let calls = 0
      const later = <T>(clock: { monotonic(): number; timer(atMs: number, wake: () => void): unknown }, act: () => Promise<T>): Promise<T> =>
        new Promise((resolve, reject) => clock.timer(clock.monotonic() + ((++calls * 317) % slowMs), () => void act().then(resolve, reject)))
      return {
        send: async (batch, next, { services: { clock } }) => {
          const results = await next(batch)
          return later(clock, async () => results)
        },
        settle: (outcomes, next, { services: { clock } }) => later(clock, () => next(outcomes)),
      }
    },
  },
  {
    name: 'tells-early',
    behaviour: 'tells what is stored before it answers, twice',
    profiles: ['full', 'sqs-fifo', 'kinesis'],
    alterations: () => ({
      send: async (batch, next, _site, _signal, stored) => {
        const results = await next(batch)
        for (const [index, result] of [...results, ...results].entries()) if (result.ok) stored?.(index % results.length, result.position)
        return results
      },
    }),
  },
  {
    name: 'releases-count',
    behaviour: 'counts releases as deliveries, and says so',
    profiles: ['full'],
    alterations: () => claiming(() => ({ releaseCounts: true })),
  },
]

function atBest(exactness: Exactness): Exactness {
  return exactness === 'exact' ? 'approximate' : exactness
}

/** Cases that fail on it, each with its reason. */
export async function runLegal({ name, alterations, arrivalMs }: LegalDriver, profile: ProfileName): Promise<string[]> {
  const wrap = (driver: Driver, _clock: VirtualClock): Driver => alter(driver, alterations())
  const { runner, cases } = plainRunner()
  describeDriverContract({ name, harness: memoryHarness({ profile, wrap, ...(arrivalMs === undefined ? {} : { arrivalMs }) }), runner })
  const failed: string[] = []
  for (const { name: title, body } of cases)
    await body().catch((error: unknown) => failed.push(`${title}: ${error instanceof Error ? error.message : String(error)}`))
  return failed
}
