import { deadLetter, Directive, retryLater } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { makeContext, type TestContext } from '../test-support/context.ts'
import { gate, outcomeOf, type Gate } from '../test-support/gate.ts'
import { ManualClock, settled } from '../test-support/manual-clock.ts'
import { circuitBreaker, type CircuitBreaker, type CircuitBreakerOptions, type CircuitState } from './circuit-breaker.ts'

const failure = new Error('the database is down')

interface Setup {
  readonly breaker: CircuitBreaker
  readonly clock: ManualClock
  readonly changes: CircuitState[]
  /** Of one consumer: every context of it counts the same suspensions. */
  readonly context: () => TestContext
  readonly suspended: () => number
  /** Runs handlers that throw at once. */
  readonly fail: (times: number, error?: unknown) => void
  readonly succeed: (times: number) => void
  readonly begin: () => Gate & { readonly outcome: ReturnType<typeof outcomeOf>; readonly context: TestContext }
}

function setup(options: Partial<CircuitBreakerOptions> = {}): Setup {
  const clock = new ManualClock()
  const changes: CircuitState[] = []
  const breaker = circuitBreaker({ failures: 3, probes: 2, openMs: 5_000, onChange: ({ state }) => changes.push(state), ...options } as CircuitBreakerOptions)
  let suspensions = 0
  const context = (): TestContext =>
    Object.assign(makeContext({ clock }), {
      suspend: () => {
        suspensions++
        return () => void suspensions--
      },
    })
  return {
    breaker,
    clock,
    changes,
    context,
    suspended: () => suspensions,
    fail(times, error = failure) {
      for (let n = 0; n < times; n++) {
        const run = (): unknown =>
          breaker.process(context(), () => {
            throw error
          })
        expect(run).toThrow(error)
      }
    },
    succeed(times) {
      for (let n = 0; n < times; n++) expect(breaker.process(context(), () => 'value')).toBe('value')
    },
    begin() {
      const [handler, given] = [gate(), context()]
      return { ...handler, context: given, outcome: outcomeOf(breaker.process(given, () => handler.work)) }
    },
  }
}

/** A start that was not let through. */
const heldBack = expect.objectContaining({ action: 'retry', delayMs: 0, counts: false })

