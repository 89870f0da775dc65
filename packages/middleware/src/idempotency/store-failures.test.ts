import { BrokerError, retryLater, type ProcessContext } from '@busbar/core'
import type { FencedStore } from '@busbar/core/driver'
import { describe, expect, it, vi } from 'vitest'
import { makeContext } from '../test-support/context.ts'
import { FakeStore, later } from '../test-support/fake-store.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { makeSendContext } from '../test-support/send-context.ts'
import { idempotency, type IdempotencyMiddleware, type IdempotencyOptions, type StoreFailure } from './idempotency.ts'
import { sendOnce } from './send-once.ts'

const failure = new Error('handler failed')

interface Setup {
  readonly store: FakeStore
  readonly failures: StoreFailure[]
  readonly onStoreFailure: (event: StoreFailure) => void
}

function setup(): Setup {
  const failures: StoreFailure[] = []
  return { store: new FakeStore(), failures, onStoreFailure: (event) => void failures.push(event) }
}

describe.each(['throws', 'rejects'] as const)('a store that %s', (form) => {
  const down = new Error('store is down')

  function broken(operation: keyof FencedStore, options: Partial<IdempotencyOptions> = {}): Setup & { readonly middleware: IdempotencyMiddleware } {
    const made = setup()
    const store: Record<string, unknown> = { ...later(made.store) }
    store[operation] =
      form === 'throws'
        ? () => {
            throw down
          }
        : () => Promise.reject(down)
    return { ...made, middleware: idempotency({ store: store as unknown as FencedStore, onStoreFailure: made.onStoreFailure, ...options }) }
  }

  it('keeps the message waiting, unhandled and without an attempt, while claims cannot be made', async () => {
    const { middleware } = broken('claim')
    const outcome = await middleware.process(makeContext({ attempt: 3, random: () => 0 }), () => expect.unreachable())
    expect(outcome).toMatchObject({ action: 'retry', delayMs: 500, error: down, counts: false })
    expect(await middleware.process(makeContext({ random: () => 0.999 }), () => expect.unreachable())).toMatchObject({ delayMs: 999 })
  })

  it('asks the store again after a while, and says each time that it failed', async () => {
    const { store, middleware, failures } = broken('claim')
    const at = (monotonicMs: number): Promise<unknown> => Promise.resolve(middleware.process(makeContext({ monotonicMs }), () => expect.unreachable()))
    for (const now of [0, 499, 500, 999]) expect(await at(now)).toMatchObject({ action: 'retry', counts: false })
    expect(failures.map(({ operation, error }) => [operation, error])).toEqual([
      ['claim', down],
      ['claim', down],
    ])
    expect(store.kept.size).toBe(0)
  })

  it('fails the attempt where it shall', async () => {
    const { middleware, failures } = broken('claim', { whileUnavailable: 'fail' })
    for (let time = 0; time < 2; time++) await expect((async () => middleware.process(makeContext(), () => expect.unreachable()))()).rejects.toBe(down)
    expect(failures).toEqual([{ operation: 'claim', key: 'orders:m1', error: down }])
  })

  it('goes on where it shall, unprotected, and counts and tells it every time', async () => {
    const { middleware, failures } = broken('claim', { whileUnavailable: 'go-on' })
    let starts = 0
    for (let time = 0; time < 3; time++) await middleware.process(makeContext(), () => void starts++)
    expect([starts, middleware.unprotected]).toEqual([3, 3])
    expect(failures).toEqual(Array.from({ length: 3 }, () => ({ operation: 'claim', key: 'orders:m1', error: down })))
    const thrower = async (): Promise<unknown> =>
      middleware.process(makeContext(), () => {
        throw failure
      })
    await expect(thrower()).rejects.toBe(failure)
  })

  it('does not undo a handled message that cannot be remembered, and says so', async () => {
    const { middleware, failures } = broken('complete')
    expect(await middleware.process(makeContext(), () => 'handled')).toBe('handled')
    expect(failures).toEqual([{ operation: 'complete', key: 'orders:m1', error: down }])
  })

  it('does not change the outcome of a message that cannot be released, and says so', async () => {
    const { middleware, failures } = broken('release')
    const directive = retryLater(5)
    expect(await middleware.process(makeContext(), () => directive)).toBe(directive)
    await expect(
      (async () =>
        middleware.process(makeContext({ id: 'm2' }), () => {
          throw failure
        }))(),
    ).rejects.toBe(failure)
    expect(failures.map(({ operation, error }) => [operation, error])).toEqual([
      ['release', down],
      ['release', down],
    ])
  })

  it('goes on when renewal fails, and says so', async () => {
    const { middleware, failures } = broken('renew')
    const context = makeContext()
    let finish = (): void => {}
    const run = middleware.process(
      context,
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        }),
    )
    await vi.waitFor(() => expect(finish).not.toHaveLength(0))
    await middleware.renew?.([context] as ProcessContext[], 10_000)
    expect(failures).toEqual([{ operation: 'renew', key: 'orders:m1', error: down }])
    finish()
    await run
  })

  it.each([
    ['ERR_CONFLICT', 'rejects'],
    ['ERR_INVALID', 'rejects'],
    ['ERR_TOO_LARGE', 'rejects'],
    ['ERR_UNAVAILABLE', 'waits'],
    ['ERR_ACCESS_DENIED', 'waits'],
    ['ERR_NOT_FOUND', 'waits'],
    ['ERR_CONFIGURATION', 'waits'],
    ['ERR_CLOSED', 'waits'],
  ] as const)('with %s %s: only what it refuses of one message is for the retry policy', async (code, what) => {
    const { store, failures, onStoreFailure } = setup()
    const error = new BrokerError(code, 'no')
    const fail = (): never => {
      throw error
    }
    const middleware = idempotency({ store: { ...later(store), claim: form === 'throws' ? fail : async () => fail() }, onStoreFailure })
    const run = (async () => middleware.process(makeContext(), () => expect.unreachable()))()
    if (what === 'rejects') await expect(run).rejects.toBe(error)
    else expect(await run).toMatchObject({ action: 'retry', counts: false, error })
    expect(failures).toEqual([{ operation: 'claim', key: 'orders:m1', error }])
  })

  it('does not make an outage of a refusal: the next message is claimed', async () => {
    const { store, onStoreFailure } = setup()
    const claim: FencedStore['claim'] = async (request) => {
      if (request.key.endsWith('m1')) throw new BrokerError('ERR_CONFLICT', 'foreign')
      return store.claim(request)
    }
    const middleware = idempotency({ store: { ...later(store), claim }, onStoreFailure })
    await expect((async () => middleware.process(makeContext(), () => expect.unreachable()))()).rejects.toThrow('foreign')
    expect(await middleware.process(makeContext({ id: 'm2' }), () => 'handled')).toBe('handled')
  })

  it('keeps what was handled while its password is wrong, until that is remembered', async () => {
    const { store, onStoreFailure, failures } = setup()
    const clock = new ManualClock()
    let denied = false
    const allowed = (): FakeStore => {
      if (denied) throw new BrokerError('ERR_ACCESS_DENIED', 'WRONGPASS')
      return store
    }
    const checked: FencedStore = {
      ...later(store),
      claim: async (request) => allowed().claim(request),
      complete: async (...given) => allowed().complete(...given),
    }
    const middleware = idempotency({ store: checked, onStoreFailure })
    let ended = false
    const run = Promise.resolve(middleware.process(makeContext({ clock }), () => void (denied = true))).then(() => (ended = true))
    await clock.advance(5_000)
    expect([ended, failures]).toEqual([false, []])
    denied = false
    await clock.advance(1_000)
    await run
    expect(store.scan('').claims).toMatchObject([{ state: 'done' }])
  })

  it('does not keep what was handled for a store that was closed', async () => {
    const { store, onStoreFailure, failures } = setup()
    const closed = new BrokerError('ERR_CLOSED', 'the store is closed')
    const middleware = idempotency({ store: { ...later(store), complete: () => Promise.reject(closed) }, onStoreFailure })
    expect(await middleware.process(makeContext(), () => 'handled')).toBe('handled')
    expect(failures).toEqual([{ operation: 'complete', key: 'orders:m1', error: closed }])
  })

  it('remembers a message whose first completion did not arrive', async () => {
    const made = setup()
    let calls = 0
    const flaky: FencedStore = {
      ...later(made.store),
      complete: async (...given) => {
        if (calls++ === 0) throw down
        return made.store.complete(...given)
      },
    }
    const middleware = idempotency({ store: flaky, onStoreFailure: made.onStoreFailure })
    await middleware.process(makeContext(), () => {})
    expect(await middleware.process(makeContext(), () => expect.unreachable())).toBeUndefined()
    expect(made.failures).toEqual([])
  })
})

