import { describe, expect, it } from 'vitest'
import { constant, decorrelated, exponential, linear, type Backoff } from './backoff.ts'
import { seededRandom } from './test-support/seeded-random.ts'

const attempts = [1, 2, 3, 4, 5, 6, 50, 5000]

function delays(backoff: Backoff, random: () => number = () => 0): number[] {
  return attempts.map((attempt) => backoff.delay(attempt, random))
}

describe('backoff without jitter', () => {
  it('doubles up to the longest wait', () => {
    expect(delays(exponential({ initialMs: 200, maxMs: 3000, jitter: 'none' }))).toEqual([200, 400, 800, 1600, 3000, 3000, 3000, 3000])
  })

  it('stays at no wait, whatever the factor', () => {
    for (const backoff of [exponential({ initialMs: 0, factor: 1e308 }), exponential({ initialMs: 0 }), decorrelated({ initialMs: 0 })])
      expect(delays(backoff, () => 0.5)).toEqual(attempts.map(() => 0))
    expect(delays(exponential({ factor: 1e308, jitter: 'none' }))[2]).toBe(30_000)
  })

  it('multiplies by the factor', () => {
    expect(delays(exponential({ initialMs: 10, maxMs: 1000, factor: 1.5, jitter: 'none' })).slice(0, 4)).toEqual([10, 15, 22, 33])
  })

  it('adds a step', () => {
    expect(delays(linear({ initialMs: 100, stepMs: 50, maxMs: 320, jitter: 'none' }))).toEqual([100, 150, 200, 250, 300, 320, 320, 320])
  })

  it('stays the same', () => {
    expect(delays(constant(70))).toEqual(attempts.map(() => 70))
  })

  it('has the documented defaults', () => {
    expect(delays(exponential({ jitter: 'none' })).slice(0, 7)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    expect(exponential().delay(1, () => 0.5)).toBe(500)
  })
})

describe('jitter', () => {
  it.each([
    ['full', 0, 1000],
    ['equal', 500, 1000],
  ] as const)('%s spreads over its whole range and not beyond', (jitter, low, high) => {
    const backoff = constant(1000, { jitter })
    const random = seededRandom(7)
    const seen = Array.from({ length: 2000 }, () => backoff.delay(1, random))
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(low)
    expect(Math.max(...seen)).toBeLessThanOrEqual(high)
    expect(Math.min(...seen)).toBeLessThan(low + 20)
    expect(Math.max(...seen)).toBeGreaterThan(high - 20)
    expect(seen.every(Number.isInteger)).toBe(true)
  })

  it('decorrelated stays between the shortest wait and three times the previous one', () => {
    const backoff = decorrelated({ initialMs: 100, maxMs: 5000 })
    const random = seededRandom(11)
    let previousMs = 100
    for (let attempt = 1; attempt < 500; attempt++) {
      const delayMs = backoff.delay(attempt, random, previousMs)
      expect(delayMs).toBeGreaterThanOrEqual(100)
      expect(delayMs).toBeLessThanOrEqual(Math.min(5000, previousMs * 3))
      previousMs = delayMs
    }
  })

  it('decorrelated without a previous wait grows with the attempt', () => {
    const backoff = decorrelated({ initialMs: 100, maxMs: 5000 })
    expect([1, 2, 3, 4, 5, 5000].map((attempt) => backoff.delay(attempt, () => 0.999_999))).toEqual([299, 899, 2699, 4999, 4999, 4999])
    expect(backoff.delay(4, () => 0)).toBe(100)
  })

  it('gives the same waits for the same seed', () => {
    expect(delays(exponential(), seededRandom(3))).toEqual(delays(exponential(), seededRandom(3)))
    expect(delays(exponential(), seededRandom(3))).not.toEqual(delays(exponential(), seededRandom(4)))
  })
})

describe('misuse', () => {
  it.each([
    () => exponential({ initialMs: -1 }),
    () => exponential({ initialMs: 1000, maxMs: 10 }),
    () => exponential({ maxMs: Infinity }),
    () => exponential({ factor: 0.5 }),
    () => exponential({ jitter: 'some' as 'none' }),
    () => linear({ stepMs: -1 }),
    () => constant(Number.NaN),
    () => decorrelated({ initialMs: 5, maxMs: 1 }),
  ])('case %# throws a RangeError', (make) => {
    expect(make).toThrow(RangeError)
  })

  it('names an unknown option', () => {
    expect(() => exponential({ initalMs: 5 } as object)).toThrow("unknown option 'initalMs'; did you mean 'initialMs'?")
  })
})
