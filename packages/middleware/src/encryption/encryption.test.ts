import { inspect } from 'node:util'
import type { ProcessMiddleware } from '@busbar/core'
import { describe, expect, it } from 'vitest'
import type { TestContext } from '../test-support/context.ts'
import { contextOf, processed } from '../test-support/received.ts'
import { makeSendContext, sentThrough, type Outgoing, type SendOptions } from '../test-support/send-context.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { decryption } from './decryption.ts'
import { encryption, type EncryptionOptions } from './encryption.ts'
import type { KeyProvider, MasterKey } from './keys.ts'
import { localKeys } from './local-keys.ts'

const keys = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 1), k2: Buffer.alloc(32, 2) } })
const secret = 'the card number is 4111'
const message: SendOptions = { body: secret, type: 'order.placed', key: 'truck-7', headers: { tenant: 'acme', trace: 't1' } }

function keyOf(outgoing: Outgoing): string {
  return (JSON.parse(outgoing.headers['busbar-encryption'] ?? '') as { w: string }).w
}

function nonceOf(outgoing: Outgoing): string {
  return (JSON.parse(outgoing.headers['busbar-encryption'] ?? '') as { n: string }).n
}

async function received(outgoing: Outgoing, middleware: ProcessMiddleware = decryption({ keys })): Promise<TestContext> {
  const context = contextOf(outgoing)
  expect(await processed(middleware, context)).toBe('handled')
  return context
}

describe('encryption and decryption', () => {
  it('carry a message, and take their header away again', async () => {
    for (const body of [secret, Buffer.from(secret), '', Buffer.alloc(100_000, 5)]) {
      const sent = await sentThrough([encryption({ keys, headers: ['tenant'] })], { ...message, body })
      expect(sent.bodyBytes).toBe(Buffer.byteLength(body) + 16)
      expect(sent.bodyBytes).toBe(Buffer.byteLength(sent.body))
      expect(sent).toMatchObject({ id: 'm1', type: 'order.placed', key: 'truck-7', contentType: 'application/json' })
      if (body.length > 0) expect(Buffer.from(sent.body as Uint8Array).includes(Buffer.from(body))).toBe(false)
      const { incoming } = await received(sent)
      expect(Buffer.from(incoming.body as Uint8Array)).toEqual(Buffer.from(body))
      expect(incoming.bodyBytes).toBe(Buffer.byteLength(body))
      expect({ ...incoming.headers }).toEqual({ tenant: 'acme', trace: 't1' })
    }
  })

  it('never encrypt two messages alike', async () => {
    const middleware = encryption({ keys })
    const sent = await Promise.all(Array.from({ length: 1_000 }, () => sentThrough([middleware], message)))
    expect(new Set(sent.map(({ body }) => Buffer.from(body as Uint8Array).toString('hex'))).size).toBe(1_000)
    expect(new Set(sent.map(nonceOf)).size).toBe(1_000)
    expect(new Set(sent.map(keyOf)).size).toBe(1)
  })

  it('are synchronous where the keys are at hand', async () => {
    const receipt = Promise.resolve({ id: 'm1' })
    const context = makeSendContext(message)
    expect(encryption({ keys }).send(context, () => receipt)).toBe(receipt)
    expect(decryption({ keys }).process(contextOf(context.outgoing), () => 'handled')).toBe('handled')
  })

  it.each(['encrypted before', 'sent now'])('read what was %s the rotation', async (when) => {
    const material = { k1: Buffer.alloc(32, 1), k2: Buffer.alloc(32, 2) }
    const sent = await sentThrough([encryption({ keys: localKeys({ current: when === 'sent now' ? 'k2' : 'k1', keys: material }) })], message)
    const { incoming } = await received(sent, decryption({ keys: localKeys({ current: 'k2', keys: material }) }))
    expect(Buffer.from(incoming.body as Uint8Array).toString()).toBe(secret)
  })
})

