import { expect, it } from 'vitest'
import { manualTime } from '../test-support/manual-time.ts'
import { KeepAliveTimer } from './keep-alive-timer.ts'

function setUp() {
  const time = manualTime()
  const timer = new KeepAliveTimer(time.clock)
  const woken: number[] = []
  return { ...time, timer, woken, wake: (): void => void woken.push(time.clock.monotonic()) }
}

it('wakes at each interval, as setInterval does', () => {
  const { timer, wake, woken, pass } = setUp()
  timer.set(wake, 500)
  for (let ms = 0; ms < 1_600; ms += 100) pass(100)
  expect(woken).toEqual([500, 1_000, 1_500])
})

it('wakes once, and an interval later again, after time in which nothing ran', () => {
  const { timer, wake, woken, pass } = setUp()
  timer.set(wake, 500)
  pass(1_600)
  for (let ms = 0; ms < 600; ms += 100) pass(100)
  expect(woken).toEqual([1_600, 2_100])
})

it('wakes an interval after it was set last, at that time and no later', () => {
  const { timer, wake, woken, pass } = setUp()
  timer.set(wake, 500)
  for (let ms = 0; ms < 700; ms += 100) {
    pass(100)
    timer.clear()
    timer.set(wake, 500)
  }
  expect(woken).toEqual([])
  for (let ms = 0; ms < 500; ms += 100) pass(100)
  expect(woken).toEqual([1_200])
})

it('has one timer whatever number of packets come', () => {
  const { timer, wake, pass, timers } = setUp()
  for (let packet = 0; packet < 1_000; packet++) {
    timer.clear()
    timer.set(wake, 500)
    pass(1)
    expect(timers()).toBe(1)
  }
})

it('wakes earlier where the broker wants a shorter interval', () => {
  const { timer, wake, woken, pass } = setUp()
  timer.set(wake, 10_000)
  timer.clear()
  timer.set(wake, 500)
  pass(500)
  expect(woken).toEqual([500])
})

it('wakes nobody once it is cleared, and runs no further', () => {
  const { timer, wake, woken, pass, timers } = setUp()
  timer.set(wake, 500)
  timer.clear()
  pass(2_000)
  expect([woken, timers()]).toEqual([[], 0])
})

it('leaves no timer when its connection ends', () => {
  const { timer, wake, timers } = setUp()
  timer.set(wake, 500)
  timer.end()
  expect(timers()).toBe(0)
})

it('may be ended by what it wakes', () => {
  const { timer, pass, timers } = setUp()
  timer.set(() => timer.end(), 500)
  pass(500)
  expect(timers()).toBe(0)
})