describe('a closed circuit', () => {
  it('hands on whatever the handler ends with, synchronously if it does', async () => {
    const { breaker, clock, context } = setup()
    expect(breaker.process(context(), () => 'value')).toBe('value')
    await expect(breaker.process(context(), async () => 'value')).resolves.toBe('value')
    await expect(breaker.process(context(), () => Promise.reject(failure))).rejects.toBe(failure)
    expect([breaker.state, clock.timers]).toEqual(['closed', 0])
  })

  it('opens at so many failures in the window, and suspends its consumer', async () => {
    const { breaker, changes, clock, fail, succeed, suspended } = setup({ windowMs: 1_000 })
    fail(2)
    await clock.advance(1_100)
    fail(2)
    succeed(100)
    expect([breaker.state, suspended()]).toEqual(['closed', 0])
    fail(1)
    expect([breaker.state, suspended(), changes]).toEqual(['open', 1, ['open']])
  })

  it('opens at a part of the results, once there are enough of them', () => {
    const { breaker, fail, succeed } = setup({ failures: undefined, failureRate: 0.1, minimum: 30 })
    fail(2)
    succeed(27)
    expect(breaker.state).toBe('closed')
    fail(1)
    expect(breaker.state).toBe('open')
  })

  it.each([
    ['a deadLetter', () => deadLetter('no such customer')],
    ['a start that uses no attempt', () => new Directive('retry', { counts: false })],
    ['what isFailure denies', () => new TypeError('a bug')],
  ])('does not count %s', async (_what, make) => {
    const { breaker, fail, begin } = setup({ isFailure: (error) => !(error instanceof TypeError) })
    fail(9, make())
    for (let n = 0; n < 9; n++) {
      const outcome = make()
      if (outcome instanceof Directive) expect(breaker.process(makeContext(), () => outcome)).toBe(outcome)
      begin().fail(outcome)
    }
    await Promise.resolve()
    expect(breaker.state).toBe('closed')
  })

  it('counts a retryLater by what it names, and a nack', () => {
    const asked: unknown[] = []
    const { breaker, context } = setup({
      isFailure: (error) => {
        asked.push(error)
        return true
      },
    })
    const later = retryLater(5, failure)
    expect(breaker.process(context(), () => later)).toBe(later)
    for (const settled of ['ack', 'dead-letter', 'retry', 'retry'] as const) {
      const given = context()
      breaker.process(given, () => {
        given.settled = settled
      })
    }
    expect([breaker.state, asked]).toEqual(['open', [failure, undefined, undefined]])
  })

  it('refuses an isFailure that answers with a promise, and fails the attempt where that shows only then', () => {
    const text = 'circuitBreaker: isFailure must answer true or false at once, not with a promise'
    expect(() => setup({ isFailure: (async () => false) as never })).toThrow(text)
    const { breaker, context } = setup({ failures: 1, isFailure: (() => Promise.resolve(false)) as never })
    const run = (): unknown =>
      breaker.process(context(), () => {
        throw failure
      })
    expect(run).toThrow(text)
    expect(breaker.state).toBe('open')
  })

  it.each([1, 'yes'])('takes nothing but true for a yes: not %j', (answer) => {
    const { breaker, fail } = setup({ isFailure: () => answer as never })
    fail(5)
    expect(breaker.state).toBe('closed')
  })

  it('takes an isFailure that throws for a yes', () => {
    const { breaker, fail } = setup({
      isFailure: () => {
        throw new Error('a bug')
      },
    })
    fail(3)
    expect(breaker.state).toBe('open')
  })

  it('does not count attempts that were aborted, but those that were cancelled', async () => {
    const { breaker, begin } = setup()
    for (const end of ['abort', 'cancel'] as const) {
      for (let n = 0; n < 3; n++) {
        const attempt = begin()
        attempt.context[end](new Error('ended'))
        attempt.fail(failure)
      }
      await settled()
      expect(breaker.state).toBe(end === 'abort' ? 'closed' : 'open')
    }
  })
})

describe('an open circuit', () => {
  it('lets nothing begin, and holds back what comes without an attempt', () => {
    const { breaker, context, fail, suspended } = setup()
    fail(3)
    expect(breaker.process(context(), () => expect.unreachable())).toEqual(heldBack)
    expect(suspended()).toBe(2)
  })

  it('does not care how attempts end that began before', async () => {
    const { breaker, changes, clock, begin, fail } = setup()
    const before = [begin(), begin(), begin()]
    fail(3)
    before[0]?.open()
    before[1]?.fail(failure)
    await clock.advance(5_000)
    before[2]?.open()
    await clock.advance(0)
    expect([breaker.state, changes]).toEqual(['half-open', ['open', 'half-open']])
  })

  it('lets everything go on after openMs, on probation', async () => {
    const { breaker, clock, fail, suspended } = setup()
    fail(3)
    await clock.advance(4_999)
    expect([breaker.state, suspended()]).toEqual(['open', 1])
    await clock.advance(1)
    expect([breaker.state, suspended(), clock.timers]).toEqual(['half-open', 0, 0])
  })

  it('closes at once when it is reset', () => {
    const { breaker, changes, clock, fail, suspended, succeed } = setup()
    breaker.reset()
    fail(3)
    breaker.reset()
    expect([breaker.state, suspended(), clock.timers, changes]).toEqual(['closed', 0, 0, ['open', 'closed']])
    fail(2)
    succeed(1)
    expect(breaker.state).toBe('closed')
  })

  it('may be reset by onChange', () => {
    const { breaker, clock, fail, suspended } = setup({ onChange: () => breaker.reset() })
    fail(3)
    expect([breaker.state, suspended(), clock.timers]).toEqual(['closed', 0, 0])
  })
})

