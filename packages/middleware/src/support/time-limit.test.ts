import { describe, expect, it } from 'vitest'
import { ManualClock, settled } from '../test-support/manual-clock.ts'
import { TimeLimit } from './time-limit.ts'

const never = (): Promise<never> => new Promise(() => {})

describe('a time limit', () => {
  it('hands on what comes in time, and holds no timer afterwards', async () => {
    const clock = new ManualClock()
    const limit = new TimeLimit(1_000, 'the store')
    const failure = new Error('no')
    expect(await limit.within(clock, Promise.resolve(5))).toBe(5)
    await expect(limit.within(clock, Promise.reject(failure))).rejects.toBe(failure)
    const late = Promise.withResolvers<string>()
    const answer = limit.within(clock, late.promise)
    await clock.advance(999)
    expect(clock.timers).toBe(1)
    late.resolve('late')
    expect(await answer).toBe('late')
    expect(clock.timers).toBe(0)
  })

  it('ends each wait at its own time, with one timer for all', async () => {
    const clock = new ManualClock()
    const limit = new TimeLimit(1_000, 'the store')
    const ended: string[] = []
    const wait = (name: string): void =>
      void limit.within(clock, never()).catch((error: unknown) => ended.push(`${name} ${clock.monotonic()} ${(error as Error).message}`))
    wait('a')
    await clock.advance(300)
    for (const name of ['b', 'c']) wait(name)
    expect(clock.timers).toBe(1)
    await clock.advance(999)
    expect(ended).toEqual(['a 1000 the store gave no answer within 1000 ms'])
    await clock.advance(1)
    expect(ended.slice(1)).toEqual(['b 1300 the store gave no answer within 1000 ms', 'c 1300 the store gave no answer within 1000 ms'])
    await clock.advance(1_000)
    expect(clock.timers).toBe(0)
  })

  it('sets no timer per call while answers come soon', async () => {
    const clock = new ManualClock()
    let made = 0
    const counting = Object.assign(Object.create(clock) as ManualClock, {
      monotonic: () => clock.monotonic(),
      timer: (atMs: number, wake: () => void) => {
        made++
        return clock.timer(atMs, wake)
      },
    })
    const limit = new TimeLimit(1_000, 'the store')
    for (let call = 0; call < 1_000; call++) await limit.within(counting, Promise.resolve())
    expect(made).toBe(1)
    await clock.advance(100)
    expect(clock.timers).toBe(0)
  })

  it('fails with ERR_TIMEOUT, which may be tried again, and does not mind what comes later', async () => {
    const clock = new ManualClock()
    const late = Promise.withResolvers<string>()
    const answer = new TimeLimit(100, 'the store').within(clock, late.promise)
    const checked = expect(answer).rejects.toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
    await clock.advance(100)
    await checked
    late.reject(new Error('late'))
    await settled()
  })

  it('goes on waiting on a clock when another one comes', async () => {
    const [one, other] = [new ManualClock(), new ManualClock()]
    const limit = new TimeLimit(100, 'the store')
    const first = expect(limit.within(one, never())).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const second = expect(limit.within(other, never())).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await one.advance(100)
    await first
    await other.advance(100)
    await second
  })
})
