import { Directive } from '@busbar/core'
import { describe, expect, it } from 'vitest'
import { makeContext, type TestContext } from '../test-support/context.ts'
import { gate, outcomeOf, type Gate } from '../test-support/gate.ts'
import { settled } from '../test-support/manual-clock.ts'
import { concurrencyLimit, type ConcurrencyLimit } from './concurrency-limit.ts'

interface Begun extends Gate {
  readonly context: TestContext
  readonly outcome: ReturnType<typeof outcomeOf>
  started: boolean
}

function begin(limit: ConcurrencyLimit): Begun {
  const begun: Begun = { ...gate(), context: makeContext(), outcome: { value: 'open' }, started: false }
  const result = limit.process(begun.context, () => {
    begun.started = true
    return begun.work
  })
  return Object.assign(begun, { outcome: outcomeOf(result) })
}

function started(begun: readonly Begun[]): boolean[] {
  return begun.map((one) => one.started)
}

describe('concurrencyLimit', () => {
  it('is synchronous while a place is free, and gives it back however the handler ends', () => {
    const limit = concurrencyLimit({ max: 1 })
    const failure = new Error('no')
    expect(limit.process(makeContext(), () => limit.running)).toBe(1)
    expect(() =>
      limit.process(makeContext(), () => {
        throw failure
      }),
    ).toThrow(failure)
    expect([limit.running, limit.waiting]).toEqual([0, 0])
  })

  it('runs no more than max at once, and lets those who wait start in the order in which they came', async () => {
    const limit = concurrencyLimit({ max: 2 })
    const all = Array.from({ length: 5 }, () => begin(limit))
    expect(started(all)).toEqual([true, true, false, false, false])
    expect([limit.running, limit.waiting]).toEqual([2, 3])
    all[1]?.open('second')
    await settled()
    expect(started(all)).toEqual([true, true, true, false, false])
    // A place that is handed over is not to be had by who comes in between.
    all[2]?.fail(new Error('third'))
    const late = begin(limit)
    await settled()
    expect(started([...all, late])).toEqual([true, true, true, true, false, false])
    for (const { open } of [...all, late]) {
      open()
      await settled()
    }
    expect(all.map(({ outcome }) => outcome.value)).toEqual([undefined, 'second', 'failed', undefined, undefined])
    expect([late.started, limit.running, limit.waiting]).toEqual([true, 0, 0])
  })

  it('lets a message that was lost while it waited leave, without an attempt', async () => {
    const limit = concurrencyLimit({ max: 1 })
    const [running, lost, next] = [begin(limit), begin(limit), begin(limit)]
    const reason = new Error('lost')
    lost.context.abort(reason)
    await settled()
    expect(lost.outcome.value).toMatchObject({ action: 'retry', delayMs: 0, counts: false, error: reason })
    expect(lost.outcome.value).toBeInstanceOf(Directive)
    expect(limit.waiting).toBe(1)
    running.open()
    await settled()
    expect(started([lost, next])).toEqual([false, true])
  })

  it('fails one that is cancelled while it waits', async () => {
    const limit = concurrencyLimit({ max: 1 })
    const [running, cancelled] = [begin(limit), begin(limit)]
    const reason = new Error('too long')
    cancelled.context.cancel(reason)
    await settled()
    expect([cancelled.outcome.error, cancelled.started, limit.waiting]).toEqual([reason, false, 0])
    running.open()
    await settled()
    expect(limit.running).toBe(0)
  })

  it('hands a place on that came at the very moment at which its message was lost', async () => {
    const limit = concurrencyLimit({ max: 1 })
    const [lost, next] = [makeContext(), makeContext()]
    const first = gate()
    void limit.process(makeContext(), () => first.work)
    const outcomes = [lost, next].map((context) => outcomeOf(limit.process(context, () => `${context === next}`)))
    // After the place has been handed over, before whoever got it has heard of it.
    void first.work.then(() => {
      expect([limit.running, limit.waiting]).toEqual([1, 1])
      lost.abort(new Error('lost'))
    })
    first.open()
    await settled()
    expect(outcomes.map(({ value }) => value)).toEqual([expect.any(Directive), 'true'])
    expect([limit.running, limit.waiting]).toEqual([0, 0])
  })

  it('lets who is lost already not wait', async () => {
    const limit = concurrencyLimit({ max: 1 })
    const running = begin(limit)
    const context = makeContext()
    context.abort(new Error('lost'))
    expect(await limit.process(context, () => expect.unreachable())).toBeInstanceOf(Directive)
    running.open()
    await settled()
    expect([limit.running, limit.waiting]).toEqual([0, 0])
  })

  it('works off a long line without a deep stack', async () => {
    const limit = concurrencyLimit({ max: 1 })
    const first = begin(limit)
    let handled = 0
    const all = Array.from({ length: 12_000 }, async () => limit.process(makeContext(), () => ++handled))
    first.open()
    expect((await Promise.all(all)).at(-1)).toBe(12_000)
    expect(limit.running).toBe(0)
  })

  it.each([{ max: 0 }, { max: -1 }, { max: 1.5 }, { max: Number.NaN }, { max: Infinity }, { max: '3' as never }, {} as never])('refuses %j', (options) => {
    expect(() => concurrencyLimit(options)).toThrow(RangeError)
  })

  it('names an unknown option', () => {
    expect(() => concurrencyLimit({ max: 1, mx: 2 } as never)).toThrow(new TypeError("concurrencyLimit: unknown option 'mx'; did you mean 'max'?"))
  })
})
