import { expect, it } from 'vitest'
import { slowness, slownessOf } from './machine-speed.ts'

it('is the middle of the rounds, which one that was disturbed does not move', () => {
  expect(slownessOf([140, 140, 9_000])).toBe(2)
})

it('makes no budget shorter, and none longer than three times', () => {
  expect(slownessOf([1, 1, 1])).toBe(1)
  expect(slownessOf([9_000, 9_000, 9_000])).toBe(3)
})

it('is measured on this machine', async () => {
  const measured = await slowness()
  expect(measured).toBeGreaterThanOrEqual(1)
  expect(measured).toBeLessThanOrEqual(3)
})
