import { describe, expect, it } from 'vitest'
import { Sweep } from './sweep.ts'
import { ManualClock } from './test-support/manual-clock.ts'

function setUp(): { clock: ManualClock; sweep: Sweep; deadlines: Set<number>; looks: number[] } {
  const clock = new ManualClock()
  const deadlines = new Set<number>()
  const looks: number[] = []
  const sweep = new Sweep(clock, (now) => {
    looks.push(now)
    for (const deadline of deadlines) if (deadline <= now) deadlines.delete(deadline)
    return Math.min(Infinity, ...deadlines)
  })
  return { clock, sweep, deadlines, looks }
}

describe('Sweep', () => {
  it('looks at the earliest deadline, with one timer', () => {
    const { clock, sweep, deadlines, looks } = setUp()
    for (const deadline of [300, 100, 200, 1_000]) {
      deadlines.add(deadline)
      sweep.by(deadline)
    }
    expect(clock.timers).toBe(1)
    for (let ms = 0; ms < 1_000; ms += 50) clock.advance(50)
    expect(looks).toEqual([100, 200, 300, 1_000])
    expect(clock.timers).toBe(0)
  })

  it('lets deadlines that are close together share a look', () => {
    const { clock, sweep, deadlines, looks } = setUp()
    for (let deadline = 100; deadline < 110; deadline++) {
      deadlines.add(deadline)
      sweep.by(deadline)
    }
    for (let ms = 0; ms < 200; ms++) clock.advance(1)
    expect(looks).toEqual([100, 110])
    expect(deadlines.size).toBe(0)
  })

  it('looks again at once for a deadline that has come while it looked', () => {
    const clock = new ManualClock()
    let looks = 0
    const sweep = new Sweep(clock, (now) => {
      if (++looks === 1) sweep.by(now)
      return Infinity
    })
    sweep.by(5)
    clock.advance(5)
    expect(looks).toBe(2)
  })

  it('does nothing after it was cancelled, until it is asked again', () => {
    const { clock, sweep, looks } = setUp()
    sweep.by(10)
    sweep.cancel()
    clock.advance(20)
    expect([looks, clock.timers]).toEqual([[], 0])
    sweep.by(30)
    clock.advance(20)
    expect(looks).toHaveLength(1)
  })
})
