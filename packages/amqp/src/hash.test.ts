import { expect, it } from 'vitest'
import { murmur3, partitionOf } from './hash.ts'

it.each([
  ['', 0],
  ['a', 0x3c2569b2],
  ['ab', 0x9bbfd75f],
  ['abc', 0xb3dd93fa],
  ['abcd', 0x43ed676a],
  ['hello', 0x248bfa47],
  ['hello, world', 0x149bbb7f],
  ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
])('gives the published value for %j', (text, hash) => {
  expect(murmur3(text)).toBe(hash)
})

it('hashes the UTF-8 bytes', () => {
  expect(murmur3('é')).toBe(murmur3(Buffer.from([0xc3, 0xa9]).toString('utf8')))
  expect(murmur3('é')).not.toBe(murmur3('\u00c3\u00a9'))
})

it('spreads keys evenly', () => {
  const counts = Array.from({ length: 8 }, () => 0)
  for (let key = 0; key < 8_000; key++) counts[partitionOf(`customer-${key}`, 8)]!++
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(120)
})

it('keeps the partition of a key for ever', () => {
  expect(['k1', 'k2', 'customer-42', 'truck_1'].map((key) => partitionOf(key, 8))).toMatchInlineSnapshot(`
    [
      2,
      0,
      5,
      1,
    ]
  `)
})