describe('data keys', () => {
  async function keysUsed(options: Partial<EncryptionOptions>, clock: ManualClock, stepMs: number): Promise<number> {
    const middleware = encryption({ keys, ...options })
    const used = new Set<string>()
    for (let n = 0; n < 10; n++) {
      used.add(keyOf(await sentThrough([middleware], { ...message, clock })))
      await clock.advance(stepMs)
    }
    return used.size
  }

  it('are renewed after so many messages', async () => {
    expect(await keysUsed({ maxMessagesPerKey: 3 }, new ManualClock(), 0)).toBe(4)
    expect(await keysUsed({ maxMessagesPerKey: 1 }, new ManualClock(), 0)).toBe(10)
  })

  it('are renewed after so much time', async () => {
    expect(await keysUsed({ maxKeyAgeMs: 1_000 }, new ManualClock(), 500)).toBe(5)
    expect(await keysUsed({}, new ManualClock(), 60_000)).toBe(2)
  })

  it('are asked for once, however many messages wait for them', async () => {
    let asked = 0
    const slow: KeyProvider = {
      currentKey: async () => {
        asked++
        await Promise.resolve()
        return { id: 'k1', key: Buffer.alloc(32, 1) }
      },
      keyById: async () => Promise.resolve(Buffer.alloc(32, 1)),
    }
    const middleware = encryption({ keys: slow, maxMessagesPerKey: 60 })
    const sent = await Promise.all(Array.from({ length: 100 }, () => sentThrough([middleware], message)))
    expect(asked).toBe(2)
    expect(new Set(sent.map(keyOf)).size).toBe(2)
    await Promise.all(sent.map((outgoing) => received(outgoing, decryption({ keys: slow }))))
  })
})

describe('a send whose key cannot be had', () => {
  async function failure(currentKey: KeyProvider['currentKey'], clock = new ManualClock()): Promise<unknown> {
    const middleware = encryption({ keys: { currentKey, keyById: () => undefined }, timeoutMs: 500 })
    const sending = sentThrough([middleware], { ...message, clock })
    // A provider that answers at all has done so by then.
    setImmediate(() => void clock.advance(500))
    return sending.then(
      () => 'sent',
      (error: unknown) => error,
    )
  }

  it.each([
    ['throws', () => expect.unreachable()],
    ['rejects', () => Promise.reject(new Error('kms down'))],
    ['hangs', () => new Promise<MasterKey>(() => {})],
  ] as const)('fails when the provider %s', async (_what, currentKey) => {
    expect(await failure(currentKey)).toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true, message: expect.stringContaining('was not sent') as string })
  })

  it.each([undefined, null, {}, { id: 5 }, { id: 'k 1', key: Buffer.alloc(32) }, { id: 'k1', key: Buffer.alloc(31) }, { id: 'k1', key: 'secret'.repeat(10) }])(
    'fails when the provider gives %j',
    async (given) => {
      for (const currentKey of [() => given as MasterKey, async () => Promise.resolve(given as MasterKey)]) {
        const error = await failure(currentKey)
        expect(error).toMatchObject({ code: 'ERR_CONFIGURATION' })
        expect(inspect(error)).not.toContain('secretsecret')
      }
    },
  )

  it('asks again for the next message', async () => {
    let asked = 0
    const flaky: KeyProvider = {
      ...keys,
      currentKey: async () => {
        if (asked++ === 0) throw new Error('down')
        return keys.currentKey()
      },
    }
    const middleware = encryption({ keys: flaky })
    await expect(sentThrough([middleware], message)).rejects.toThrow('no key')
    await received(await sentThrough([middleware], message))
  })
})

describe('encryption', () => {
  it('refuses fields that would not arrive as they were authenticated', async () => {
    await expect(sentThrough([encryption({ keys })], { ...message, contentType: 'x'.repeat(257) })).rejects.toMatchObject({ code: 'ERR_INVALID' })
  })

  it('does not encrypt twice, which nobody could undo', async () => {
    await expect(sentThrough([encryption({ keys }), encryption({ keys })], message)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
  })

  it.each([{ maxMessagesPerKey: 0 }, { maxMessagesPerKey: 2 ** 32 }, { maxKeyAgeMs: 0 }, { timeoutMs: Number.NaN }])('refuses %j', (options) => {
    expect(() => encryption({ keys, ...options })).toThrow(RangeError)
  })

  it.each(['a b', '', 'busbar', 'busbar-dead', 'content-encoding', 'x'.repeat(65), 5])('refuses to authenticate the header %j', (name) => {
    expect(() => encryption({ keys, headers: [name as string] })).toThrow(TypeError)
    expect(() => decryption({ keys, headers: [name as string] })).toThrow(TypeError)
  })

  it('names what is missing or unknown', () => {
    expect(() => encryption({ keys: {} as KeyProvider })).toThrow('encryption: keys must be a KeyProvider; it has no function currentKey')
    expect(() => encryption({ keys: undefined as never })).toThrow('encryption: keys must be a KeyProvider')
    expect(() => encryption({ keys, header: [] } as never)).toThrow("did you mean 'headers'?")
    expect(() => encryption({ keys, headers: 'tenant' as never })).toThrow('headers must be an array of names')
    expect(() => encryption({ keys, headers: Array.from({ length: 17 }, (_, index) => `h${index}`) })).toThrow('at most 16')
  })
})
