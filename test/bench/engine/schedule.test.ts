import { describe, expect, it } from 'vitest'
import { openLoop } from './open-loop.ts'
import { Schedule } from './schedule.ts'

describe('Schedule', () => {
  it('spaces messages evenly, the first at once', () => {
    const schedule = new Schedule(500)
    expect([0, 1, 2, 500].map((index) => schedule.dueAt(index))).toEqual([0, 2, 4, 1_000])
    expect([-1, 0, 1.9, 2, 1_000].map((ms) => schedule.dueBy(ms))).toEqual([0, 1, 1, 2, 501])
  })

  it('makes nothing due before its time, and everything at its time, give or take what floating point loses', () => {
    for (const perSecond of [3, 777, 12_345]) {
      const schedule = new Schedule(perSecond)
      for (const index of [0, 1, 2, 1_000, 99_999]) {
        expect(schedule.dueBy(schedule.dueAt(index) + 1e-6)).toBe(index + 1)
        expect(schedule.dueBy(schedule.dueAt(index) - 1e-6)).toBe(index)
      }
    }
  })

  it('refuses a rate that is none', () => {
    for (const rate of [0, -1, Number.NaN]) expect(() => new Schedule(rate)).toThrow(RangeError)
  })
})

describe('openLoop', () => {
  it('sends each message once, in order and not before it is due', async () => {
    const schedule = new Schedule(2_000)
    const beganAt = performance.now()
    const sent: number[] = []
    await openLoop(schedule, 100, beganAt, (from, count) => {
      const elapsed = performance.now() - beganAt
      for (let index = from; index < from + count; index++) {
        expect(schedule.dueAt(index)).toBeLessThanOrEqual(elapsed)
        sent.push(index)
      }
    })
    expect(sent).toEqual(Array.from({ length: 100 }, (_, index) => index))
  })

  it('begins what is overdue at once: a stall makes the load no lighter', async () => {
    const groups: number[] = []
    await openLoop(new Schedule(1_000), 50, performance.now() - 30, (_from, count) => groups.push(count))
    expect(groups[0]).toBeGreaterThanOrEqual(31)
    expect(groups.reduce((all, count) => all + count, 0)).toBe(50)
  })
})
