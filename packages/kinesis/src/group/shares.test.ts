import { expect, it } from 'vitest'
import { sharesOf } from './shares.ts'

const shares = (held: Record<string, number>, shards: number): Record<string, number> => Object.fromEntries(sharesOf(new Map(Object.entries(held)), shards))

it('shares are as equal as can be, add up, and leave the surplus with who has it', () => {
  expect(shares({ a: 0 }, 7)).toEqual({ a: 7 })
  expect(shares({ a: 4, b: 0 }, 4)).toEqual({ a: 2, b: 2 })
  expect(shares({ a: 2, b: 3 }, 5)).toEqual({ a: 2, b: 3 })
  expect(shares({ a: 2, b: 3, c: 0 }, 5)).toEqual({ a: 2, b: 2, c: 1 })
  expect(shares({ a: 0, b: 0, c: 0 }, 2)).toEqual({ a: 1, b: 1, c: 0 })
})
