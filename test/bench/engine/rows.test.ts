import { expect, it } from 'vitest'
import { rowsOf, type Scenario } from './rows.ts'
import { messagesPerSecond, Samples, type Sample } from './sample.ts'
import { aheadOf, atLeast, nearRaw } from './targets.ts'

const scenario: Scenario = { name: 'publish', raw: 'raw', subjects: [{ name: 'ours', targets: [nearRaw] }, { name: 'raw' }] }

it('compares each round with the same round of the raw client', () => {
  // The machine slows down by half in the second round: ours is equal all the same.
  const [ours, raw] = rowsOf(
    scenario,
    samples({
      ours: [
        [1_000, 10],
        [500, 20],
        [990, 10],
      ],
      raw: [
        [1_000, 10],
        [500, 20],
        [1_000, 10],
      ],
    }),
  )
  expect(ours).toMatchObject({
    messagesPerSecond: expect.closeTo(990, 6),
    cpuMicrosPerMessage: 10,
    ratioToRaw: { median: 1 },
    cpuRatioToRaw: { median: 1 },
    met: true,
  })
  expect(raw).toMatchObject({ ratioToRaw: null, cpuRatioToRaw: null, target: null, met: null })
})

it('has no ratio where the raw client takes no part', () => {
  const [ours] = rowsOf({ ...scenario, subjects: [{ name: 'ours' }] }, samples({ ours: [[1_000, 10]] }))
  expect(ours).toMatchObject({ messagesPerSecond: expect.closeTo(1_000, 6), ratioToRaw: null, cpuRatioToRaw: null })
})

it('misses the target by the lower end of throughput or by CPU', () => {
  const raw = [
    [1_000, 10],
    [1_000, 10],
    [1_000, 10],
  ] as const
  expect(
    rowsOf(
      scenario,
      samples({
        ours: [
          [990, 10],
          [1_300, 10],
          [800, 10],
        ],
        raw,
      }),
    )[0]?.met,
  ).toBe(false)
  expect(
    rowsOf(
      scenario,
      samples({
        ours: [
          [1_000, 11.6],
          [1_001, 11.6],
          [1_000, 11.6],
        ],
        raw,
      }),
    )[0]?.met,
  ).toBe(false)
  expect(
    rowsOf(
      scenario,
      samples({
        ours: [
          [1_000, 11.4],
          [1_001, 11.4],
          [1_000, 11.4],
        ],
        raw,
      }),
    )[0]?.met,
  ).toBe(true)
})

it('is ahead of a peer by throughput, or by CPU where throughput tells nothing apart', () => {
  const peers: Scenario = { name: 'publish', subjects: [{ name: 'ours', targets: [aheadOf(['peer'])] }] }
  const peer = [
    [1_000, 10],
    [1_000, 10],
    [1_000, 10],
  ] as const
  const ahead = (ours: readonly Figures[]): boolean | null | undefined => rowsOf(peers, samples({ ours, peer }))[0]?.met
  expect(
    ahead([
      [1_010, 20],
      [1_020, 20],
      [1_010, 20],
    ]),
  ).toBe(true)
  expect(
    ahead([
      [990, 8],
      [1_005, 8],
      [990, 8],
    ]),
  ).toBe(true)
  expect(
    ahead([
      [990, 11],
      [1_005, 11],
      [990, 11],
    ]),
  ).toBe(false)
  expect(
    ahead([
      [900, 5],
      [901, 5],
      [900, 5],
    ]),
  ).toBe(false)
})

it('takes absolute targets by the median', () => {
  const absolute: Scenario = { name: 'publish', subjects: [{ name: 'ours', targets: [atLeast(1_000)] }] }
  expect(
    rowsOf(
      absolute,
      samples({
        ours: [
          [999, 1],
          [1_000, 1],
          [5_000, 1],
        ],
      }),
    )[0]?.met,
  ).toBe(true)
  expect(
    rowsOf(
      absolute,
      samples({
        ours: [
          [999, 1],
          [999, 1],
          [5_000, 1],
        ],
      }),
    )[0]?.met,
  ).toBe(false)
})

it('pairs by round, and leaves out the rounds that only one of two took part in', () => {
  const result = new Samples()
  for (const round of [0, 1, 2, 3]) result.add('publish', 'ours', round, sample(1_000 * (round + 1), 10))
  for (const round of [1, 3]) result.add('publish', 'raw', round, sample(1_000, 10))
  expect(result.ratios('publish', 'ours', 'raw', messagesPerSecond)).toEqual([2, 4].map((ratio) => expect.closeTo(ratio, 9)))
  expect(result.of('publish', 'raw')).toHaveLength(2)
})

/** Messages per second, and CPU microseconds per message. */
type Figures = readonly [number, number]

function samples(all: Readonly<Record<string, readonly Figures[]>>): Samples {
  const result = new Samples()
  for (const [subject, figures] of Object.entries(all)) {
    for (const [round, [perSecond, cpu]] of figures.entries()) result.add('publish', subject, round, sample(perSecond, cpu))
  }
  return result
}

function sample(perSecond: number, cpu: number): Sample {
  return { messages: 1_000, seconds: 1_000 / perSecond, cpuMicros: cpu * 1_000 }
}

it('lets pass what is missed by little, and not what is missed by far', () => {
  const raw = [
    [1_000, 10],
    [1_000, 10],
    [1_000, 10],
  ] as const
  const row = (perSecond: number, cpu: number): unknown => {
    const ours = [0, 1, 2].map((round) => [perSecond + round, cpu] as const)
    const { met, withinGate } = rowsOf(scenario, samples({ ours, raw }))[0] ?? {}
    return { met, withinGate }
  }
  expect(row(1_000, 10)).toEqual({ met: true, withinGate: true })
  expect(row(900, 13)).toEqual({ met: false, withinGate: true })
  expect(row(800, 10)).toEqual({ met: false, withinGate: false })
  expect(row(1_000, 15)).toEqual({ met: false, withinGate: false })
})
