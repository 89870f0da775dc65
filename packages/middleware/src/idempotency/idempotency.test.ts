import { deadLetter, Directive, isBrokerError, retryLater, type ProcessMiddleware } from '@busbar/core'
import type { FencedStore } from '@busbar/core/driver'
import { describe, expect, it, vi } from 'vitest'
import { makeContext, type ContextOptions } from '../test-support/context.ts'
import { FakeStore, later, lazily } from '../test-support/fake-store.ts'
import { idempotency, type IdempotencyOptions, type StoreFailure } from './idempotency.ts'

const failure = new Error('handler failed')

function setup(options: Partial<IdempotencyOptions> = {}): { store: FakeStore; middleware: ProcessMiddleware; failures: StoreFailure[] } {
  const store = new FakeStore()
  const failures: StoreFailure[] = []
  return { store, failures, middleware: idempotency({ store, onStoreFailure: (event) => failures.push(event), ...options }) }
}

interface Counting {
  starts: number
  readonly run: () => unknown
}

/** A handler that counts its starts. */
function counting(): Counting {
  const handler: Counting = {
    starts: 0,
    run: () => {
      handler.starts++
      return undefined
    },
  }
  return handler
}

describe.each([
  ['a synchronous store', (store: FakeStore): FencedStore => store],
  ['an asynchronous store', later],
  ['a store that answers with thenables', lazily],
] as const)('idempotency with %s', (_name, wrap) => {
  function make(options: Partial<IdempotencyOptions> = {}): ReturnType<typeof setup> {
    const made = setup()
    return { ...made, middleware: idempotency({ store: wrap(made.store), onStoreFailure: (event) => made.failures.push(event), ...options }) }
  }

  it('handles a message once and acks its copies', async () => {
    const { store, middleware } = make()
    const handler = counting()
    expect(await middleware.process(makeContext(), handler.run)).toBeUndefined()
    expect(await middleware.process(makeContext(), handler.run)).toBeUndefined()
    expect(await middleware.process(makeContext({ id: 'm2' }), handler.run)).toBeUndefined()
    expect(handler.starts).toBe(2)
    expect(store.calls).toEqual(['claim', 'complete', 'claim', 'claim', 'complete'])
    expect([...store.kept.keys()]).toEqual(['orders:m1', 'orders:m2'])
  })

  it('remembers for ttlMs, and not longer', async () => {
    const { store, middleware } = make({ ttlMs: 5000 })
    const handler = counting()
    await middleware.process(makeContext(), handler.run)
    store.nowMs = 4999
    await middleware.process(makeContext(), handler.run)
    expect(handler.starts).toBe(1)
    store.nowMs = 5000
    await middleware.process(makeContext(), handler.run)
    expect(handler.starts).toBe(2)
  })

  it.each([
    [
      'throws',
      () => {
        throw failure
      },
    ],
    ['rejects', () => Promise.reject(failure)],
  ] as const)('releases the claim when the handler %s', async (_form, run) => {
    const { store, middleware } = make()
    await expect((async () => middleware.process(makeContext(), run))()).rejects.toBe(failure)
    expect(store.calls).toEqual(['claim', 'release'])
    const handler = counting()
    await middleware.process(makeContext(), handler.run)
    expect(handler.starts).toBe(1)
  })

  it.each([retryLater(5), deadLetter('no'), new Directive('retry', { counts: false })])('releases the claim and hands on $action', async (directive) => {
    const { store, middleware } = make()
    expect(await middleware.process(makeContext(), () => directive)).toBe(directive)
    expect(await middleware.process(makeContext(), async () => directive)).toBe(directive)
    expect(store.kept.size).toBe(0)
  })

  it.each(['retry', 'dead-letter'] as const)('releases the claim of a message that the handler settled by %s', async (settled) => {
    const { store, middleware } = make()
    const context = makeContext()
    await middleware.process(context, () => {
      context.settled = settled
    })
    expect(store.calls).toEqual(['claim', 'release'])
  })

  it('remembers what the handler acked itself, whatever follows', async () => {
    const { store, middleware } = make()
    for (const id of ['m1', 'm2', 'm3']) {
      const context = makeContext({ id })
      const run = async (): Promise<unknown> =>
        middleware.process(context, () => {
          context.settled = 'ack'
          if (id === 'm2') throw failure
          return id === 'm3' ? retryLater(5) : undefined
        })
      await run().catch((error: unknown) => expect(error).toBe(failure))
    }
    expect(store.calls.filter((call) => call !== 'claim')).toEqual(['complete', 'complete', 'complete'])
  })

  it('remembers a handler that succeeded although its signal has fired', async () => {
    const { store, middleware } = make()
    const context = makeContext()
    await middleware.process(context, async () => context.abort())
    expect(store.calls).toEqual(['claim', 'complete'])
  })

  it('holds a copy of what is being handled elsewhere, without an attempt', async () => {
    const { store, middleware } = make()
    store.claim({ key: 'orders:m1', owner: 'other', leaseMs: 700 })
    const handler = counting()
    expect(await middleware.process(makeContext(), handler.run)).toMatchObject({ action: 'retry', delayMs: 700, counts: false })
    store.claim({ key: 'orders:m1', owner: 'other', leaseMs: 60_000 })
    expect(await middleware.process(makeContext(), handler.run)).toMatchObject({ action: 'retry', delayMs: 1000, counts: false })
    expect(handler.starts).toBe(0)
    store.nowMs = 60_000
    await middleware.process(makeContext(), handler.run)
    expect(handler.starts).toBe(1)
  })

  it('holds a copy in the same process, too', async () => {
    const { middleware } = make()
    let finish = (): void => {}
    const first = middleware.process(
      makeContext(),
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        }),
    )
    await vi.waitFor(async () => expect(await middleware.process(makeContext(), () => expect.unreachable())).toMatchObject({ action: 'retry', counts: false }))
    finish()
    await first
    expect(await middleware.process(makeContext(), () => expect.unreachable())).toBeUndefined()
  })

  it('sends the stored reply again, if one is asked for', async () => {
    const { middleware } = make()
    const reply = { price: 5, at: new Date(0) }
    expect(await middleware.process(makeContext({ replyTo: 'here' }), () => reply)).toBe(reply)
    expect(await middleware.process(makeContext({ replyTo: 'here' }), () => expect.unreachable())).toEqual({ price: 5, at: '1970-01-01T00:00:00.000Z' })
  })

  it('does not store what a handler returns where no reply is asked for', async () => {
    const { store, middleware } = make()
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    expect(await middleware.process(makeContext(), () => circular)).toBe(circular)
    expect(await middleware.process(makeContext(), () => expect.unreachable())).toBeUndefined()
    expect(store.calls).toEqual(['claim', 'complete', 'claim'])
  })

  it.each([
    ['a BigInt', 5n],
    ['a function', () => 5],
    ['a map', new Map([['price', 5]])],
    ['not a number', { price: Number.NaN }],
    ['nothing of itself', { toJSON: () => undefined }],
  ])('remembers a message whose reply JSON cannot carry, without it: %s', async (_, reply) => {
    const { middleware } = make()
    expect(await middleware.process(makeContext({ replyTo: 'here' }), () => reply)).toBe(reply)
    expect(await middleware.process(makeContext({ replyTo: 'here' }), () => expect.unreachable())).toBeUndefined()
  })

  it('takes no directive for a reply', async () => {
    const { middleware } = make()
    const context = makeContext({ replyTo: 'here' })
    await middleware.process(context, () => {
      context.settled = 'ack'
      return deadLetter('late')
    })
    expect(await middleware.process(makeContext({ replyTo: 'here' }), () => expect.unreachable())).toBeUndefined()
  })

  it('gives up a different body under a handled key', async () => {
    const { store, middleware } = make()
    await middleware.process(makeContext({ body: '{"total":1}' }), () => {})
    const outcome = await middleware.process(makeContext({ body: '{"total":2}' }), () => expect.unreachable())
    expect(outcome).toMatchObject({
      action: 'dead-letter',
      reason: 'different body under a handled key',
      error: { code: 'ERR_CONFLICT', destination: 'orders' },
    })
    // The text and its bytes are the same body.
    expect(await middleware.process(makeContext({ body: new TextEncoder().encode('{"total":1}') }), () => expect.unreachable())).toBeUndefined()
    expect(store.calls.filter((call) => call === 'release')).toEqual([])
  })

  it('takes a different body for a copy if told so', async () => {
    const { middleware } = make({ onMismatch: 'ignore' })
    await middleware.process(makeContext({ body: '1' }), () => {})
    expect(await middleware.process(makeContext({ body: '2' }), () => expect.unreachable())).toBeUndefined()
  })

  it.each([
    [{ id: undefined }, undefined],
    [{ id: '' }, undefined],
    [{ id: 'm1' }, () => ''],
  ] as [ContextOptions, (() => string) | undefined][])('gives up a message without an identity (case %#)', async (given, key) => {
    const { store, middleware } = make(key === undefined ? {} : { key })
    const outcome = (await middleware.process(makeContext(given), () => expect.unreachable())) as Directive
    expect(outcome).toMatchObject({ action: 'dead-letter', reason: 'no id to tell copies by' })
    expect(isBrokerError(outcome.error) && outcome.error.message).toContain('give the middleware a key')
    expect(store.calls).toEqual([])
  })

  it.each([
    ['a promise', async () => 'm1'],
    ['a promise', () => Promise.reject(new Error('no key'))],
    ['number', () => 5],
    ['undefined', () => undefined],
    ['null', () => null],
  ])('fails an attempt whose key is %s, and claims nothing', async (kind, key) => {
    const { store, middleware } = make({ key: key as never })
    const run = async (): Promise<unknown> => middleware.process(makeContext(), () => expect.unreachable())
    await expect(run()).rejects.toMatchObject({ code: 'ERR_INVALID', message: `idempotency: key must return a text, not ${kind}`, destination: 'orders' })
    expect(store.calls).toEqual([])
  })

  it('tells messages apart by key, and sources and scopes by prefix', async () => {
    const { store, middleware } = make({ key: (message) => `by ${message.id}` })
    await middleware.process(makeContext({ source: 'a' }), () => {})
    await middleware.process(makeContext({ source: 'b' }), () => {})
    await idempotency({ store, scope: 'shared' }).process(makeContext(), () => {})
    expect([...store.kept.keys()]).toEqual(['a:by m1', 'b:by m1', 'shared:m1'])
  })

  it('claims for the lease of the broker where that is shorter', async () => {
    const { store, middleware } = make({ leaseMs: 40_000 })
    const until = (): number[] => [...store.kept.values()].map((kept) => kept.until)
    const never = (): Promise<never> => new Promise(() => {})
    void middleware.process(makeContext({ id: 'a', lease: { kind: 'message', ms: 25_000, maxMs: 1e9 } }), never)
    void middleware.process(makeContext({ id: 'b', lease: { kind: 'message', ms: 60_000, maxMs: 1e9 } }), never)
    void middleware.process(makeContext({ id: 'c', lease: { kind: 'scope', maxHoldMs: 1000 } }), never)
    await vi.waitFor(() => expect(until()).toEqual([25_000, 40_000, 40_000]))
  })

  it('renews what still runs, in one call, and nothing else', async () => {
    const { store, middleware } = make({ leaseMs: 30_000 })
    const contexts = ['a', 'b', 'c'].map((id) => makeContext({ id }))
    const finish: (() => void)[] = []
    const runs = contexts.map(async (context) => middleware.process(context, () => new Promise<void>((resolve) => finish.push(resolve))))
    await vi.waitFor(() => expect(finish.length).toBe(3))
    finish[2]?.()
    await runs[2]
    store.nowMs = 29_000
    store.calls.length = 0
    await middleware.renew?.([...contexts, makeContext({ id: 'foreign' })], 10_000)
    expect(store.calls).toEqual(['renew'])
    expect(['a', 'b'].map((id) => store.kept.get(`orders:${id}`)?.until)).toEqual([59_000, 59_000])
    finish[0]?.()
    finish[1]?.()
    await Promise.all(runs)
    store.calls.length = 0
    await middleware.renew?.(contexts, 10_000)
    expect(store.calls).toEqual([])
  })

  it('claims anew to remember a message whose claim expired while it was handled', async () => {
    const { store, middleware, failures } = make()
    await middleware.process(makeContext(), () => void (store.nowMs = 31_000))
    expect(store.scan('orders:').claims).toMatchObject([{ key: 'orders:m1', state: 'done' }])
    expect(failures).toEqual([])
  })

  it('reports a claim that another process has taken meanwhile, and lets the outcome stand', async () => {
    const { store, middleware, failures } = make()
    const value = await middleware.process(makeContext(), () => {
      store.nowMs = 31_000
      store.claim({ key: 'orders:m1', owner: 'other', leaseMs: 30_000 })
      return 'handled'
    })
    expect(value).toBe('handled')
    expect(failures).toMatchObject([{ operation: 'complete', key: 'orders:m1', error: { code: 'ERR_TOO_LATE' } }])
    expect(store.scan('orders:').claims).toMatchObject([{ owner: 'other', state: 'busy' }])
  })

  it('has a new owner for every start', async () => {
    const { store, middleware } = make()
    const owners: string[] = []
    for (let start = 0; start < 3; start++) {
      await middleware.process(makeContext(), () => {
        owners.push(store.kept.get('orders:m1')?.owner ?? '')
        return retryLater(0)
      })
    }
    expect(new Set(owners).size).toBe(3)
  })
})

