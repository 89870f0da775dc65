import { describe, expect, it } from 'vitest'
import { virtualClock } from './virtual-clock.ts'

describe('virtualClock', () => {
  it('wakes timers in the order of their time, and of their making at one time', async () => {
    const clock = virtualClock({ auto: false })
    const woken: string[] = []
    for (const [name, at] of [
      ['late', 20],
      ['first', 10],
      ['second', 10],
    ] as const)
      clock.timer(at, () => woken.push(`${name}@${clock.monotonic()}`))
    await clock.advance(15)
    expect(woken).toEqual(['first@10', 'second@10'])
    expect(clock.monotonic()).toBe(15)
    await clock.advance(5)
    expect(woken).toEqual(['first@10', 'second@10', 'late@20'])
  })

  it('never wakes synchronously, not even for a time that has passed', async () => {
    const clock = virtualClock({ auto: false })
    await clock.advance(50)
    let woken = false
    clock.timer(10, () => (woken = true))
    expect(woken).toBe(false)
    await clock.advance(0)
    expect(woken).toBe(true)
    expect(clock.monotonic()).toBe(50)
  })

  it('advances by itself to the next timer, when the microtasks are done', async () => {
    const clock = virtualClock()
    const order: string[] = []
    const slept = new Promise<void>((resolve) => clock.timer(3_600_000, resolve)).then(() => order.push('timer'))
    for (let turn = 0; turn < 100; turn++) await Promise.resolve()
    order.push('microtasks')
    await slept
    expect(order).toEqual(['microtasks', 'timer'])
    expect(clock.monotonic()).toBe(3_600_000)
  })

  it('lets what a timer sets off end before the next one of the same instant', async () => {
    const clock = virtualClock()
    const order: string[] = []
    clock.timer(1, () => void Promise.resolve().then(() => order.push('after first')))
    await new Promise<void>((resolve) => clock.timer(1, resolve)).then(() => order.push('second'))
    expect(order).toEqual(['after first', 'second'])
  })

  it('stands still while an external operation is open', async () => {
    const clock = virtualClock()
    let woken = false
    clock.timer(1, () => (woken = true))
    let end = (): void => {}
    const operation = clock.external(new Promise<void>((resolve) => (end = resolve)))
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(woken).toBe(false)
    end()
    await operation
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(woken).toBe(true)
  })

  it('cancels timers, once and again, before and after they fired', async () => {
    const clock = virtualClock({ auto: false })
    let woken = 0
    const timer = clock.timer(1, () => woken++)
    const other = clock.timer(1, () => woken++)
    timer.cancel()
    timer.cancel()
    expect(clock.pending).toBe(1)
    clock.tick(1)
    other.cancel()
    expect(woken).toBe(1)
  })

  it('keeps the wall clock and the monotonic clock in step', () => {
    const clock = virtualClock({ startMs: 1_000, auto: false })
    clock.tick(250)
    expect([clock.now(), clock.monotonic()]).toEqual([1_250, 250])
  })

  it('does not go to the end of time for a timer that is never due', async () => {
    const clock = virtualClock()
    let woken = false
    const timer = clock.timer(Infinity, () => (woken = true))
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    timer.cancel()
    expect([woken, clock.monotonic()]).toEqual([false, 0])
  })

  it('refuses times that are no numbers and steps backwards', () => {
    const clock = virtualClock({ auto: false })
    expect(() => clock.timer(Number.NaN, () => {})).toThrow(RangeError)
    expect(() => clock.tick(-1)).toThrow(RangeError)
  })
})
