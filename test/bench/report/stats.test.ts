import { describe, expect, it } from 'vitest'
import { median, ratioInterval } from './stats.ts'

describe('median', () => {
  it('is the middle value, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })

  it('leaves its argument alone and knows no middle of nothing', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
    expect(median([])).toBeNaN()
  })
})

describe('ratioInterval', () => {
  it('agrees with Student by hand', () => {
    // Logarithms −0.1, 0, 0.1: mean 0, standard error 0.1 / √3, t of two degrees of freedom 4.303.
    const { median: middle, low, high } = ratioInterval([Math.exp(-0.1), 1, Math.exp(0.1)])
    const half = (4.303 * 0.1) / Math.sqrt(3)
    expect(middle).toBe(1)
    expect(low).toBeCloseTo(Math.exp(-half), 12)
    expect(high).toBeCloseTo(Math.exp(half), 12)
  })

  it('is the same question asked the other way round', () => {
    const ratios = [0.9, 1.02, 0.97, 1.1, 0.95]
    const there = ratioInterval(ratios)
    const back = ratioInterval(ratios.map((ratio) => 1 / ratio))
    expect(there.low).toBeCloseTo(1 / back.high, 12)
    expect(there.high).toBeCloseTo(1 / back.low, 12)
  })

  it('has no width where nothing varies, and all of it where nothing is known', () => {
    expect(ratioInterval([1.5, 1.5, 1.5])).toEqual({ median: 1.5, low: expect.closeTo(1.5, 12), high: expect.closeTo(1.5, 12) })
    expect(ratioInterval([1.5])).toEqual({ median: 1.5, low: 0, high: Number.POSITIVE_INFINITY })
  })

  it('covers the true ratio about 95 times of 100, inside the table and above it', () => {
    for (const rounds of [3, 7, 40]) expect(coverage(rounds)).toBeGreaterThan(0.935)
    for (const rounds of [3, 7, 40]) expect(coverage(rounds)).toBeLessThan(0.965)
  })
})

/** How often the interval of `rounds` ratios around 1 holds 1. */
function coverage(rounds: number): number {
  const random = uniform(7)
  const trials = 4000
  let covered = 0
  for (let trial = 0; trial < trials; trial++) {
    const { low, high } = ratioInterval(Array.from({ length: rounds }, () => Math.exp(normal(random) * 0.05)))
    if (low <= 1 && high >= 1) covered++
  }
  return covered / trials
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Mulberry32: the same numbers at every run. */
function uniform(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
