import { inspect } from 'node:util'
import type { Directive } from '@busbar/core'
import { describe, expect, it } from 'vitest'
import type { ContextOptions } from '../test-support/context.ts'
import { contextOf, processed } from '../test-support/received.ts'
import { sentThrough, type Outgoing, type SendOptions } from '../test-support/send-context.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { decryption, type DecryptionOptions, type KeyFailure } from './decryption.ts'
import { encryption } from './encryption.ts'
import type { KeyProvider } from './keys.ts'
import { localKeys } from './local-keys.ts'

const masterKey = Buffer.alloc(32, 1)
const keys = localKeys({ current: 'k1', keys: { k1: masterKey } })
const secret = 'the card number is 4111'
const message: SendOptions = { body: secret, type: 'order.placed', key: 'truck-7', headers: { tenant: 'acme', trace: 't1' } }
const generic = 'the message cannot be decrypted'

const sealed = async (options: SendOptions = {}): Promise<Outgoing> =>
  sentThrough([encryption({ keys, headers: ['tenant', 'none'] })], { ...message, ...options })

async function refusal(outgoing: Outgoing, options: Partial<DecryptionOptions> = {}, given: ContextOptions = {}): Promise<string> {
  const context = contextOf(outgoing, given)
  const { incoming } = context
  const outcome = (await processed(decryption({ keys, ...options }), context)) as Directive
  expect(outcome).toMatchObject({ action: 'dead-letter', error: { code: 'ERR_UNDECODABLE', retryable: false } })
  expect(context.incoming).toBe(incoming)
  const shown = inspect(outcome, { depth: 9, showHidden: true })
  expect(shown).not.toContain('4111')
  expect(shown).not.toContain('01 01 01')
  expect((outcome.error as Error).cause).toBeUndefined()
  return (outcome.error as Error).message
}

describe('decryption gives up, in the same words, a message', () => {
  const edits: readonly [what: string, (outgoing: Outgoing) => Outgoing][] = [
    ['with a changed body', (sent) => ({ ...sent, body: flipped(sent.body, 0) })],
    ['with a changed tag', (sent) => ({ ...sent, body: flipped(sent.body, sent.bodyBytes - 1) })],
    ['that is cut off', (sent) => ({ ...sent, body: (sent.body as Uint8Array).subarray(1) })],
    ['that is shorter than a tag', (sent) => ({ ...sent, body: Buffer.alloc(15) })],
    ['without a body', (sent) => ({ ...sent, body: '' })],
    ['of text', (sent) => ({ ...sent, body: secret })],
    ['with another id', (sent) => ({ ...sent, id: 'm2' })],
    ['with another type', (sent) => ({ ...sent, type: 'order.cancelled' })],
    ['without its type', (sent) => ({ ...sent, type: undefined })],
    ['with another ordering key', (sent) => ({ ...sent, key: 'truck-8' })],
    ['with another content type', (sent) => ({ ...sent, contentType: 'text/plain' })],
    ['with another value of a header', (sent) => ({ ...sent, headers: { ...sent.headers, tenant: 'evil' } })],
    ['without a header', (sent) => ({ ...sent, headers: { ...sent.headers, tenant: undefined as never } })],
    ['with a header that was absent', (sent) => ({ ...sent, headers: { ...sent.headers, none: 'x' } })],
    ['that claims to be compressed', (sent) => ({ ...sent, headers: { ...sent.headers, 'content-encoding': 'gzip' } })],
    ['with another nonce', (sent) => edited(sent, (header) => ({ ...header, n: 'AAAAAAAAAAAAAAAA' }))],
    ['with fewer authenticated headers', (sent) => edited(sent, (header) => ({ ...header, h: ['tenant'] }))],
    ['with a data key of nobody', (sent) => edited(sent, (header) => ({ ...header, w: 'A'.repeat(54) }))],
    ['with an unknown field', (sent) => edited(sent, (header) => ({ ...header, x: 1 }))],
    ['of a newer version', (sent) => edited(sent, (header) => ({ ...header, v: 2 }))],
    ['of another algorithm', (sent) => edited(sent, (header) => ({ ...header, a: 'none' }))],
    ['with a header that is no JSON', (sent) => ({ ...sent, headers: { ...sent.headers, 'busbar-encryption': 'x' } })],
    ['with a huge header', (sent) => ({ ...sent, headers: { ...sent.headers, 'busbar-encryption': `"${'x'.repeat(1_000_000)}"` } })],
  ]

  it.each(edits)('%s', async (_what, edit) => {
    expect(await refusal(edit(await sealed()))).toBe(generic)
  })

  it('made of two', async () => {
    const [one, two] = await Promise.all([sealed(), sealed()])
    await refusal({ ...one, body: two.body })
    await refusal({ ...one, headers: two.headers })
  })

  it('encrypted with another key of that name', async () => {
    const others = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 9) } })
    expect(await refusal(await sentThrough([encryption({ keys: others })], message))).toBe(generic)
  })
})

