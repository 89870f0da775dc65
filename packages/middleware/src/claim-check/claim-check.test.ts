import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { FakeBodyStore } from '../test-support/fake-body-store.ts'
import { makeSendContext, sentThrough } from '../test-support/send-context.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import type { BodyStore } from './body-store.ts'
import { claimCheck } from './claim-check.ts'
import { claimBody, unpackReference } from './reference.ts'

const body = JSON.stringify({ text: 'ä'.repeat(70_000) })

describe('claimCheck', () => {
  it('puts a large body into the store and sends a reference in its place', async () => {
    const store = new FakeBodyStore()
    for (const form of [body, Buffer.from(body)]) {
      const sent = await sentThrough([claimCheck({ store })], { body: form, headers: { tenant: 'acme' }, clock: new ManualClock() })
      expect(sent).toMatchObject({ body: claimBody, bodyBytes: claimBody.length, contentType: 'application/json', headers: { tenant: 'acme' } })
      const reference = unpackReference(sent.headers['busbar-claim'] ?? '')
      expect(reference).toMatchObject({ size: Buffer.byteLength(body), digest: createHash('sha256').update(body).digest('base64url'), single: true })
      expect(reference?.key).toMatch(/^2026\/01\/01\/[0-9a-f]{32}$/)
      expect(Buffer.from(store.bodies.get(reference?.key ?? '') ?? []).toString()).toBe(body)
    }
    expect(store.bodies.size).toBe(2)
  })

  it('leaves alone what is small, without a promise of its own', async () => {
    const store = new FakeBodyStore()
    const receipt = Promise.resolve({ id: 'm1' })
    expect(claimCheck({ store }).send(makeSendContext({ body: 'x'.repeat(131_071) }), () => receipt)).toBe(receipt)
    expect(store.calls).toEqual([])
    await sentThrough([claimCheck({ store })], { body: 'x'.repeat(131_072) })
    await sentThrough([claimCheck({ store, minBytes: 10 })], { body: 'x'.repeat(10) })
    expect(store.calls).toEqual(['put', 'put'])
  })

  it('stores earlier what the backend would not take', async () => {
    const store = new FakeBodyStore()
    const middleware = claimCheck({ store, minBytes: 10_000_000 })
    await sentThrough([middleware], { body: 'x'.repeat(262_144 - 16_384), maxMessageBytes: 262_144 })
    expect(store.calls).toEqual([])
    await sentThrough([middleware], { body: 'x'.repeat(262_144 - 16_383), maxMessageBytes: 262_144 })
    expect(store.calls).toEqual(['put'])
  })

  it.each(['topic', 'stream'] as const)('tells that others need the body, too, where it goes to a %s', async (kind) => {
    const sent = await sentThrough([claimCheck({ store: new FakeBodyStore() })], { body, kind })
    expect(unpackReference(sent.headers['busbar-claim'] ?? '')?.single).toBe(false)
  })

  it('uses no key twice', async () => {
    const store = new FakeBodyStore()
    await Promise.all(Array.from({ length: 100 }, () => sentThrough([claimCheck({ store, minBytes: 1 })], { id: 'same', body: 'same' })))
    expect(store.bodies.size).toBe(100)
  })

  it.each([
    ['throws', () => expect.unreachable()],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ] as const)('sends nothing when the store %s, and says so', async (_what, put) => {
    const store: BodyStore = { put, get: () => undefined, delete: () => {} }
    const sending = claimCheck({ store }).send(makeSendContext({ body }), () => expect.unreachable())
    await expect(sending).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      retryable: true,
      messageId: 'm1',
      destination: 'orders',
      message: 'claimCheck: the store has not taken the body, and nothing was sent to orders',
    })
  })

  it('sends nothing when the store hangs', async () => {
    const [store, clock] = [new FakeBodyStore(), new ManualClock()]
    let given: AbortSignal | undefined
    store.fault = (_operation, signal) => {
      given = signal
      return new Promise(() => {})
    }
    const sending = claimCheck({ store, timeoutMs: 500 }).send(makeSendContext({ body, clock }), () => expect.unreachable())
    await vi.waitFor(() => expect(given).toBeDefined())
    await clock.advance(500)
    await expect(sending).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', cause: { code: 'ERR_TIMEOUT' } })
    expect(given?.aborted).toBe(true)
  })

  it('ends when the send is aborted', async () => {
    const store = new FakeBodyStore()
    const controller = new AbortController()
    store.fault = () => new Promise(() => {})
    const sending = claimCheck({ store }).send(makeSendContext({ body, signal: controller.signal }), () => expect.unreachable())
    controller.abort()
    await expect(sending).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('leaves the body in the store when the send fails: it may have been sent all the same', async () => {
    const store = new FakeBodyStore()
    const failure = new Error('no answer')
    await expect(claimCheck({ store }).send(makeSendContext({ body }), () => Promise.reject(failure))).rejects.toBe(failure)
    expect(store.bodies.size).toBe(1)
  })

  it('does not take its own placeholder for a body', async () => {
    const store = new FakeBodyStore()
    await sentThrough([claimCheck({ store, minBytes: 1 }), claimCheck({ store, minBytes: 1 })], { body })
    expect(store.calls).toEqual(['put'])
  })

  it('refuses a body above maxBytes', async () => {
    const store = new FakeBodyStore()
    await expect(sentThrough([claimCheck({ store, maxBytes: 1_000, minBytes: 10 })], { body })).rejects.toMatchObject({ code: 'ERR_TOO_LARGE' })
    expect(store.calls).toEqual([])
  })

  it.each([{ minBytes: 0 }, { minBytes: 1.5 }, { maxBytes: 0 }, { timeoutMs: 0 }])('refuses %j', (options) => {
    expect(() => claimCheck({ store: new FakeBodyStore(), ...options })).toThrow(RangeError)
  })

  it('names what is missing or unknown', () => {
    expect(() => claimCheck({ store: {} as BodyStore })).toThrow('claimCheck: store must be a BodyStore; it has no function put')
    expect(() => claimCheck({ store: new FakeBodyStore(), minByte: 1 } as never)).toThrow("did you mean 'minBytes'?")
  })
})

