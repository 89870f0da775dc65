import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { packEnvelope, unpackEnvelope } from './envelope.ts'
import { additionalData, open, seal, unwrap, wrap } from './seal.ts'

function sequence(from: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => from + index))
}

const master = createSecretKey(sequence(0, 32))
const dataKey = createSecretKey(sequence(32, 32))
const nonce = sequence(0, 12)

describe('the wire format of encrypted messages', () => {
  // As in docs/reference/wire-format.md.
  const header = '{"v":1,"a":"A256GCM","k":"k1","w":"BPijw8MC07C36UsU3Pha0dppzXQFbteQfTy0n7J3maQQTbBY8pAa2w","n":"AAECAwQFBgcICQoL","h":["tenant"]}'
  const message = { id: 'm-1', type: undefined, key: 'truck-7', contentType: 'application/json', headers: { tenant: 'acme', other: 'x' } }
  const lengthOfHeader = '00000081'
  const rest = ['000000036d2d31', 'ffffffff', '00000007747275636b2d37', '000000106170706c69636174696f6e2f6a736f6e', 'ffffffff', '0000000461636d65'].join('')
  const body = '277029d53f5680a5d8dbf3e452012b5f785dde4617e24674c7d3021e1cafbedf732adb50ae'

  it('is that of the vectors', () => {
    const envelope = { keyId: 'k1', wrapped: wrap(sequence(32, 32), master), nonce: nonce.toString('base64url'), headers: ['tenant'] }
    expect(packEnvelope(envelope)).toBe(header)
    expect(unpackEnvelope(header)).toEqual(envelope)
    const data = additionalData(header, message, ['tenant'])
    expect(data.toString('hex')).toBe(lengthOfHeader + Buffer.from(header).toString('hex') + rest)
    expect(seal('{"truckId":"truck-7"}', dataKey, nonce, data).toString('hex')).toBe(body)
    expect(open(Buffer.from(body, 'hex'), dataKey, nonce, data)?.toString()).toBe('{"truckId":"truck-7"}')
  })

  it('wraps keys as RFC 3394 says (section 4.6)', () => {
    const key = Buffer.from('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f', 'hex')
    const wrapped = wrap(key, master)
    expect(Buffer.from(wrapped, 'base64url').toString('hex')).toBe('28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21')
    expect(unwrap(wrapped, master)?.export()).toEqual(key)
    expect(unwrap(wrapped, dataKey)).toBeUndefined()
  })

  it('tells apart what runs together otherwise', () => {
    const one = additionalData(header, { ...message, id: 'ab', type: 'c' }, [])
    expect(additionalData(header, { ...message, id: 'a', type: 'bc' }, [])).not.toEqual(one)
    expect(additionalData(header, { ...message, id: 'abc', type: undefined }, [])).not.toEqual(one)
  })

  it('counts UTF-8 bytes, and the empty text as absent', () => {
    const headers = { tenant: 'hällo 😀' }
    expect(additionalData('', { ...message, headers }, ['tenant']).toString('hex')).toContain(`0000000b${Buffer.from('hällo 😀').toString('hex')}`)
    expect(additionalData(header, { ...message, type: '' }, [])).toEqual(additionalData(header, message, []))
  })
})

describe('unpackEnvelope', () => {
  const good = { v: 1, a: 'A256GCM', k: 'k1', w: 'a'.repeat(54), n: 'b'.repeat(16) }

  it('reads what is written, and ignores unknown fields', () => {
    expect(unpackEnvelope(JSON.stringify({ ...good, x: 1 }))).toEqual({ keyId: 'k1', wrapped: good.w, nonce: good.n, headers: [] })
  })

  it.each([
    { v: 2 },
    { v: '1' },
    { a: 'none' },
    { k: '' },
    { k: 'k 1' },
    { k: 'k'.repeat(129) },
    { k: { id: 1 } },
    { w: 'a'.repeat(53) },
    { w: `${'a'.repeat(53)}=` },
    { n: 'b'.repeat(17) },
    { n: null },
    { h: 'tenant' },
    { h: [1] },
    { h: ['a b'] },
    { h: ['a'.repeat(65)] },
    { h: Array.from({ length: 17 }, (_, index) => `h${index}`) },
  ])('refuses %j', (change) => {
    expect(unpackEnvelope(JSON.stringify({ ...good, ...change }))).toBeUndefined()
  })

  it.each(['', 'null', '[]', '1', '"x"', '{', `{"v":1,"x":"${'a'.repeat(5_000)}"}`])('refuses %s', (text) => {
    expect(unpackEnvelope(text)).toBeUndefined()
  })
})