describe('decryption', () => {
  it('takes what is not authenticated as it comes', async () => {
    const sent = await sealed()
    const context = contextOf({ ...sent, headers: { ...sent.headers, trace: 't2', 'busbar-dead': '{}' } }, { attempt: 3, timestamp: 5, replyTo: 'r' })
    expect(await processed(decryption({ keys }), context)).toBe('handled')
  })

  it('refuses plain messages unless they are allowed', async () => {
    const plain = { ...(await sealed()), body: secret, headers: {} }
    expect(await refusal(plain)).toBe('the message is not encrypted')
    expect(decryption({ keys, allowPlain: true }).process(contextOf(plain), () => 'handled')).toBe('handled')
    expect(await refusal({ ...plain, headers: { 'busbar-encryption': '' } }, { allowPlain: true })).toBe(generic)
  })

  it('demands that the headers it is told are authenticated', async () => {
    expect(await refusal(await sealed(), { headers: ['trace'] })).toBe(`${generic}: its header trace is not authenticated`)
    expect(await processed(decryption({ keys, headers: ['tenant'] }), contextOf(await sealed()))).toBe('handled')
  })

  it('throws what the rest of the chain throws', async () => {
    const failure = new Error('handler failed')
    const context = contextOf(await sealed())
    await expect((async () => decryption({ keys }).process(context, () => Promise.reject(failure)))()).rejects.toBe(failure)
  })

  it('asks for a master key once per data key', async () => {
    let asked = 0
    const counting: KeyProvider = {
      ...keys,
      keyById: async (id) => {
        asked++
        return keys.keyById(id)
      },
    }
    const middleware = decryption({ keys: counting })
    const sender = encryption({ keys })
    const sent = await Promise.all(Array.from({ length: 20 }, () => sentThrough([sender], message)))
    await Promise.all(sent.map((outgoing) => processed(middleware, contextOf(outgoing))))
    expect(asked).toBe(1)
    const clock = new ManualClock()
    await clock.advance(3_600_000)
    await processed(middleware, contextOf(sent[0]!, { clock }))
    expect(asked).toBe(2)
  })

  it.each([{ unknownKeyMs: -1 }, { unknownKeyMs: Infinity }, { timeoutMs: 0 }])('refuses %j', (options) => {
    expect(() => decryption({ keys, ...options })).toThrow(RangeError)
  })

  it('names what is missing or unknown', () => {
    expect(() => decryption({ keys: {} as KeyProvider })).toThrow('decryption: keys must be a KeyProvider; it has no function currentKey')
    expect(() => decryption({ keys, allowPlian: true } as never)).toThrow("did you mean 'allowPlain'?")
    expect(() => decryption({ keys, allowPlain: 'yes' as never })).toThrow('allowPlain must be true or false')
    expect(() => decryption({ keys, onKeyFailure: console as never })).toThrow('decryption: onKeyFailure must be a function, not object')
  })
})

