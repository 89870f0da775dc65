import type { FencedStore } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { makeContext } from '../test-support/context.ts'
import { FakeStore, later } from '../test-support/fake-store.ts'
import { ManualClock, settled } from '../test-support/manual-clock.ts'
import { makeSendContext } from '../test-support/send-context.ts'
import { idempotency, type IdempotencyMiddleware, type IdempotencyOptions, type StoreFailure } from './idempotency.ts'
import { sendOnce, type SendOnceMiddleware, type SendOnceOptions } from './send-once.ts'

type Operation = keyof FencedStore

interface Setup {
  readonly sound: FakeStore
  readonly clock: ManualClock
  readonly failures: StoreFailure[]
  readonly receiving: (options?: Partial<IdempotencyOptions>) => IdempotencyMiddleware
  readonly sending: (options?: Partial<SendOnceOptions>) => SendOnceMiddleware
}

/** A sound store, but for the answers to `operation`; `ask` asks the sound one. */
function setup(operation: Operation, answer: (call: number, ask: () => unknown) => unknown, wrap: (sound: FakeStore) => FencedStore = (sound) => sound): Setup {
  const [sound, clock] = [new FakeStore(), new ManualClock()]
  const failures: StoreFailure[] = []
  let calls = 0
  const inner = wrap(sound)
  const store: FencedStore = {
    claim: (request) => inner.claim(request),
    renew: (claims, leaseMs) => inner.renew(claims, leaseMs),
    complete: (claim, value, ttlMs) => inner.complete(claim, value, ttlMs),
    release: (claim) => inner.release(claim),
    scan: (prefix, options) => inner.scan(prefix, options),
    [operation]: (...given: never[]) => answer(++calls, () => (inner[operation] as (...given: never[]) => unknown).apply(inner, given)),
  }
  const onStoreFailure = (failure: StoreFailure): void => void failures.push(failure)
  return {
    sound,
    clock,
    failures,
    receiving: (options) => idempotency({ store, onStoreFailure, ...options }),
    sending: (options) => sendOnce({ store, onStoreFailure, ...options }),
  }
}

const noClaims: readonly (readonly [string, unknown])[] = [
  ['nothing', undefined],
  ['null', null],
  ['a text', 'claimed'],
  ['an unknown state', { state: 'nonsense' }],
  ['a claim without a fence', { state: 'claimed' }],
  ['a fence that is no whole number', { state: 'claimed', fence: 1.5 }],
  ['a fence that is a text', { state: 'claimed', fence: '1' }],
  ['busy without a time', { state: 'busy' }],
  ['busy for ever', { state: 'busy', expiresInMs: Infinity }],
  ['busy for no number', { state: 'busy', expiresInMs: Number.NaN }],
  ['done without a record', { state: 'done' }],
  ['done with a number', { state: 'done', value: 5 }],
  ['done with a foreign text', { state: 'done', value: 'foreign' }],
  ['done with a reply that cannot be read', { state: 'done', value: '1||{' }],
]

