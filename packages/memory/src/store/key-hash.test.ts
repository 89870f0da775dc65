import { describe, expect, it } from 'vitest'
import { keyHash, secretKeyHash } from './key-hash.ts'

describe('keyHash', () => {
  it('is the same for the same text, however it was put together', () => {
    const hash = keyHash(1, 2)
    expect(hash(['orders', 'm-1'].join(':'))).toBe(hash('orders:m-1'))
    expect(hash('xorders:m-1'.slice(1))).toBe(hash('orders:m-1'))
  })

  it('tells apart lengths, characters beyond Latin, and keys of their own', () => {
    const texts = ['', '\0', '\0\0', '\0\0\0', 'a', 'ab', 'ba', 'aa', 'ä', 'Ł', '€', '😀', '\ud83d', '\ude00', '\u0061\u0100', '\u0161\u0000']
    const [one, other] = [keyHash(1, 2), keyHash(1, 3)]
    expect(new Set(texts.map(one)).size).toBe(texts.length)
    expect(texts.filter((text) => one(text) === other(text))).toEqual([])
    expect(secretKeyHash()('a') === secretKeyHash()('a') && secretKeyHash()('b') === secretKeyHash()('b')).toBe(false)
  })

  it('spreads consecutive ids over places and indexes as chance would', () => {
    const hash = keyHash(0, 0)
    const [low, high, whole] = [new Uint32Array(256), new Uint32Array(256), new Set<number>()]
    for (let number = 0; number < 256_000; number++) {
      const value = hash(`orders:0ymr2h5p1k-${number.toString(36)}`)
      low[value & 255]!++
      high[value >>> 24]!++
      whole.add(value)
    }
    // A thousand each are expected, with a standard deviation of 32; 256,000² / 2³³ ≈ 7.6 collisions.
    for (const counts of [low, high]) for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(180)
    expect(whole.size).toBeGreaterThan(256_000 - 30)
  })
})
