import { describe, expect, it } from 'vitest'
import { ResultWindow } from './result-window.ts'

describe('ResultWindow', () => {
  it('counts what came within the window, and forgets the rest in tenths of it', () => {
    const window = new ResultWindow(1_000)
    for (let ms = 0; ms < 1_000; ms += 50) window.add(ms, ms % 100 === 0)
    expect([window.failures, window.results]).toEqual([10, 20])
    window.add(1_000, true)
    expect([window.failures, window.results]).toEqual([10, 19])
    window.add(1_450, false)
    expect([window.failures, window.results]).toEqual([6, 12])
  })

  it.each([2_000, 1e15, Number.MAX_VALUE])('forgets everything when a clock jumps to %d', (ms) => {
    const window = new ResultWindow(1_000)
    for (let n = 0; n < 30; n++) window.add(n * 33, true)
    window.add(ms, true)
    expect([window.failures, window.results]).toEqual([1, 1])
  })

  it('stays sound when a clock goes back or tells nonsense', () => {
    const window = new ResultWindow(1_000)
    window.add(5_000, true)
    window.add(10, true)
    window.add(Number.NaN, false)
    window.add(5_100, false)
    expect([window.failures, window.results]).toEqual([2, 4])
    window.add(6_200, false)
    expect([window.failures, window.results]).toEqual([0, 1])
  })

  it('begins anew after clear', () => {
    const window = new ResultWindow(1_000)
    window.add(0, true)
    window.clear()
    window.add(10, true)
    window.add(1_200, false)
    expect([window.failures, window.results]).toEqual([0, 1])
  })
})