describe.each([
  ['at once', (answer: unknown): unknown => answer],
  ['later', (answer: unknown): unknown => Promise.resolve(answer)],
] as const)('a store that answers nonsense %s', (_when, give) => {
  const impossible = { code: 'ERR_UNAVAILABLE', retryable: true, message: expect.stringContaining('no store may answer') as unknown }

  it.each(noClaims)('to a claim (%s) has not handled the message: it waits', async (_what, answer) => {
    const { receiving, failures } = setup('claim', () => give(answer))
    const outcome = await receiving().process(makeContext(), () => expect.unreachable())
    expect(outcome).toMatchObject({ action: 'retry', counts: false, error: impossible })
    expect(failures).toMatchObject([{ operation: 'claim', key: 'orders:m1', error: impossible }])
  })

  it.each(noClaims)('to the claim of a send (%s) has not sent it: the send rejects', async (_what, answer) => {
    const { sending, failures } = setup('claim', () => give(answer))
    await expect(sending().send(makeSendContext(), () => expect.unreachable())).rejects.toMatchObject(impossible)
    expect(failures).toMatchObject([{ operation: 'claim', key: 'send:orders:m1' }])
  })

  it('fails the attempt, or goes on, where it shall', async () => {
    const { receiving, sending, failures } = setup('claim', () => give({ state: 'nonsense' }))
    await expect((async () => receiving({ whileUnavailable: 'fail' }).process(makeContext(), () => expect.unreachable()))()).rejects.toMatchObject(impossible)
    failures.length = 0
    const unprotected = receiving({ whileUnavailable: 'go-on' })
    expect(await unprotected.process(makeContext(), () => 'handled')).toBe('handled')
    expect(unprotected.unprotected).toBe(1)
    const sender = sending({ whileUnavailable: 'go-on' })
    expect(await sender.send(makeSendContext(), async () => ({ id: 'm1' }))).toEqual({ id: 'm1' })
    expect(sender.unprotected).toBe(1)
    expect(failures.map(({ operation }) => operation)).toEqual(['claim', 'claim'])
  })

  it('about one key keeps no other message waiting', async () => {
    const { receiving } = setup('claim', (call, ask) => (call === 1 ? give({ state: 'done', value: 'foreign' }) : ask()))
    const middleware = receiving()
    expect(await middleware.process(makeContext(), () => expect.unreachable())).toMatchObject({ action: 'retry' })
    let starts = 0
    await middleware.process(makeContext({ id: 'm2' }), () => void starts++)
    expect(starts).toBe(1)
  })

  it.each([undefined, null, 'nonsense', {}, 5])('to a completion (%j) is asked again, and the outcome stands', async (answer) => {
    const { receiving, sound, failures, clock } = setup('complete', () => give(answer))
    const run = receiving({ whileUnavailable: 'fail' }).process(makeContext({ clock }), () => 'handled')
    expect(await run).toBe('handled')
    expect(sound.calls).toEqual(['claim', 'claim'])
    expect(failures).toMatchObject([{ operation: 'complete', error: impossible }])
  })

  it('to completions for a while holds the message that long, and is told once', async () => {
    let lies = true
    const { receiving, sound, failures, clock } = setup('complete', (_call, ask) => (lies ? give('nonsense') : ask()))
    const run = Promise.resolve(receiving().process(makeContext({ clock }), () => 'handled'))
    let ended = false
    void run.then(() => (ended = true))
    await clock.advance(5_000)
    expect([ended, failures.length]).toEqual([false, 1])
    expect(failures).toMatchObject([{ operation: 'complete', key: 'orders:m1', error: impossible }])
    lies = false
    await clock.advance(1_000)
    expect(await run).toBe('handled')
    expect(sound.scan('').claims).toMatchObject([{ state: 'done' }])
    expect(failures).toHaveLength(1)
  })

  it('to a completion of a message that its handler has acked changes nothing about what the handler threw', async () => {
    const { receiving, failures } = setup('complete', () => give({}))
    const thrown = new Error('afterwards')
    const context = makeContext()
    const run = async (): Promise<unknown> =>
      receiving({ whileUnavailable: 'fail' }).process(context, () => {
        context.settled = 'ack'
        throw thrown
      })
    await expect(run()).rejects.toBe(thrown)
    expect(failures).toMatchObject([{ operation: 'complete' }])
  })

  it('to a completion, a release or a renewal is told', async () => {
    const failed = new Error('handler failed')
    const release = setup('release', () => give('gone'))
    await expect((async () => release.receiving().process(makeContext(), () => Promise.reject(failed)))()).rejects.toBe(failed)
    await expect(release.sending().send(makeSendContext(), () => Promise.reject(failed))).rejects.toBe(failed)
    expect(release.failures).toMatchObject([
      { operation: 'release', error: impossible },
      { operation: 'release', error: impossible },
    ])
    const complete = setup('complete', () => give('nonsense'))
    expect(await complete.sending().send(makeSendContext(), async () => ({ id: 'm1' }))).toEqual({ id: 'm1' })
    expect(complete.failures).toMatchObject([{ operation: 'complete', error: impossible }])
    for (const answer of [undefined, [], ['nonsense'], ['renewed', 'renewed']]) {
      const { receiving, failures } = setup('renew', () => give(answer))
      const context = makeContext()
      const middleware = receiving()
      void middleware.process(context, () => new Promise(() => {}))
      await middleware.renew?.([context], 10_000)
      expect(failures).toMatchObject([{ operation: 'renew', error: impossible }])
    }
  })
})

