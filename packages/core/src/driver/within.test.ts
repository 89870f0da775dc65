import { expect, it } from 'vitest'
import { ManualClock } from '../test-support/manual-clock.ts'
import { turns } from '../test-support/turns.ts'
import { pauseFor, within } from './within.ts'

const late = (): Error => new Error('late')

it('work in time has its outcome, and leaves no timer', async () => {
  const clock = new ManualClock()
  expect(await within(Promise.resolve(1), 10, clock, late)).toBe(1)
  await expect(within(Promise.reject(new Error('failed')), 10, clock, late)).rejects.toThrow('failed')
  expect(clock.timers).toBe(0)
})

it('work that is late has the error, and may fail afterwards', async () => {
  const clock = new ManualClock()
  const { promise, reject } = Promise.withResolvers<never>()
  const outcome = within(promise, 10, clock, late).catch((error: unknown) => error)
  clock.advance(10)
  expect(await outcome).toEqual(late())
  reject(new Error('to nobody'))
  await turns()
})

it('a pause ends when its time is up, and at once when the signal fires or has fired', async () => {
  const clock = new ManualClock()
  const controller = new AbortController()
  const pauses = [pauseFor(10, clock, controller.signal), pauseFor(20, clock, controller.signal)]
  clock.advance(10)
  await pauses[0]
  expect(clock.timers).toBe(1)
  controller.abort()
  await pauses[1]
  await pauseFor(10, clock, controller.signal)
  expect(clock.timers).toBe(0)
})
