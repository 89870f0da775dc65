import { constant, deadLetter, decorrelated, Directive, retryLater, type Backoff, type ProcessContext } from '@busbar/core'
import { describe, expect, it } from 'vitest'
import { makeContext, type TestContext } from '../test-support/context.ts'
import { retry, type RetryOptions } from './retry.ts'

const failure = new Error('handler failed')

function fails(error: unknown = failure): () => never {
  return () => {
    throw error
  }
}

/** The outcome of a chain of only retry and handler, for a handler that throws at once and one that rejects. */
async function outcomes(options: RetryOptions, context: TestContext, error: unknown = failure): Promise<unknown> {
  const now = retry(options).process(context, fails(error))
  const later = await retry(options).process(context, async () => fails(error)())
  expect(now).toBeInstanceOf(Directive)
  expect(later).toEqual(now)
  return now
}

describe('retry', () => {
  it('hands a value on, without a promise of its own', async () => {
    expect(retry().process(makeContext(), () => 'value')).toBe('value')
    await expect(retry().process(makeContext(), async () => 'value')).resolves.toBe('value')
  })

  it('asks for a retry after the backoff', async () => {
    const outcome = await outcomes({ backoff: constant(700) }, makeContext({ attempt: 2 }))
    expect(outcome).toMatchObject({ action: 'retry', delayMs: 700, error: failure, counts: true })
  })

  it('gives the attempt and the random source to the backoff', async () => {
    const random = (): number => 0.25
    const asked: unknown[][] = []
    const backoff = {
      maxMs: 9,
      delay: (...given: unknown[]) => {
        asked.push(given)
        return 9
      },
    }
    await outcomes({ backoff, maxAttempts: 9 }, makeContext({ attempt: 4, random }))
    // Others ask for the longest waits, for the budget.
    expect(asked.filter(([, source]) => source === random)).toEqual([
      [4, random],
      [4, random],
    ])
  })

  it('gives the backoff the wait before the failed start, where it is known', async () => {
    const asked: unknown[] = []
    const random = (): number => 0.25
    const backoff: Backoff = {
      maxMs: 9,
      delay: (_attempt, source, ...rest) => {
        if (source === random) asked.push(rest)
        return 9
      },
    }
    await outcomes({ backoff }, makeContext({ attempt: 2, random, previousWaitMs: 7 }))
    await outcomes({ backoff }, makeContext({ attempt: 2, random }))
    expect(asked).toEqual([[7], [7], [], []])
    expect(await outcomes({ backoff: decorrelated({ initialMs: 10 }) }, makeContext({ attempt: 2, random: () => 0.5, previousWaitMs: 30 }))).toMatchObject({
      delayMs: 50,
    })
  })

  describe('with a backoff that breaks its promise', () => {
    /** Only at run time. */
    const backoff = (answer: () => unknown): Backoff => ({ maxMs: 50, delay: (_attempt, source) => (source() === 0.5 ? (answer() as number) : 50) })

    it.each([Number.NaN, Infinity, -1, 51, '5', undefined, 5n])('lets core keep the message where delay answers %s, and says why', async (answer) => {
      const outcome = (await outcomes({ backoff: backoff(() => answer) }, makeContext())) as Directive
      expect(outcome).toMatchObject({ action: 'retry', delayMs: Number.NaN, counts: true })
      expect(String(outcome.error)).toBe(`RangeError: retry: backoff.delay(1), by its own maxMs, must be a number from 0 to 50, not ${String(answer)}`)
    })

    it('does so where delay throws', async () => {
      const bug = new Error('bug')
      expect(await outcomes({ backoff: backoff(fails(bug)) }, makeContext())).toMatchObject({ action: 'retry', delayMs: Number.NaN, error: bug })
      const text = (await outcomes({ backoff: backoff(fails('text')) }, makeContext())) as Directive
      expect(String(text.error)).toContain('has thrown text')
    })

    it('does not ask it about the last attempt', async () => {
      const outcome = await outcomes({ backoff: backoff(() => Number.NaN) }, makeContext({ attempt: 3 }))
      expect(outcome).toMatchObject({ action: 'dead-letter', error: failure })
    })

    const noBackoffs: readonly unknown[] = [
      null,
      {},
      5,
      { maxMs: 5 },
      { delay: () => 5 },
      { maxMs: Number.NaN, delay: () => 5 },
      { maxMs: Infinity, delay: () => 5 },
      { maxMs: -1, delay: () => 0 },
    ]
    it.each(noBackoffs)('refuses %j, which is none', (given) => {
      expect(() => retry({ backoff: given as Backoff })).toThrow(/^retry: backoff/)
    })

    it.each([6, Number.NaN, -1, Infinity])('refuses one that asks for %d ms where 5 are the most', (ms) => {
      expect(() => retry({ backoff: { maxMs: 5, delay: () => ms } })).toThrow(RangeError)
    })
  })

  it('backs off from 1 s to 30 s with full jitter by default, three attempts in all', async () => {
    const random = (): number => 0.5
    expect(await outcomes({}, makeContext({ attempt: 1, random }))).toMatchObject({ action: 'retry', delayMs: 500 })
    expect(await outcomes({}, makeContext({ attempt: 2, random }))).toMatchObject({ action: 'retry', delayMs: 1000 })
    expect(await outcomes({}, makeContext({ attempt: 3, random }))).toMatchObject({ action: 'dead-letter', reason: 'attempts exhausted', error: failure })
    expect(retry().retry).toMatchObject({ maxAttempts: 3, maxWaitMs: 30_000, waitsMs: [999, 1_999], holdMs: undefined })
  })

  it.each([1, 2, 5])('starts the handler %d times, no more', async (maxAttempts) => {
    const actions: string[] = []
    for (let attempt = 1; attempt <= maxAttempts + 2; attempt++) {
      const outcome = (await outcomes({ maxAttempts, backoff: constant(1) }, makeContext({ attempt }))) as Directive
      actions.push(outcome.action)
    }
    expect(actions.indexOf('dead-letter')).toBe(maxAttempts - 1)
    expect(actions.slice(maxAttempts - 1).every((action) => action === 'dead-letter')).toBe(true)
  })

  it('declares its budget', () => {
    const middleware = retry({ maxAttempts: 7, backoff: constant(123), holdMs: 10 })
    expect(middleware).toMatchObject({ name: 'retry', stage: 'retry', retry: { maxAttempts: 7, maxWaitMs: 123, holdMs: 10 } })
  })

  it('does not retry what retryIf refuses', async () => {
    const seen: unknown[] = []
    const retryIf = (error: unknown, given: ProcessContext): boolean => {
      seen.push([error, given])
      return false
    }
    const context = makeContext()
    expect(await outcomes({ retryIf }, context)).toMatchObject({ action: 'dead-letter', reason: 'not retryable', error: failure })
    expect(seen).toEqual([
      [failure, context],
      [failure, context],
    ])
    expect(await outcomes({ retryIf: () => true }, context)).toMatchObject({ action: 'retry' })
  })

  describe('filters by class', () => {
    class Declined extends Error {}
    class Expired extends Declined {}
    const action = async (options: RetryOptions, error: unknown): Promise<unknown> => {
      const outcome = await outcomes(options, makeContext(), error)
      return outcome instanceof Directive ? outcome.action : outcome
    }

    it('retries the classes named in retryIf, those that extend them, and no others', async () => {
      for (const retryIf of [Declined, [TypeError, Declined], [() => false, Declined]]) {
        expect(await action({ retryIf }, new Expired())).toBe('retry')
        expect(await action({ retryIf }, failure)).toBe('dead-letter')
        expect(await action({ retryIf }, 'a text')).toBe('dead-letter')
      }
    })

    it('gives up what giveUpIf names, though retryIf would not', async () => {
      const options: RetryOptions = { retryIf: Error, giveUpIf: [Expired, (error) => error === failure] }
      expect(await action(options, new Declined())).toBe('retry')
      expect(await action(options, new Expired())).toBe('dead-letter')
      expect(await action(options, failure)).toBe('dead-letter')
    })

    it('takes functions that stand for classes, and classes that are no errors', async () => {
      function Old(): void {}
      Old.prototype = Object.create(Error.prototype)
      class Fault {
        readonly code = 1
      }
      const retryIf = [Old, Fault] as NonNullable<RetryOptions['retryIf']>
      expect(await action({ retryIf }, Object.create(Old.prototype))).toBe('retry')
      expect(await action({ retryIf }, new Fault())).toBe('retry')
      expect(await action({ retryIf }, failure)).toBe('dead-letter')
    })

    it.each([{ retryIf: 'TypeError' }, { retryIf: [] }, { giveUpIf: [TypeError, undefined] }])('refuses %o', (options) => {
      expect(() => retry(options as unknown as RetryOptions)).toThrow(/^retry: (retryIf|giveUpIf) must/)
    })
  })

  it('gives the message up with its own error where retryIf throws', async () => {
    expect(await outcomes({ retryIf: fails(new Error('bug')) }, makeContext())).toMatchObject({ action: 'dead-letter', error: failure })
  })

  it('does not begin an attempt after maxElapsedMs', async () => {
    const options = { maxElapsedMs: 1000, backoff: constant(100) }
    expect(await outcomes(options, makeContext({ timestamp: 5000, nowMs: 5900 }))).toMatchObject({ action: 'retry' })
    expect(await outcomes(options, makeContext({ timestamp: 5000, nowMs: 5901 }))).toMatchObject({
      action: 'dead-letter',
      reason: 'not handled within 1000 ms',
      error: failure,
    })
    expect(await outcomes(options, makeContext({ nowMs: 1e12 }))).toMatchObject({ action: 'retry' })
  })

  it.each(['returned', 'thrown'] as const)('counts a retryLater that is %s, within the attempts', async (form) => {
    const run = (attempt: number): unknown => {
      const directive = retryLater(4321, failure)
      return retry({ maxAttempts: 2 }).process(makeContext({ attempt }), form === 'returned' ? () => directive : fails(directive))
    }
    expect(run(1)).toMatchObject({ action: 'retry', delayMs: 4321, error: failure, counts: true })
    expect(run(2)).toMatchObject({ action: 'dead-letter', reason: 'attempts exhausted', error: failure })
  })

  it('passes on a deadLetter, and a retry that uses no attempt', async () => {
    const given = deadLetter('no such customer', failure)
    expect(await outcomes({}, makeContext(), given)).toBe(given)
    const uncounted = new Directive('retry', { delayMs: 5, counts: false })
    expect(retry({ maxAttempts: 1 }).process(makeContext(), () => uncounted)).toBe(uncounted)
  })

  describe('when the signal has fired', () => {
    const reason = new Error('lease lost')
    const abortError = new DOMException('aborted', 'AbortError')

    it.each([reason, abortError])('does not count an attempt that ended with %s, not even the last', async (error) => {
      const context = makeContext({ attempt: 3 })
      context.abort(reason)
      expect(await outcomes({ retryIf: () => false }, context, error)).toMatchObject({ action: 'retry', delayMs: 0, error, counts: false })
    })

    it('does not count one that ended with an error of its own: client libraries turn an abort into theirs', async () => {
      const context = makeContext({ attempt: 3 })
      context.abort(reason)
      expect(await outcomes({}, context)).toMatchObject({ action: 'retry', counts: false })
    })

    it('counts an AbortError that has nothing to do with it', async () => {
      expect(await outcomes({}, makeContext({ attempt: 3 }), abortError)).toMatchObject({ action: 'dead-letter', error: abortError })
    })
  })

  it.each([
    { maxAttempts: 0 },
    { maxAttempts: 101 },
    { maxAttempts: 1.5 },
    { holdMs: -1 },
    { holdMs: Infinity },
    { maxElapsedMs: 0 },
    { maxElapsedMs: Number.NaN },
  ])('refuses %j', (options) => {
    expect(() => retry(options)).toThrow(RangeError)
  })

  it('names an unknown option', () => {
    expect(() => retry({ maxAttempt: 5 } as object)).toThrow(new TypeError("retry: unknown option 'maxAttempt'; did you mean 'maxAttempts'?"))
  })
})