describe('a store that does not answer', () => {
  const hangs = (): Promise<never> => new Promise(() => {})
  const timedOut = { code: 'ERR_TIMEOUT', retryable: true, message: 'the store of claims gave no answer within 10000 ms' }

  it('to a claim has failed after ten seconds, and the message waits', async () => {
    const { receiving, failures, clock } = setup('claim', hangs)
    const outcome = Promise.resolve(receiving().process(makeContext({ clock }), () => expect.unreachable()))
    await clock.advance(9_999)
    expect(failures).toEqual([])
    await clock.advance(1)
    expect(await outcome).toMatchObject({ action: 'retry', counts: false, error: timedOut })
    expect(failures).toMatchObject([{ operation: 'claim', error: timedOut }])
    expect(clock.timers).toBe(0)
  })

  it('to a claim is not asked for the next message at once', async () => {
    let calls = 0
    const { receiving, clock } = setup('claim', (call) => {
      calls = call
      return hangs()
    })
    const middleware = receiving({ timeoutMs: 100 })
    const first = Promise.resolve(middleware.process(makeContext({ clock }), () => expect.unreachable()))
    await clock.advance(100)
    await first
    expect(middleware.process(makeContext({ clock, id: 'm2' }), () => expect.unreachable())).toMatchObject({ action: 'retry', counts: false })
    expect(calls).toBe(1)
  })

  it('to the claim of a send lets it reject, unsent, or go on where it shall', async () => {
    const { sending, clock } = setup('claim', hangs)
    const rejected = expect(sending().send(makeSendContext({ clock }), () => expect.unreachable())).rejects.toMatchObject(timedOut)
    await clock.advance(10_000)
    await rejected
    const sent = sending({ whileUnavailable: 'go-on', timeoutMs: 500 }).send(makeSendContext({ clock }), async () => ({ id: 'm1' }))
    await clock.advance(500)
    expect(await sent).toEqual({ id: 'm1' })
  })

  it.each(['receiving', 'sending'] as const)('to a completion or a release holds no message for longer, %s', async (side) => {
    for (const operation of ['complete', 'release'] as const) {
      const made = setup(operation, hangs, later)
      const { clock } = made
      const failed = new Error('failed')
      const next = operation === 'complete' ? async (): Promise<{ id: string }> => ({ id: 'm1' }) : (): Promise<never> => Promise.reject(failed)
      const receive = async (): Promise<unknown> => made.receiving({ timeoutMs: 500, whileUnavailable: 'fail' }).process(makeContext({ clock }), next)
      const run = side === 'receiving' ? receive() : made.sending({ timeoutMs: 500 }).send(makeSendContext({ clock }), next)
      const checked = operation === 'complete' ? expect(run).resolves.toEqual({ id: 'm1' }) : expect(run).rejects.toBe(failed)
      await clock.advance(1_000)
      await checked
      expect(made.failures).toMatchObject([{ operation, error: { code: 'ERR_TIMEOUT' } }])
    }
  })

  it('to renewals lets the next ones be made', async () => {
    const { receiving, failures, clock } = setup('renew', hangs)
    const context = makeContext({ clock })
    const middleware = receiving({ timeoutMs: 500 })
    void middleware.process(context, () => new Promise(() => {}))
    const renewal = middleware.renew?.([context], 10_000)
    await clock.advance(500)
    await renewal
    expect(failures).toMatchObject([{ operation: 'renew', error: { code: 'ERR_TIMEOUT' } }])
  })

  it('in time, once, is asked again under the same owner, and the message is handled once', async () => {
    const sound = new FakeStore()
    const hanging: FencedStore = {
      ...later(sound),
      claim: (request) => (sound.calls.length === 0 ? (sound.claim(request), hangs()) : Promise.resolve(sound.claim(request))),
    }
    const clock = new ManualClock()
    const middleware = idempotency({ store: hanging, timeoutMs: 500 })
    const first = Promise.resolve(middleware.process(makeContext({ clock }), () => expect.unreachable()))
    await clock.advance(1_500)
    expect(await first).toMatchObject({ action: 'retry', counts: false })
    let starts = 0
    await middleware.process(makeContext({ clock }), () => void starts++)
    expect(starts).toBe(1)
    expect(sound.scan('').claims).toMatchObject([{ state: 'done' }])
    await settled()
  })
})