describe('unpackReference', () => {
  const good = { v: 1, k: '2026/01/31/00112233445566778899aabbccddeeff', s: 5, d: 'a'.repeat(43) }

  it('reads the vector of the documentation', () => {
    expect(unpackReference('{"v":1,"k":"2026/01/31/00112233445566778899aabbccddeeff","s":21,"d":"112tDHaKvNK4Q0ZI5jVUcqsSwGaXp-C51t4ePOexyjA","q":1}')).toEqual(
      { key: good.k, size: 21, digest: '112tDHaKvNK4Q0ZI5jVUcqsSwGaXp-C51t4ePOexyjA', single: true },
    )
  })

  it.each([
    { v: 2 },
    { k: '../../etc/passwd' },
    { k: '2026/01/31/../../../../etc/passwd' },
    { k: `2026/01/31/${'A'.repeat(32)}` },
    { k: `2026/01/31/${'a'.repeat(32)}\n` },
    { k: `/2026/01/31/${'a'.repeat(32)}` },
    { k: 5 },
    { s: -1 },
    { s: 1.5 },
    { s: '5' },
    { s: 2 ** 60 },
    { d: 'a'.repeat(44) },
    { d: undefined },
  ])('refuses %j', (change) => {
    expect(unpackReference(JSON.stringify({ ...good, ...change }))).toBeUndefined()
  })

  it.each(['', '[]', 'null', '{', JSON.stringify({ ...good, x: 'x'.repeat(1_000) })])('refuses %s', (text) => {
    expect(unpackReference(text)).toBeUndefined()
  })
})
