import { expect, it } from 'vitest'
import { memoryProblem } from './memory.ts'

const mebibyte = 2 ** 20
const samples = (length: number, at: (part: number) => number): number[] => Array.from({ length }, (_, index) => at(index / length) * mebibyte)

it('finds more than there may be, however short', () => {
  expect(memoryProblem('c', [10 * mebibyte, 30 * mebibyte], 20 * mebibyte)).toBe('memory: c had 30 MiB, more than 20 MiB')
  expect(memoryProblem('c', [10 * mebibyte], 20 * mebibyte)).toBeUndefined()
})

it('finds growth that does not end, and no start-up', () => {
  expect(
    memoryProblem(
      'c',
      samples(400, (part) => 50 + part * 200),
      1_024 * mebibyte,
    ),
  ).toContain('grew from')
  expect(
    memoryProblem(
      'c',
      samples(400, (part) => Math.min(150, 50 + part * 1_000)),
      1_024 * mebibyte,
    ),
  ).toBeUndefined()
  expect(
    memoryProblem(
      'c',
      samples(100, (part) => 50 + part * 200),
      1_024 * mebibyte,
    ),
  ).toBeUndefined()
})

it('tells garbage that is collected late from what is kept', () => {
  const grown = (part: number): number => 150 + Math.max(0, part - 0.5) * 200
  const collected = (part: number): number => (part < 0.98 ? grown(part) : 130)
  expect(memoryProblem('c', samples(400, grown), 1_024 * mebibyte)).toContain('grew from')
  expect(memoryProblem('c', samples(400, collected), 1_024 * mebibyte)).toBeUndefined()
})

it('finds a sawtooth on a floor that rises, and none on one that stays', () => {
  const teeth = (part: number): number => ((part * 20) % 1) * 95
  expect(
    memoryProblem(
      'c',
      samples(400, (part) => 60 + part * 240 + teeth(part)),
      512 * mebibyte,
    ),
  ).toMatch(/^memory: c grew from 1\d\d MiB to 2\d\d MiB at the least$/)
  expect(
    memoryProblem(
      'c',
      samples(400, (part) => 120 + part * 60 + teeth(part)),
      512 * mebibyte,
    ),
  ).toBeUndefined()
})

it('takes no garbage that waits for its collection for growth', () => {
  const waiting = (part: number): number => (part < 0.3 ? 200 : 130 + (part - 0.3) * 200)
  expect(memoryProblem('c', samples(150, waiting), 512 * mebibyte)).toBeUndefined()
  // From 157 MiB to 242, and back to 131.
  const seen = (part: number): number => (part < 0.5 ? 157 : part < 0.9 ? 157 + (part - 0.5) * 212 : 131)
  expect(memoryProblem('c', samples(840, seen), 512 * mebibyte)).toBeUndefined()
})

it('judges growth from as many samples on as are said to be enough', () => {
  const growing = samples(40, (part) => 50 + part * 200)
  expect(memoryProblem('c', growing, 512 * mebibyte, 40)).toContain('grew from')
  expect(memoryProblem('c', growing, 512 * mebibyte, 41)).toBeUndefined()
})
