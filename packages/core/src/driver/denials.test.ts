import { expect, it } from 'vitest'
import { systemClock } from '../system-clock.ts'
import { Denials } from './denials.ts'

it('is meant when it has lasted, and begins anew with whatever is no refusal', () => {
  let now = 5
  const denials = new Denials({ ...systemClock, monotonic: () => now }, 100)
  const at = (ms: number, refused: boolean): boolean => {
    now = ms
    return denials.areMeant(refused)
  }
  expect([at(10, true), at(109, true), at(110, true), at(500, true)]).toEqual([false, false, true, true])
  expect([at(510, false), at(511, true), at(610, true), at(611, true)]).toEqual([false, false, false, true])
  denials.end()
  expect([at(612, true), at(711, true), at(712, true)]).toEqual([false, false, true])
})