describe('a half-open circuit', () => {
  async function halfOpen(options: Partial<CircuitBreakerOptions> = {}): Promise<Setup> {
    const made = setup(options)
    made.fail(3)
    await made.clock.advance(5_000)
    return made
  }

  it('lets as many probes through as it should, and closes when they succeed', async () => {
    const { breaker, begin, clock, context, suspended } = await halfOpen()
    const probes = [begin(), begin()]
    expect(suspended()).toBe(1)
    expect(breaker.process(context(), () => expect.unreachable())).toEqual(heldBack)
    probes[0]?.open()
    await clock.advance(0)
    expect([breaker.state, suspended()]).toEqual(['half-open', 2])
    probes[1]?.open()
    await clock.advance(0)
    expect([breaker.state, suspended(), clock.timers]).toEqual(['closed', 0, 0])
  })

  it('opens again when a probe fails, and begins its count anew when it closes', async () => {
    const { breaker, begin, changes, clock, fail, succeed } = await halfOpen()
    const slow = begin()
    fail(1)
    expect(breaker.state).toBe('open')
    slow.open()
    await clock.advance(4_999)
    expect(breaker.state).toBe('open')
    await clock.advance(1)
    succeed(2)
    fail(2)
    expect([breaker.state, changes]).toEqual(['closed', ['open', 'half-open', 'open', 'half-open', 'closed']])
  })

  it('lets another one probe where the first did not tell', async () => {
    const { breaker, begin, clock, suspended, succeed } = await halfOpen()
    const [lost, told] = [begin(), begin()]
    lost.context.abort()
    lost.fail(failure)
    told.open()
    await clock.advance(0)
    expect([breaker.state, suspended(), clock.timers]).toEqual(['half-open', 0, 0])
    succeed(1)
    expect(breaker.state).toBe('closed')
  })

  it('is not stopped for ever by a probe that hangs', async () => {
    const { breaker, begin, clock, suspended, succeed } = await halfOpen()
    const hung = [begin(), begin()]
    await clock.advance(4_999)
    expect(suspended()).toBe(1)
    await clock.advance(1)
    expect([breaker.state, suspended()]).toEqual(['half-open', 0])
    succeed(2)
    expect(breaker.state).toBe('closed')
    hung[0]?.fail(failure)
    await clock.advance(0)
    expect([breaker.state, clock.timers]).toEqual(['closed', 0])
  })

  it('survives an onChange that throws', async () => {
    const { breaker, succeed, suspended } = await halfOpen({
      onChange: () => {
        throw new Error('a bug')
      },
    })
    succeed(2)
    expect([breaker.state, suspended()]).toEqual(['closed', 0])
  })
})

describe('circuitBreaker', () => {
  it('is refused where a message cannot be held for as long as it stays open', () => {
    const check = (lease: Capabilities['lease']): readonly string[] | undefined =>
      circuitBreaker({ failures: 1, openMs: 5_000 }).check?.({ lease } as Capabilities, { keyed: false, maxInFlight: 32 })
    expect(check({ kind: 'message', ms: 1_000, maxMs: 6_000 })).toEqual([
      'openMs of 5000 is longer than a message can be held here; the largest that fits is 4800',
    ])
    expect(check({ kind: 'scope', maxHoldMs: 1_000 })).toHaveLength(1)
    expect(check({ kind: 'scope', maxHoldMs: false })).toEqual([])
    expect(check(false)).toEqual([])
  })

  it.each([
    { failures: 0 },
    { failures: Infinity },
    { failureRate: 0 },
    { failureRate: 1.1 },
    { failureRate: Number.NaN },
    { failureRate: 0.5, minimum: 0 },
    { failures: 1, windowMs: 0 },
    { failures: 1, openMs: 0 },
    { failures: 1, openMs: Infinity },
    { failures: 1, probes: 0 },
    { failures: 1, probes: 1.5 },
  ])('refuses %j', (options) => {
    expect(() => circuitBreaker(options as CircuitBreakerOptions)).toThrow(RangeError)
  })

  it.each([
    {},
    { failures: 1, failureRate: 1 },
    { failures: 1, minimum: 5 },
    { failures: 1, isFailure: true },
    { failures: 1, onChange: null },
    { failures: 1, halfOpen: 3 },
  ])('refuses %j', (options) => {
    expect(() => circuitBreaker(options as never)).toThrow(TypeError)
  })
})
