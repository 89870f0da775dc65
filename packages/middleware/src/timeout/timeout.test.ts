import { deadLetter, retryLater } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { makeContext, type ContextOptions, type TestContext } from '../test-support/context.ts'
import { gate, outcomeOf, type Gate } from '../test-support/gate.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { timeout, type Overrun, type TimeoutOptions } from './timeout.ts'

interface Setup {
  readonly clock: ManualClock
  readonly overruns: Overrun[]
  /** Runs one attempt of a handler that ends when its gate is opened. */
  readonly begin: (options?: ContextOptions) => { readonly context: TestContext; readonly outcome: ReturnType<typeof outcomeOf> } & Gate
}

function setup(options: Partial<TimeoutOptions> = {}): Setup {
  const clock = new ManualClock()
  const overruns: Overrun[] = []
  const middleware = timeout({ ms: 1_000, onOverrun: (overrun) => overruns.push(overrun), ...options })
  return {
    clock,
    overruns,
    begin: (given = {}) => {
      const context = makeContext({ clock, ...given })
      const handler = gate()
      return { context, outcome: outcomeOf(middleware.process(context, () => handler.work)), ...handler }
    },
  }
}

describe('timeout', () => {
  it('leaves a handler alone that ends synchronously, well or not', () => {
    const clock = new ManualClock()
    const { process } = timeout({ ms: 5 })
    expect(process(makeContext({ clock }), () => 'value')).toBe('value')
    const failure = new Error('no')
    expect(() =>
      process(makeContext({ clock }), () => {
        throw failure
      }),
    ).toThrow(failure)
    expect(clock.timers).toBe(0)
  })

  it('hands on what an attempt in time ends with, and leaves no timer behind', async () => {
    const { clock, begin } = setup()
    const [well, badly] = [begin(), begin()]
    expect(clock.timers).toBe(1)
    await clock.advance(999)
    well.open('value')
    badly.fail(new Error('no'))
    await clock.advance(0)
    expect([well.outcome.value, badly.outcome.error]).toEqual(['value', new Error('no')])
    expect(clock.timers).toBe(0)
  })

  it('sets no timer for each of many short attempts', async () => {
    const { clock, begin } = setup()
    for (let n = 0; n < 9; n++) {
      begin().open()
      await clock.advance(10)
      expect(clock.timers).toBe(1)
    }
    await clock.advance(10)
    expect(clock.timers).toBe(0)
  })

  it('fires the signal of an attempt that takes too long, by one timer for all', async () => {
    const { clock, begin } = setup()
    const attempts = []
    for (let n = 0; n < 5; n++) {
      attempts.push(begin({ id: `m${n}` }))
      await clock.advance(100)
    }
    expect(clock.timers).toBe(1)
    await clock.advance(599)
    expect(attempts.map(({ context }) => context.signal.aborted)).toEqual([true, false, false, false, false])
    await clock.advance(50)
    expect(attempts.map(({ context }) => context.signal.aborted)).toEqual([true, true, false, false, false])
    expect(attempts[0]?.context.signal.reason).toMatchObject({ code: 'ERR_TIMEOUT', message: 'The attempt has taken longer than 1000 ms.', messageId: 'm0' })
    expect(attempts.map(({ context }) => context.aborted)).not.toContain(true)
  })

  it.each([
    ['returns', (attempt: Gate) => attempt.open('done all the same')],
    ['throws what its signal says', (attempt: Gate & { context: TestContext }) => attempt.fail(attempt.context.signal.reason)],
  ])('fails the attempt with the timeout when its handler then %s', async (_how, end) => {
    const { clock, begin } = setup()
    const attempt = begin()
    await clock.advance(1_000)
    end(attempt)
    await clock.advance(0)
    expect(attempt.outcome.error).toBe(attempt.context.signal.reason)
    expect(clock.timers).toBe(0)
  })

  it('keeps an error that the handler makes of it as the cause', async () => {
    const { clock, begin } = setup()
    const attempt = begin()
    await clock.advance(1_000)
    const own = new Error('connection closed')
    attempt.fail(own)
    await clock.advance(0)
    expect(attempt.outcome.error).toMatchObject({ code: 'ERR_TIMEOUT', cause: own, retryable: true })
  })

  it('lets stand what the handler decides in so many words', async () => {
    const { clock, begin } = setup()
    const [again, thrown, settled] = [begin(), begin(), begin()]
    const [later, dead] = [retryLater(5), deadLetter('no')]
    await clock.advance(1_000)
    again.open(later)
    thrown.fail(dead)
    settled.context.settled = 'ack'
    settled.open('acked')
    await clock.advance(0)
    expect([again.outcome.value, thrown.outcome.error, settled.outcome.value]).toEqual([later, dead, 'acked'])
  })

  it('does not time what was lost', async () => {
    const { clock, begin, overruns } = setup()
    const attempt = begin()
    attempt.context.abort(new Error('lost'))
    await clock.advance(5_000)
    attempt.open('ended')
    await clock.advance(0)
    expect([attempt.outcome.value, overruns, clock.timers]).toEqual(['ended', [], 0])
  })

  it('waits for a handler that ignores its signal, and reports it once', async () => {
    const { clock, begin, overruns } = setup()
    const attempt = begin({ id: 'slow', key: 'k', attempt: 2 })
    await clock.advance(1_999)
    expect(overruns).toEqual([])
    await clock.advance(600_000)
    expect(overruns).toEqual([{ source: 'orders', messageId: 'slow', orderingKey: 'k', attempt: 2, runningMs: 2_000, abandoned: false }])
    expect([attempt.outcome.value, clock.timers]).toEqual(['open', 0])
    attempt.open()
    await clock.advance(0)
    expect(attempt.outcome.value).toBe('failed')
  })

  it('survives an onOverrun that throws', async () => {
    const { clock, begin } = setup({
      onOverrun: () => {
        throw new Error('a bug')
      },
    })
    const attempt = begin()
    await clock.advance(2_000)
    attempt.open()
    await clock.advance(0)
    expect(attempt.outcome.error).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('times attempts on the clock of each', async () => {
    const middleware = timeout({ ms: 10 })
    const clocks = [new ManualClock(), new ManualClock(), new ManualClock()]
    const contexts = [0, 1, 0, 2, 1].map((n) => makeContext({ clock: clocks[n]! }))
    for (const context of contexts) void middleware.process(context, () => gate().work)
    await clocks[1]?.advance(20)
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([false, true, false, false, true])
    expect(clocks.map(({ timers }) => timers)).toEqual([1, 0, 1])
  })

  it.each([
    { ms: 0 },
    { ms: Number.NaN },
    { ms: Infinity },
    { ms: '5' as never },
    { ms: undefined as never },
    { ms: 5, abandonAfterMs: -1 },
    { ms: 5, abandonAfterMs: Number.NaN },
  ])('refuses %j', (options) => {
    expect(() => timeout(options)).toThrow(RangeError)
  })

  it.each([{ onOverrun: 'log' as never }, { allowOverlap: 1 as never }, { allowOverlap: true }, { abandonAfter: 5 }])('refuses %j', (options) => {
    expect(() => timeout({ ms: 5, ...options })).toThrow(TypeError)
  })
})

describe('timeout with abandonAfterMs', () => {
  it('fails the attempt although its handler still runs, and reports it', async () => {
    const { clock, begin, overruns } = setup({ abandonAfterMs: 5_000 })
    const attempt = begin()
    await clock.advance(5_999)
    expect([attempt.outcome.value, overruns.length]).toEqual(['open', 1])
    await clock.advance(1)
    expect(attempt.outcome.error).toBe(attempt.context.signal.reason)
    expect(overruns.map(({ runningMs, abandoned }) => [runningMs, abandoned])).toEqual([
      [2_000, false],
      [6_000, true],
    ])
    expect(clock.timers).toBe(0)
    attempt.fail(new Error('late, and seen by nobody'))
    await clock.advance(0)
  })

  it('gives a handler that ends in time its due, also after a clock that was asleep', async () => {
    const { clock, begin, overruns } = setup({ abandonAfterMs: 0 })
    const prompt = begin()
    prompt.context.signal.addEventListener('abort', () => prompt.fail(new Error('stopped')))
    await clock.jump(3_600_000)
    expect(prompt.outcome.error).toMatchObject({ code: 'ERR_TIMEOUT', cause: new Error('stopped') })
    expect(overruns).toEqual([])
  })

  it('is refused where the endpoint keeps the order of keys, unless allowed', () => {
    const check = (options: TimeoutOptions, keyed: boolean): readonly string[] | undefined =>
      timeout(options).check?.({} as Capabilities, { keyed, maxInFlight: 32 })
    expect(check({ ms: 5, abandonAfterMs: 5 }, true)).toEqual([expect.stringContaining('set allowOverlap: true')])
    expect(check({ ms: 5, abandonAfterMs: 5 }, false)).toEqual([])
    expect(check({ ms: 5, abandonAfterMs: 5, allowOverlap: true }, true)).toEqual([])
    expect(check({ ms: 5 }, true)).toEqual([])
  })
})