describe('a filter that answers with a promise', () => {
  it.each(['retryIf', 'giveUpIf'] as const)('is refused where it is an async function: %s', (name) => {
    for (const filter of [async () => false, [Error, async () => false]] as never[])
      expect(() => retry({ [name]: filter })).toThrow(`retry: ${name} must answer true or false at once, not with a promise`)
  })

  // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested.
  const thenable = { then: (resolve: (value: boolean) => void): void => resolve(false) }
  const answers = [(): unknown => Promise.reject(new Error('later')), (): unknown => thenable]
  it.each(answers.flatMap((answer) => [['retryIf', answer] as const, ['giveUpIf', answer] as const]))(
    'is no yes, and the message ends with an error that says so: %s',
    async (name, answer) => {
      const options = { maxAttempts: 2, backoff: constant(5), [name]: answer }
      const error = expect.objectContaining({ name: 'TypeError', message: `retry: ${name} must answer true or false at once, not with a promise` }) as unknown
      expect(await outcomes(options, makeContext({ attempt: 1 }))).toMatchObject({ action: 'retry', delayMs: 5, counts: true, error })
      expect(await outcomes(options, makeContext({ attempt: 2 }))).toMatchObject({ action: 'dead-letter', error })
    },
  )

  it.each(['yes', 1, {}])('says yes by true alone: not by %j', async (answer) => {
    expect(await outcomes({ giveUpIf: () => answer as never }, makeContext())).toMatchObject({ action: 'retry' })
    expect(await outcomes({ retryIf: () => answer as never }, makeContext())).toMatchObject({ action: 'dead-letter' })
  })
})
