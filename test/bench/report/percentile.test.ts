import { expect, it } from 'vitest'
import { percentile } from './percentile.ts'

it('is a value that was measured, by its rank', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => index + 1)
  expect(percentile(hundred, 0.5)).toBe(50)
  expect(percentile(hundred, 0.99)).toBe(99)
  expect(percentile(hundred, 0.999)).toBe(100)
  expect(percentile(hundred, 1)).toBe(100)
  expect(percentile(hundred, 0.001)).toBe(1)
})

it('keeps whole ranks whole, whatever floating point makes of them', () => {
  for (const length of [10, 1_000, 20_000, 30_000, 100_000]) {
    const values = Float64Array.from({ length }, (_, index) => index + 1)
    expect(percentile(values, 0.9)).toBe((length * 9) / 10)
  }
  const values = Float64Array.from({ length: 3_000 }, (_, index) => index + 1)
  expect(percentile(values, 0.999)).toBe(2_997)
})

it('takes one value for all, and knows none of nothing', () => {
  expect(percentile([7], 0.5)).toBe(7)
  expect(percentile([7], 0.999)).toBe(7)
  expect(percentile([], 0.5)).toBeNaN()
  expect(() => percentile([1], 0)).toThrow(RangeError)
  expect(() => percentile([1], 99)).toThrow(RangeError)
})
