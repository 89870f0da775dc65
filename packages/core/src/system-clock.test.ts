import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from './system-clock.ts'

describe('systemClock', () => {
  // The clock itself is under test, so its sources are replaced and no test waits.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('tells wall-clock and monotonic time', () => {
    const [now, monotonic] = [systemClock.now(), systemClock.monotonic()]
    vi.advanceTimersByTime(1500)
    expect(systemClock.now() - now).toBe(1500)
    expect(systemClock.monotonic() - monotonic).toBe(1500)
  })

  it('wakes once when the time has come', () => {
    const wake = vi.fn<() => void>()
    systemClock.timer(systemClock.monotonic() + 100, wake)
    vi.advanceTimersByTime(99)
    expect(wake).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    vi.advanceTimersByTime(1000)
    expect(wake).toHaveBeenCalledTimes(1)
  })

  it('wakes at once, but not synchronously, when the time has passed', () => {
    const wake = vi.fn<() => void>()
    systemClock.timer(systemClock.monotonic() - 5, wake)
    expect(wake).not.toHaveBeenCalled()
    vi.advanceTimersByTime(0)
    expect(wake).toHaveBeenCalledTimes(1)
  })

  it('waits longer than setTimeout can', () => {
    const wake = vi.fn<() => void>()
    const days = 24 * 60 * 60 * 1000
    systemClock.timer(systemClock.monotonic() + 60 * days, wake)
    vi.advanceTimersByTime(60 * days - 1)
    expect(wake).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(wake).toHaveBeenCalledTimes(1)
  })

  it('waits on when the event loop is early', () => {
    const wake = vi.fn<() => void>()
    const atMs = systemClock.monotonic() + 10.5
    const monotonic = vi.spyOn(performance, 'now')
    systemClock.timer(atMs, wake)
    monotonic.mockReturnValueOnce(atMs - 0.2)
    vi.advanceTimersByTime(11)
    expect(wake).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(wake).toHaveBeenCalledTimes(1)
  })

  it.each([100, -5])('does not wake %d ms from now once cancelled', (ms) => {
    const wake = vi.fn<() => void>()
    const timer = systemClock.timer(systemClock.monotonic() + ms, wake)
    timer.cancel()
    timer.cancel()
    vi.advanceTimersByTime(1000)
    expect(wake).not.toHaveBeenCalled()
  })

  it('returns the promise of an external operation as it is', () => {
    const operation = Promise.resolve(1)
    expect(systemClock.external(operation)).toBe(operation)
  })
})

it('holds a process open until its timers have fired or been cancelled', async () => {
  const { spawnSync } = await import('node:child_process')
  const source = new URL('./system-clock.ts', import.meta.url).href
  const script = `const { systemClock: c } = await import(${JSON.stringify(source)}); c.timer(c.monotonic() + 20, () => console.log('fired')); c.timer(c.monotonic() + 60000, () => {}).cancel()`
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8', timeout: 15_000 })
  expect(run).toMatchObject({ stdout: 'fired\n', status: 0 })
})
