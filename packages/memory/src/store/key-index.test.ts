import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { KeyIndex } from './key-index.ts'

/** An index whose keys are the numbers as texts. */
const makeIndex = (): KeyIndex => new KeyIndex(String)

describe('KeyIndex', () => {
  it('agrees with a Map through 100,000 random changes, with hashes that collide and lie at the edges', () => {
    const random = seededRandom(1)
    const below = (limit: number): number => Math.floor(random() * limit)
    const hashOf = (number: number): number => [number % 40, -1 - (number % 7), 0x7fff_fff0 | (number % 16)][number % 3] as number
    const [index, map] = [makeIndex(), new Map<number, number>()]
    for (let change = 0; change < 100_000; change++) {
      // It grows and shrinks in turns, up to two hundred numbers.
      const number = below(200)
      const wanted = random() < (change % 10_000 < 5_000 ? 0.7 : 0.2)
      if (wanted && !map.has(number)) index.add(hashOf(number), number)
      if (!wanted && map.has(number)) index.delete(hashOf(number), number)
      if (wanted) map.set(number, number)
      else map.delete(number)
      const asked = below(200)
      expect(index.find(hashOf(asked), String(asked))).toBe(map.get(asked) ?? -1)
    }
    expect(index.size).toBe(map.size)
  })

  it('holds numbers far beyond the 2²⁴ entries at which a Map ends', () => {
    const index = makeIndex()
    const numbers = [0, 2 ** 24, 2 ** 24 + 1, 2 ** 30, 2 ** 31 - 2]
    for (const number of numbers) index.add(7, number)
    expect(numbers.map((number) => index.find(7, String(number)))).toEqual(numbers)
    index.delete(7, 2 ** 24)
    index.renumber(7, 2 ** 30, 2 ** 30 + 5)
    expect(index.find(7, String(2 ** 24))).toBe(-1)
    expect(index.find(7, String(2 ** 30 + 5))).toBe(2 ** 30 + 5)
    expect(index.find(7, String(2 ** 31 - 2))).toBe(2 ** 31 - 2)
  })

  it('gives memory back when most of what it held is gone', () => {
    const index = makeIndex()
    const least = index.places
    for (let number = 0; number < 10_000; number++) index.add(number * 31, number)
    expect(index.places).toBeGreaterThanOrEqual(10_000)
    for (let number = 0; number < 10_000; number++) index.delete(number * 31, number)
    expect(index.places).toBe(least)
    expect(index.find(31, '1')).toBe(-1)
  })
})
