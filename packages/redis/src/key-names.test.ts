import { describe, expect, it } from 'vitest'
import { decodeKey, decodeText, encodeKey, encodeText, patternOf, scannable } from './key-names.ts'

const odd = ['', 'plain:key', '%', '%0025', '{tag}', 'a\u0000b', '\u007f\u0085', 'ümläut € 😀', '\ud83d', '\udc00\ud83d', 'x\ud83d', '*?[a]\\', ' pad ']

describe('names of keys', () => {
  it('are readable where the key is', () => expect(encodeKey('orders:4711 ü😀')).toBe('orders:4711 ü😀'))

  it.each(odd)('of %j come back, in whole UTF-8 without braces and control characters', (key) => {
    const name = encodeKey(key)
    expect(decodeKey(Buffer.from(name).toString())).toBe(key)
    expect(name).not.toMatch(/[{}\p{Cc}\p{Cs}]/u)
  })

  it('differ wherever the keys do, and keep common beginnings', () => {
    const keys = odd.flatMap((one) => odd.map((other) => one + other))
    expect(new Set(keys.map(encodeKey)).size).toBe(new Set(keys).size)
    for (const key of keys)
      for (let length = 0; length <= key.length; length++) expect(encodeKey(key).startsWith(encodeKey(scannable(key.slice(0, length))))).toBe(true)
  })

  it('are found by a pattern letter by letter', () => expect(patternOf('a*b?[c]\\')).toBe(String.raw`a\*b\?\[c\]\\*`))
})

describe('values and owners', () => {
  it.each(odd)('%j comes back', (text) => expect(decodeText(Buffer.from(encodeText(text)).toString())).toBe(text))
})
