import type { Directive, ProcessSettlement } from '@busbar/core'
import { describe, expect, it, vi } from 'vitest'
import { makeContext, type ContextOptions, type TestContext } from '../test-support/context.ts'
import { FakeBodyStore } from '../test-support/fake-body-store.ts'
import { contextOf, processed } from '../test-support/received.ts'
import { sentThrough, type Outgoing, type SendOptions } from '../test-support/send-context.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import type { BodyStore } from './body-store.ts'
import { claimCheck } from './claim-check.ts'
import { claimFetch, type BodyStoreFailure, type ClaimFetchOptions } from './claim-fetch.ts'

const body = 'x'.repeat(1_000)

async function checkedIn(store: BodyStore, options: SendOptions = {}): Promise<Outgoing> {
  return sentThrough([claimCheck({ store, minBytes: 1 })], { body, ...options })
}

async function refusal(context: TestContext, store: BodyStore, options: Partial<ClaimFetchOptions> = {}): Promise<string> {
  const { incoming } = context
  const outcome = (await processed(claimFetch({ store, ...options }), context)) as Directive
  expect(outcome).toMatchObject({ action: 'dead-letter', reason: 'the body cannot be fetched' })
  expect(context.incoming).toBe(incoming)
  const { code, message } = outcome.error as Error & { code: string }
  return `${code} ${message.replace('the body cannot be fetched: ', '')}`
}