describe('a message whose key cannot be had', () => {
  it('waits without attempts while the key is unknown, for a bounded time, then is given up', async () => {
    const clock = new ManualClock()
    const failures: KeyFailure[] = []
    const known = new Map<string, Uint8Array>()
    const middleware = decryption({
      keys: { ...keys, keyById: (id) => known.get(id) },
      unknownKeyMs: 10_000,
      onKeyFailure: (failure) => failures.push(failure),
    })
    const sent = await sealed()
    const waits: number[] = []
    let outcome: Directive
    for (;;) {
      outcome = (await processed(middleware, contextOf(sent, { clock, random: () => 0.999 }))) as Directive
      if (outcome.action !== 'retry') break
      expect(outcome).toMatchObject({ counts: false })
      waits.push(outcome.delayMs)
      await clock.advance(outcome.delayMs)
    }
    expect(waits).toEqual([499, 499, 997, 1994, 3987, 4997])
    expect(outcome).toMatchObject({ action: 'dead-letter', reason: 'the key of the message is not known', error: { code: 'ERR_UNDECODABLE' } })
    expect(failures[0]).toMatchObject({ keyId: 'k1', error: { code: 'ERR_NOT_FOUND' } })
    known.set('k1', masterKey)
    expect(await processed(middleware, contextOf(sent, { clock }))).toBe('handled')
    known.clear()
    expect(await processed(middleware, contextOf(await sealed(), { clock }))).toMatchObject({ action: 'retry' })
  })

  it('forgets ids that nobody has asked for in a while', async () => {
    const clock = new ManualClock()
    const middleware = decryption({ keys: { ...keys, keyById: () => undefined }, unknownKeyMs: 60_000 })
    const sent = await sealed()
    await processed(middleware, contextOf(sent, { clock }))
    await clock.advance(60_001)
    expect(await processed(middleware, contextOf(sent, { clock }))).toMatchObject({ action: 'retry' })
  })

  it.each([
    ['throws', () => expect.unreachable()],
    ['rejects', () => Promise.reject(new Error('kms down'))],
    ['gives what is no key', () => Buffer.alloc(5)],
    ['gives a promise of what is no key', async () => Promise.resolve('secret' as never)],
  ] as const)('waits for as long as the provider %s', async (_what, keyById) => {
    const clock = new ManualClock()
    const middleware = decryption({
      keys: { ...keys, keyById },
      unknownKeyMs: 0,
      onKeyFailure: () => {
        throw new Error('observer failed')
      },
    })
    const sent = await sealed()
    for (let hours = 0; hours < 10; hours++) {
      expect(await processed(middleware, contextOf(sent, { clock }))).toMatchObject({ action: 'retry', counts: false })
      await clock.advance(3_600_000)
    }
  })

  it('does not wait longer than timeoutMs for a provider that hangs', async () => {
    const clock = new ManualClock()
    const middleware = decryption({ keys: { ...keys, keyById: () => new Promise(() => {}) }, timeoutMs: 700 })
    const outcome = processed(middleware, contextOf(await sealed(), { clock }))
    await clock.advance(700)
    expect(await outcome).toMatchObject({ action: 'retry', counts: false, error: { code: 'ERR_TIMEOUT' } })
    expect(clock.timers).toBe(0)
  })
})

function flipped(body: Outgoing['body'], at: number): Uint8Array {
  const copy = Buffer.from(body as Uint8Array)
  copy[at]! ^= 1
  return copy
}

function edited(sent: Outgoing, edit: (header: Record<string, unknown>) => unknown): Outgoing {
  const header = JSON.parse(sent.headers['busbar-encryption'] ?? '') as Record<string, unknown>
  return { ...sent, headers: { ...sent.headers, 'busbar-encryption': JSON.stringify(edit(header)) } }
}
