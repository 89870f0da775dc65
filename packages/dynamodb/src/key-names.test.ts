import { describe, expect, it } from 'vitest'
import { decode, encode, nameBeginning, placeOf, slots } from './key-names.ts'

describe('names of items', () => {
  it('show the key as it is, and escape what UTF-8 cannot hold', () => {
    expect(placeOf('orders:17 ümläut 😀').name).toBe('=orders:17 ümläut 😀')
    expect(placeOf('').name).toBe('=')
    expect(placeOf('100% \ud83d').name).toBe('=100%0025 %d83d')
    for (const text of ['100% \ud83d', '%d83d', '\udc00\ud83d', 'plain']) expect(decode(encode(text))).toBe(text)
  })

  it.each(['k', 'ü', '€', '😀'])(
    'stay within 1,024 bytes for keys of 10,000 times %s, differ in the last character, and keep the common beginning',
    (character) => {
      const long = character.repeat(10_000)
      const [one, two] = [placeOf(`${long}1`).name, placeOf(`${long}2`).name]
      expect(one).not.toBe(two)
      expect(Buffer.byteLength(one)).toBeLessThanOrEqual(1_024)
      for (const prefix of ['', character, character.repeat(100), long]) expect(one.startsWith(nameBeginning(prefix))).toBe(true)
    },
  )

  it('begin alike where keys do, also in the middle of a character', () => {
    expect(placeOf('a😀').name.startsWith(nameBeginning('a\ud83d'))).toBe(true)
    expect(placeOf('a\ud83d').name.startsWith(nameBeginning('a\ud83d'))).toBe(true)
  })

  it('spread over all partitions', () => {
    const counts = new Map<string, number>()
    for (let index = 0; index < 1_600; index++) {
      const { slot } = placeOf(`key-${index}`)
      counts.set(slot, (counts.get(slot) ?? 0) + 1)
    }
    expect(counts.size).toBe(slots)
    expect(Math.min(...counts.values())).toBeGreaterThan(50)
  })
})