describe('owners of different processes', () => {
  it('differ, since each has its own random source', () => {
    const owners = [0.1, 0.2].map((fraction) => {
      const { store, middleware } = setup()
      let owner = ''
      void middleware.process(makeContext({ random: () => fraction }), () => void (owner = store.kept.get('orders:m1')?.owner ?? ''))
      return owner
    })
    expect(owners[0]).not.toBe(owners[1])
  })
})

describe('a synchronous store', () => {
  it('costs no promise', () => {
    const { middleware } = setup()
    expect(middleware.process(makeContext(), () => 'value')).toBe('value')
    expect(middleware.process(makeContext(), () => 'value')).toBeUndefined()
    expect(() =>
      middleware.process(makeContext({ id: 'm2' }), () => {
        throw failure
      }),
    ).toThrow(failure)
  })
})

describe('misuse', () => {
  const store = new FakeStore()
  it.each([
    [{ store, ttlMs: 10 }, 'idempotency: ttlMs must be a number from 1000 to 3,153,600,000,000, not 10'],
    [{ store, leaseMs: 1000 }, 'idempotency: leaseMs must be a number from 20000 to 3,153,600,000,000, not 1000'],
    [{ store, ttlMs: Number.MAX_SAFE_INTEGER }, 'idempotency: ttlMs must be a number from 1000 to 3,153,600,000,000, not 9007199254740991'],
    [{ store, leaseMs: 1e300 }, 'idempotency: leaseMs must be a number from 20000 to 3,153,600,000,000, not 1e+300'],
    [{ store, onMismatch: 'drop' as 'ignore' }, "idempotency: onMismatch must be 'dead-letter' or 'ignore', not 'drop'"],
    [{ store, whileUnavailable: 'hope' as 'wait' }, "idempotency: whileUnavailable must be 'wait', 'fail' or 'go-on', not 'hope'"],
    [{ store, whileUnavailable: 'go-on' as const }, "idempotency: whileUnavailable 'go-on' needs onStoreFailure"],
    [{ store, tllMs: 5000 } as IdempotencyOptions, "idempotency: unknown option 'tllMs'; did you mean 'ttlMs'?"],
    [{ store: {} as FencedStore }, 'idempotency: store must be a FencedStore; it has no function claim'],
    [{ store, timeoutMs: 99 }, 'idempotency: timeoutMs must be a number ≥ 100, not 99'],
    [{ store, timeoutMs: Infinity }, 'idempotency: timeoutMs must be a number ≥ 100, not Infinity'],
    [{ store, key: 'orderId' as never }, 'idempotency: key must be a function, not string'],
    [{ store, scope: 5 as never }, 'idempotency: scope must be a text, not number'],
    [{ store, onStoreFailure: true as never }, 'idempotency: onStoreFailure must be a function, not boolean'],
    [{} as IdempotencyOptions, 'idempotency: store must be a FencedStore; it has no function claim'],
  ])('case %# is refused', (options, message) => {
    expect(() => idempotency(options)).toThrow(message)
  })
})
