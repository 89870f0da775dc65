import { describe, expect, it } from 'vitest'
import { fingerprint as bits } from './fingerprint.ts'
import { recordHead } from './record.ts'

const utf8 = new TextEncoder()
/** As a text, which compares by value. */
const fingerprint = (body: string | Uint8Array): string => recordHead(bits(body)).slice(2, -1)

describe('fingerprint', () => {
  it.each(['', 'a', 'abc', 'abcd', 'abcde', 'ä', '€uro 😀', 'x'.repeat(5461), 'x'.repeat(5462), 'ä'.repeat(9000), 'xyz'.repeat(30_000)])(
    'is equal for a text and its bytes (case %#)',
    (text) => {
      const bytes = utf8.encode(text)
      expect(fingerprint(bytes)).toBe(fingerprint(text))
      // Bytes inside a larger buffer, at an odd offset.
      const shifted = new Uint8Array(bytes.length + 7).subarray(3, 3 + bytes.length)
      shifted.set(bytes)
      expect(fingerprint(shifted)).toBe(fingerprint(text))
    },
  )

  it('does not depend on what was hashed before', () => {
    const before = fingerprint('short')
    fingerprint('a much longer text that leaves its traces in the scratch buffer')
    expect(fingerprint('short')).toBe(before)
  })

  it('differs for every flipped bit and every length', () => {
    const base = utf8.encode('{"orderId":"o-123456","total":1}'.repeat(3))
    const seen = new Set([fingerprint(base)])
    for (let bit = 0; bit < base.length * 8; bit++) {
      const flipped = base.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      seen.add(fingerprint(flipped))
    }
    for (let length = 0; length < 64; length++) seen.add(fingerprint(new Uint8Array(length)))
    expect(seen.size).toBe(1 + base.length * 8 + 64)
  })

  it('has no collision in either half among 200,000 similar bodies beyond what chance allows', () => {
    const [whole, first, second] = [new Set<string>(), new Set<string>(), new Set<string>()]
    for (let index = 0; index < 200_000; index++) {
      const text = fingerprint(`{"orderId":"o-${index}","total":${index % 100}}`)
      whole.add(text)
      first.add(text.slice(0, 5))
      second.add(text.slice(6))
    }
    expect(whole.size).toBe(200_000)
    // 200,000² / 2³¹ ≈ 18.6 collisions are expected in the 30 bits of five characters; the last of the eleven holds four bits less.
    expect(first.size).toBeGreaterThan(199_940)
    expect(second.size).toBeGreaterThan(199_900)
  })

  it('tells long bodies apart by their last byte and by the order of their parts', () => {
    const long = 'x'.repeat(40_000)
    expect(new Set([fingerprint(long), fingerprint(`${long.slice(1)}y`), fingerprint(`y${long.slice(1)}`), fingerprint(`${long}x`)]).size).toBe(4)
  })
})
