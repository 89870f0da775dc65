import { expect, it } from 'vitest'
import { PollerCount } from './poller-count.ts'

const full = { asked: 10, received: 10, waited: 0.001 }
const some = { asked: 10, received: 6, waited: 0.001 }
const few = { asked: 10, received: 1, waited: 0.3 }
const idle = { asked: 10, received: 0, waited: 1 }
const early = { asked: 10, received: 0, waited: 0.01 }

function after(most: number, ...outcomes: readonly (typeof full)[]): PollerCount {
  const count = new PollerCount(most)
  for (const outcome of outcomes) count.learn(outcome)
  return count
}

it('grows with full receives up to its limit, stays with half full ones, and shrinks with few messages and none', () => {
  expect(after(5).wanted).toBe(1)
  expect(after(5, full, full).wanted).toBe(3)
  expect(after(3, full, full, full, full).wanted).toBe(3)
  expect(after(5, full, full, some).wanted).toBe(3)
  expect(after(5, full, full, few).wanted).toBe(2)
  expect(after(5, full, full, idle, idle, idle, idle).wanted).toBe(1)
})

it('learns nothing about the queue from empty answers that come early, but pauses when there are many', () => {
  const count = after(5, full, full, early, early, early)
  expect([count.wanted, count.pauseMs]).toEqual([3, 0])
  for (let time = 0; time < 20; time++) count.learn(early)
  expect([count.wanted, count.pauseMs]).toEqual([3, 200])
  count.learn(some)
  expect(count.pauseMs).toBe(0)
})

it('begins anew with one after a failure', () => {
  const count = after(5, full, full)
  count.fail()
  expect(count.wanted).toBe(1)
})
