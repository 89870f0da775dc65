import { describe, expect, it } from 'vitest'
import { bodyBytes, bodyText } from './body.ts'
import { bytes } from './bytes.ts'
import { json } from './json.ts'
import { text } from './text.ts'

const utf8 = new TextEncoder()

describe('json', () => {
  it.each([null, true, 0, -1.5, 'text', '', [], {}, { a: [1, { b: null }], ä: '€😀' }, Object.assign(Object.create(null), { a: 1 })])(
    'carries %j both ways, as text and as bytes',
    (value) => {
      const body = json.encode(value)
      expect(body).toBe(JSON.stringify(value))
      expect(json.decode(body)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(json.decode(utf8.encode(body as string))).toEqual(JSON.parse(JSON.stringify(value)))
    },
  )

  it('leaves out properties that are undefined, and calls toJSON', () => {
    expect(json.encode({ a: undefined, b: new Date(0), c: { toJSON: () => 'c' } })).toBe('{"b":"1970-01-01T00:00:00.000Z","c":"c"}')
  })

  class Point {
    x = 1
  }
  it('takes own properties of class instances', () => {
    expect(json.encode(new Point())).toBe('{"x":1}')
  })

  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  it.each([
    [undefined, 'json: undefined at body cannot be sent as JSON'],
    [() => {}, 'json: function at body cannot be sent as JSON'],
    [Symbol('s'), 'json: symbol at body cannot be sent as JSON'],
    [{ a: { b: () => {} } }, 'json: function at body.a.b cannot be sent as JSON'],
    [{ a: [1, undefined] }, 'json: undefined at body.a.1 cannot be sent as JSON'],
    [{ total: Number.NaN }, 'json: NaN at body.total would become null'],
    [[Infinity], 'json: Infinity at body.0 would become null'],
    [{ at: new Date(Number.NaN) }, 'json: an invalid Date at body.at would become null'],
    [{ m: new Map([[1, 2]]) }, 'json: a Map at body.m would lose its entries; send an array or an object'],
    [new Set(), 'json: a Set at body would lose its entries; send an array or an object'],
    [{ data: new Uint8Array(2) }, 'json: binary data at body.data is not JSON; send it with the bytes codec or as base64 text'],
    [{ data: Buffer.from('x') }, 'json: binary data at body.data is not JSON; send it with the bytes codec or as base64 text'],
    [{ n: 1n }, 'json: a BigInt cannot be sent as JSON; send it as text'],
    [{ a: { toJSON: () => ({ n: Number.NaN }) } }, 'json: NaN at body.a.n would become null'],
    [{ a: { toJSON: () => [1, new Map()] } }, 'json: a Map at body.a.1 would lose its entries; send an array or an object'],
    [{ a: { toJSON: () => Infinity } }, 'json: Infinity at body.a would become null'],
    [{ a: new Number(Number.NaN) }, 'json: NaN at body.a would become null'],
    [{ toJSON: () => undefined }, 'json: the body has a toJSON() that returns nothing to send'],
    [circular, 'json: Converting circular structure to JSON'],
  ])('refuses %o', (value, message) => {
    expect(() => json.encode(value)).toThrow(new TypeError(message))
  })

  it('takes a toJSON that returns its own object, or nothing to send', () => {
    const itself = {
      n: 1,
      toJSON(): unknown {
        return this
      },
    }
    expect(json.encode({ itself, nothing: { toJSON: () => undefined } })).toBe('{"itself":{"n":1}}')
  })

  it('hands on what a toJSON throws', () => {
    expect(() =>
      json.encode({
        toJSON: () => {
          throw new RangeError('own')
        },
      }),
    ).toThrow(new RangeError('own'))
  })

  it('refuses an empty body, bad JSON and bad UTF-8, without quoting the body', () => {
    expect(() => json.decode('')).toThrow('json: the body is empty')
    expect(() => json.decode(new Uint8Array())).toThrow('json: the body is empty')
    expect(() => json.decode('{"card": 4111x}')).toThrow(new SyntaxError('json: the body is not valid JSON at position 13'))
    expect(() => json.decode('secret')).toThrow(new SyntaxError('json: the body is not valid JSON'))
    expect(() => json.decode(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(new TypeError('the body is not valid UTF-8'))
  })

  it('reads past a byte order mark in either form', () => {
    expect(json.decode('\ufeff[1]')).toEqual([1])
    expect(json.decode(utf8.encode('\ufeff[1]'))).toEqual([1])
  })

  it('does not let a body reach the prototype', () => {
    const decoded = json.decode<{ admin?: boolean }>('{"__proto__":{"admin":true}}')
    expect(decoded.admin).toBeUndefined()
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })
})

describe('text', () => {
  it.each(['', 'plain', 'ä€😀', '\ufeffmarked', '\0'])('carries %j both ways, as text and as bytes', (value) => {
    expect(text.encode(value)).toBe(value)
    expect(text.decode(value)).toBe(value)
    expect(text.decode(utf8.encode(value))).toBe(value)
  })

  it('refuses what UTF-8 cannot carry', () => {
    expect(() => text.encode('a\ud800b')).toThrow('half a surrogate pair')
    expect(() => text.encode(1 as never)).toThrow('text: the body must be a string, not number')
    expect(() => text.encode(null as never)).toThrow('not null')
    expect(() => text.decode(Uint8Array.of(0xc3))).toThrow('not valid UTF-8')
  })
})

describe('bytes', () => {
  it('passes bytes on uncopied and takes text as UTF-8', () => {
    const body = Uint8Array.of(0, 255)
    expect(bytes.encode(body)).toBe(body)
    expect(bytes.decode(body)).toBe(body)
    expect([...bytes.decode('€')]).toEqual([0xe2, 0x82, 0xac])
    expect(() => bytes.encode('text' as never)).toThrow('bytes: the body must be a Uint8Array, not string')
  })
})

describe('body', () => {
  it.each(['', 'a', 'ä', '€', '😀', 'x'.repeat(1000)])('counts the UTF-8 bytes of %j in either form', (value) => {
    expect(bodyBytes(value)).toBe(utf8.encode(value).byteLength)
    expect(bodyBytes(utf8.encode(value))).toBe(utf8.encode(value).byteLength)
    expect(bodyText(utf8.encode(value))).toBe(value)
  })
})
