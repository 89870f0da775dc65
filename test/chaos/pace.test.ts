import { expect, it } from 'vitest'
import { dueAfter } from './pace.ts'

it.each([10, 20, 50, 5_000])('sends at a steady rate of %i a second, however many are to be sent', (perSecond) => {
  for (const seconds of [0, 1, 30, 59, 60]) expect(dueAfter(seconds, { messages: 60 * perSecond, perSecond })).toBe(seconds * perSecond)
})

it('goes on slowly when all are sent, also where none were to be', () => {
  expect(dueAfter(61, { messages: 300, perSecond: 5 })).toBe(320)
  expect(dueAfter(2, { messages: 0, perSecond: 50 })).toBe(40)
})