describe('a store that is back', () => {
  function flaky(): { store: FakeStore; middleware: IdempotencyMiddleware; lose: (answers: number) => void } {
    const store = new FakeStore()
    let lost = 0
    const claim: FencedStore['claim'] = async (request) => {
      const answer = store.claim(request)
      if (lost-- > 0) throw new BrokerError('ERR_TIMEOUT', 'no answer')
      return answer
    }
    return { store, middleware: idempotency({ store: { ...later(store), claim } }), lose: (answers) => (lost = answers) }
  }

  it('handles at once what its own lost claim would keep back until the lease ends', async () => {
    const { store, middleware, lose } = flaky()
    lose(1)
    expect(await middleware.process(makeContext(), () => expect.unreachable())).toMatchObject({ action: 'retry', counts: false })
    let starts = 0
    await middleware.process(makeContext({ monotonicMs: 600 }), () => void starts++)
    expect(starts).toBe(1)
    expect(store.scan('').claims).toMatchObject([{ state: 'done' }])
  })

  it('gives a lost claim to one copy only', async () => {
    const { middleware, lose } = flaky()
    lose(1)
    await middleware.process(makeContext(), () => expect.unreachable())
    let finish = (): void => {}
    const first = middleware.process(makeContext({ monotonicMs: 600 }), () => new Promise<void>((resolve) => void (finish = resolve)))
    expect(await middleware.process(makeContext({ monotonicMs: 601 }), () => expect.unreachable())).toMatchObject({ action: 'retry', counts: false })
    finish()
    await first
  })

  it('is asked about every message again', async () => {
    const { store, middleware, lose } = flaky()
    lose(1)
    await middleware.process(makeContext(), () => expect.unreachable())
    for (const id of ['m2', 'm3', 'm4']) await middleware.process(makeContext({ id, monotonicMs: 600 }), () => {})
    expect(store.scan('').claims.filter(({ state }) => state === 'done').length).toBe(3)
  })
})

