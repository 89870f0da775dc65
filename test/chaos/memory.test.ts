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
