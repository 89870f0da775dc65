import { seededRandom } from '@busbar/memory'
import { describe, expect, it } from 'vitest'
import { growthProblem, trendOf } from './growth.ts'

const mebibyte = 2 ** 20

/** `at` is given the place from 0 to 1, and noise from −1 to 1. */
function series(at: (place: number, noise: number) => number, length = 120, seed = 1): number[] {
  const random = seededRandom(seed)
  return Array.from({ length }, (_, index) => at(index / length, random() * 2 - 1) * mebibyte)
}

function problem(values: readonly number[]): string | undefined {
  return growthProblem('heap', values, { atLeast: mebibyte })
}

describe('a trend', () => {
  it('is that of the second half', () => {
    const { growth, noise, median } = trendOf(series((place) => (place < 0.5 ? 1_000 * place : 500)))!
    expect([growth, noise, median]).toEqual([0, 0, 500 * mebibyte])
    expect(trendOf(series((place) => 100 + 20 * place))!.growth / mebibyte).toBeCloseTo(10, 0)
  })

  it('is not that of a few values which are far off', () => {
    const values = series(() => 50)
    for (const index of [61, 80, 100, 119]) values[index] = 500 * mebibyte
    expect(trendOf(values)!.growth).toBe(0)
  })

  it('is none of too few values', () => {
    expect(trendOf(series((place) => 1_000 * place, 18))).toBeUndefined()
    expect(trendOf(series((place) => 1_000 * place, 20))).toBeDefined()
    expect(problem([])).toBeUndefined()
  })
})

describe('growth', () => {
  it.each([
    ['steady', series((place) => 30 + 10 * place)],
    ['in noise that is less than it', series((place, noise) => 30 + 20 * place + noise)],
    ['in steps', series((place) => 30 + 2 * Math.floor(place * 10))],
    ['that slows down and does not end', series((place) => 30 + 20 * Math.sqrt(place))],
    ['of a sawtooth whose bottom rises', series((place) => 30 + 12 * place + ((place * 40) % 1))],
  ])('is found: %s', (_, values) => {
    expect(problem(values)).toMatch(/^heap grew by \d+\.\d MiB in the second half, around \d+\.\d MiB$/)
  })

  it.each([
    ['flat', series(() => 30)],
    ['noise', series((_, noise) => 30 + 5 * noise)],
    ['a start-up', series((place) => 30 + 40 * Math.min(1, place * 3))],
    ['something that is filled until the middle', series((place, noise) => 30 + 40 * Math.min(0.5, place) + noise)],
    ['shrinking', series((place) => 80 - 40 * place)],
    ['a sawtooth', series((place) => 30 + 10 * ((place * 7) % 1))],
    ['less than counts', series((place) => 3 + 1.5 * place)],
    ['a twentieth at most', series((place) => 1_000 + 60 * place)],
  ])('is not found: %s', (_, values) => {
    expect(problem(values)).toBeUndefined()
  })

  it('is rarely found in noise alone', () => {
    const found = Array.from({ length: 500 }, (_, seed) => problem(series((_, noise) => 30 + 20 * noise, 40, seed))).filter((text) => text !== undefined)
    expect(found).toEqual([])
  })

  it('of counts is told as counts', () => {
    const counts = Array.from({ length: 100 }, (_, index) => 10 + index)
    expect(growthProblem('handles', counts, { atLeast: 3, unit: 'count' })).toBe('handles grew by 49 in the second half, around 85')
    expect(
      growthProblem(
        'handles',
        counts.map((_, index) => 10 + (index % 3)),
        { atLeast: 3, unit: 'count' },
      ),
    ).toBeUndefined()
  })
})