const observers: readonly (readonly [string, (failure: StoreFailure) => void])[] = [
  [
    'throws',
    () => {
      throw new TypeError('logger')
    },
  ],
  // As an async function would, which JavaScript lets through.
  ['rejects', () => Promise.reject(new TypeError('logger')) as unknown as undefined],
]

describe.each(observers)('an observer that %s', (_how, onStoreFailure) => {
  const down = (): never => {
    throw new BrokerError('ERR_UNAVAILABLE', 'down')
  }
  const store = (broken: keyof FencedStore): FencedStore => ({ ...later(new FakeStore()), [broken]: down })
  const sent = { id: 'm1' }
  /** For a store to be told again that has failed. */
  const longEnough = async (clock: ManualClock): Promise<void> => {
    for (let steps = 0; steps < 10; steps++) await clock.advance(400)
  }

  it('changes the outcome of no message', async () => {
    const claimed = idempotency({ store: store('claim'), onStoreFailure })
    expect(await claimed.process(makeContext(), () => expect.unreachable())).toMatchObject({ action: 'retry', counts: false })
    const unprotected = idempotency({ store: store('claim'), whileUnavailable: 'go-on', onStoreFailure })
    expect(await unprotected.process(makeContext(), () => 'handled')).toBe('handled')
    const completed = idempotency({ store: store('complete'), whileUnavailable: 'fail', onStoreFailure })
    expect(await completed.process(makeContext(), () => 'handled')).toBe('handled')
    const released = idempotency({ store: store('release'), onStoreFailure })
    const clock = new ManualClock()
    const outcome = released.process(makeContext({ clock }), () => retryLater(5))
    await longEnough(clock)
    expect(await outcome).toMatchObject({ action: 'retry', delayMs: 5 })
  })

  it('changes the outcome of no send', async () => {
    for (const broken of ['complete', 'release'] as const) {
      const clock = new ManualClock()
      const sending = sendOnce({ store: store(broken), onStoreFailure }).send(makeSendContext({ clock }), async () => sent)
      await longEnough(clock)
      expect(await sending).toEqual(sent)
    }
    const clock = new ManualClock()
    const release = sendOnce({ store: store('release'), onStoreFailure }).send(makeSendContext({ clock }), () => Promise.reject(failure))
    release.catch(() => undefined)
    await longEnough(clock)
    await expect(release).rejects.toBe(failure)
    const unprotected = sendOnce({ store: store('claim'), whileUnavailable: 'go-on', onStoreFailure })
    expect(await unprotected.send(makeSendContext(), async () => sent)).toEqual(sent)
    const refused = sendOnce({ store: store('claim'), onStoreFailure })
    await expect(refused.send(makeSendContext(), () => expect.unreachable())).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  })
})

describe('a release that fails once', () => {
  it.each(['throws', 'rejects'])('is told again, so that the next start of the message finds its key free: %s', async (how) => {
    const [store, clock] = [new FakeStore(), new ManualClock()]
    let failed = false
    const shaky: FencedStore = {
      ...later(store),
      release: (claim) => {
        const error = new BrokerError('ERR_UNAVAILABLE', 'down')
        if (failed) return Promise.resolve(store.release(claim))
        failed = true
        if (how === 'throws') throw error
        return Promise.reject(error)
      },
    }
    const failures: StoreFailure[] = []
    const middleware = idempotency({ store: shaky, onStoreFailure: (told) => failures.push(told) })
    const outcome = middleware.process(makeContext({ clock }), () => retryLater(5))
    await clock.advance(400)
    expect(await outcome).toMatchObject({ action: 'retry', delayMs: 5 })
    expect(await middleware.process(makeContext({ clock }), () => 'handled')).toBe('handled')
    expect(failures).toEqual([])
  })
})