describe('claimFetch', () => {
  it('fetches the body and takes the header away', async () => {
    const store = new FakeBodyStore()
    const context = contextOf(await checkedIn(store, { headers: { tenant: 'acme' } }))
    expect(await processed(claimFetch({ store }), context)).toBe('handled')
    expect(Buffer.from(context.incoming.body as Uint8Array).toString()).toBe(body)
    expect(context.incoming.bodyBytes).toBe(1_000)
    expect({ ...context.incoming.headers }).toEqual({ tenant: 'acme' })
  })

  it('passes on what has its body, without a promise of its own', () => {
    expect(claimFetch({ store: new FakeBodyStore() }).process(makeContext(), () => 'handled')).toBe('handled')
  })

  it('gives up references that nobody could have written, without asking the store', async () => {
    const store = new FakeBodyStore()
    for (const header of ['', '{}', '{"v":1,"k":"../../etc/passwd","s":1,"d":""}', 'x'.repeat(1_000_000)])
      expect(await refusal(makeContext({ headers: { 'busbar-claim': header } }), store)).toBe('ERR_UNDECODABLE the reference is not one of claimCheck')
    expect(await refusal(contextOf(await checkedIn(store)), store, { maxBytes: 999 })).toBe('ERR_UNDECODABLE it has 1000 bytes, and maxBytes is 999')
    expect(store.calls).toEqual(['put'])
  })

  it('gives up a body that is not there', async () => {
    const store = new FakeBodyStore()
    const sent = await checkedIn(store)
    store.bodies.clear()
    expect(await refusal(contextOf(sent), store)).toBe('ERR_NOT_FOUND it is not in the store')
  })

  it.each([
    ['is shorter', (stored: Uint8Array) => stored.subarray(1)],
    ['is longer', (stored: Uint8Array) => Buffer.concat([stored, Buffer.from('x')])],
    ['was changed', () => Buffer.from('y'.repeat(1_000))],
    ['is empty', () => Buffer.alloc(0)],
  ])('gives up a body that %s', async (_what, change) => {
    const store = new FakeBodyStore()
    const sent = await checkedIn(store)
    for (const [key, stored] of store.bodies) store.bodies.set(key, change(stored))
    expect(await refusal(contextOf(sent), store)).toBe('ERR_UNDECODABLE what is in the store is not what was sent')
  })

  it.each([
    ['throws', () => expect.unreachable()],
    ['rejects', () => Promise.reject(new Error('store down'))],
    ['gives text', () => Promise.resolve(body as never)],
    ['gives null', () => null as never],
  ] as const)('waits ever longer, without an attempt, while the store %s', async (_what, get) => {
    const [real, clock] = [new FakeBodyStore(), new ManualClock()]
    const failures: BodyStoreFailure[] = []
    const store: BodyStore = { put: () => {}, get, delete: () => {} }
    const middleware = claimFetch({ store, onStoreFailure: (failure) => failures.push(failure) })
    const first = contextOf(await checkedIn(real), { clock, random: () => 1 })
    const waits: number[] = []
    for (let n = 0; n < 8; n++) {
      // Core makes a context per start; what came is the same object.
      const context = Object.assign(contextOf(await checkedIn(real), { clock, random: () => 1 }), { incoming: first.incoming })
      const outcome = (await processed(middleware, context)) as Directive
      expect(outcome).toMatchObject({ action: 'retry', counts: false, error: { code: 'ERR_UNAVAILABLE' } })
      waits.push(outcome.delayMs)
      await clock.advance(outcome.delayMs)
    }
    expect(waits).toEqual([500, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000])
    expect(failures).toHaveLength(8)
    expect(failures[0]).toMatchObject({ operation: 'get', key: expect.stringMatching(/^\d{4}\//) as string })
  })

  it('does not wait longer than timeoutMs for a store that hangs', async () => {
    const [store, clock] = [new FakeBodyStore(), new ManualClock()]
    const sent = await checkedIn(store)
    store.fault = () => new Promise(() => {})
    const outcome = processed(claimFetch({ store, timeoutMs: 700 }), contextOf(sent, { clock }))
    await clock.advance(700)
    expect(await outcome).toMatchObject({ action: 'retry', counts: false })
    expect(clock.timers).toBe(0)
  })

  it('ends when the lease is lost, and lets core decide', async () => {
    const store = new FakeBodyStore()
    const context = contextOf(await checkedIn(store))
    const failures: BodyStoreFailure[] = []
    store.fault = () => new Promise(() => {})
    const outcome = processed(claimFetch({ store, onStoreFailure: (failure) => failures.push(failure) }), context)
    context.abort(new Error('lease lost'))
    expect(await outcome).toMatchObject({ action: 'retry', counts: false })
    expect(failures).toEqual([])
  })

  it('throws what the rest of the chain throws', async () => {
    const store = new FakeBodyStore()
    const failure = new Error('handler failed')
    const context = contextOf(await checkedIn(store))
    await expect((async () => claimFetch({ store }).process(context, () => Promise.reject(failure)))()).rejects.toBe(failure)
  })

  it.each([{ maxBytes: 0 }, { timeoutMs: 0 }])('refuses %j', (options) => {
    expect(() => claimFetch({ store: new FakeBodyStore(), ...options })).toThrow(RangeError)
  })

  it('names what is missing or unknown', () => {
    expect(() => claimFetch({ store: {} as BodyStore })).toThrow('claimFetch: store must be a BodyStore; it has no function put')
    expect(() => claimFetch({ store: new FakeBodyStore(), deleteAfterAcks: true } as never)).toThrow("did you mean 'deleteAfterAck'?")
    expect(() => claimFetch({ store: new FakeBodyStore(), deleteAfterAck: 'yes' as never })).toThrow('must be true or false')
    expect(() => claimFetch({ store: new FakeBodyStore(), onStoreFailure: console as never })).toThrow(
      'claimFetch: onStoreFailure must be a function, not object',
    )
  })
})

describe('a stored body', () => {
  const acked: ProcessSettlement = { action: 'ack', result: 'durable' }

  async function afterwards(
    settlement: ProcessSettlement,
    options: Partial<ClaimFetchOptions> = {},
    sent: SendOptions = {},
    given: ContextOptions = {},
  ): Promise<'deleted' | 'kept'> {
    const store = new FakeBodyStore()
    const middleware = claimFetch({ store, ...options })
    const context = contextOf(await checkedIn(store, sent), given)
    await processed(middleware, context)
    middleware.settled?.(context, settlement)
    await Promise.resolve()
    return store.bodies.size === 0 ? 'deleted' : 'kept'
  }

  it.each(['durable', 'accepted'] as const)('is deleted when its message is acked (%s)', async (result) => {
    expect(await afterwards({ action: 'ack', result })).toBe('deleted')
  })

  it.each([
    { action: 'ack', result: 'too-late' },
    { action: 'ack', result: 'error' },
    { action: 'ack', result: 'unsupported' },
    { action: 'retry', result: 'durable' },
    { action: 'release', result: 'durable' },
    { action: 'dead-letter', result: 'durable' },
  ] as ProcessSettlement[])('is kept after %j', async (settlement) => {
    expect(await afterwards(settlement)).toBe('kept')
    expect(await afterwards(settlement, { deleteAfterAck: true })).toBe('kept')
  })

  it('is kept where others may need it, unless told otherwise', async () => {
    for (const kind of ['topic', 'stream'] as const) {
      expect(await afterwards(acked, {}, { kind }, { kind })).toBe('kept')
      expect(await afterwards(acked, {}, { kind }, { kind: 'queue' })).toBe('kept')
      expect(await afterwards(acked, {}, {}, { kind })).toBe('kept')
      expect(await afterwards(acked, { deleteAfterAck: true }, { kind }, { kind })).toBe('deleted')
    }
    expect(await afterwards(acked, { deleteAfterAck: false })).toBe('kept')
  })

  it('is not deleted by a message that only claims to own it', async () => {
    const store = new FakeBodyStore()
    const middleware = claimFetch({ store })
    const sent = await checkedIn(store)
    const forged = { ...sent, headers: { 'busbar-claim': (sent.headers['busbar-claim'] ?? '').replace(/"d":"./, '"d":"_') } }
    const context = contextOf(forged)
    await processed(middleware, context)
    middleware.settled?.(context, acked)
    middleware.settled?.(makeContext(), acked)
    await Promise.resolve()
    expect(store.bodies.size).toBe(1)
  })

  it('is not missed by a message that comes again because its ack was lost', async () => {
    const store = new FakeBodyStore()
    const middleware = claimFetch({ store })
    const sent = await checkedIn(store)
    const context = contextOf(sent)
    await processed(middleware, context)
    middleware.settled?.(context, { action: 'ack', result: 'accepted' })
    expect(middleware.process(contextOf(sent), () => expect.unreachable())).toBeUndefined()
    expect(await processed(middleware, contextOf(sent, { replyTo: 'replies' }))).toMatchObject({ action: 'dead-letter', error: { code: 'ERR_NOT_FOUND' } })
  })

  it('stays when it cannot be deleted, and somebody is told', async () => {
    const [store, clock] = [new FakeBodyStore(), new ManualClock()]
    const failures: unknown[] = []
    const middleware = claimFetch({ store, timeoutMs: 500, onStoreFailure: ({ operation, error }) => failures.push([operation, (error as Error).message]) })
    const contexts: TestContext[] = []
    for (let n = 0; n < 1_001; n++) {
      const context = contextOf(await checkedIn(store), { clock })
      await processed(middleware, context)
      contexts.push(context)
    }
    store.fault = () => new Promise(() => {})
    for (const context of contexts) middleware.settled?.(context, acked)
    await vi.waitFor(() => expect(failures).toEqual([['delete', 'claimFetch: 1000 deletions are under way already']]))
    await clock.advance(500)
    await vi.waitFor(() => expect(failures).toHaveLength(1_001))
    expect(failures[1]).toEqual(['delete', 'the body store gave no answer within 500 ms'])
    store.fault = undefined
    const context = contextOf(await checkedIn(store), { clock })
    await processed(middleware, context)
    middleware.settled?.(context, acked)
    await vi.waitFor(() => expect(store.bodies.size).toBe(1_001))
  })
})
