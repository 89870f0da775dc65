import { describe, expect, it } from 'vitest'
import { HashKeys, hashKeyOf, maxHashKey, parseHashKey } from './hash-key.ts'
import { comparePositions, formatPosition, parsePosition, type Position } from './position.ts'
import { ShardMap, type Shard } from './shard-map.ts'

describe('hash keys', () => {
  it.each([
    ['truck_1', 128751118076834174974477687527736656470n],
    ['truck_2', 118541753132422368129803392097829045763n],
    ['order-42', 105348682137155569515616584889439573452n],
    ['é', 136732923097551493579404309126273812335n],
  ])('%s hashes to %s', (key, hashKey) => {
    expect(hashKeyOf(key)).toBe(hashKey)
  })

  it('are remembered, of so many keys', () => {
    const hashed: string[] = []
    const hashKeys = new HashKeys((key) => {
      hashed.push(key)
      return hashKeyOf(key)
    })
    const keys = Array.from({ length: 10_001 }, (_, index) => `truck-${index}`)
    for (const key of keys) expect([hashKeys.of(key), hashKeys.of(key)]).toEqual([hashKeyOf(key), hashKeyOf(key)])
    expect(hashed).toEqual(keys)
    hashKeys.of('truck-10000')
    hashKeys.of('truck-0')
    expect(hashed.slice(keys.length)).toEqual(['truck-0'])
  })

  it('are decimal numbers from 0 to 2^128 - 1', () => {
    expect([parseHashKey('0'), parseHashKey(String(maxHashKey))]).toEqual([0n, maxHashKey])
    for (const text of ['', '-1', '00', '1e3', String(maxHashKey + 1n), '9'.repeat(40)]) expect(parseHashKey(text)).toBeUndefined()
  })
})

describe('the shard map', () => {
  const half = 1n << 127n
  const shard = (id: string, start: bigint, end: bigint, parents: readonly string[] = [], open = true): Shard => ({ id, start, end, parents, open })
  const whole = shard('0', 0n, maxHashKey)
  const ends = (map: ShardMap, hashKeys: readonly bigint[]): (string | undefined)[] => hashKeys.map((hashKey) => map.find(hashKey)?.id)

  it('finds a shard by both ends of its range, in whatever order they are listed', () => {
    const map = new ShardMap([shard('b', half, maxHashKey), shard('a', 0n, half - 1n)])
    expect(ends(map, [0n, half - 1n, half, maxHashKey])).toEqual(['a', 'a', 'b', 'b'])
  })

  it('gives what a split shard had to its children, and what merged ones had to their child', () => {
    const split = [{ ...whole, open: false }, shard('1', 0n, half - 1n, ['0']), shard('2', half, maxHashKey, ['0'])]
    expect(ends(new ShardMap(split), [0n, half])).toEqual(['1', '2'])
    const merged = [...split.map((each) => ({ ...each, open: false })), shard('3', 0n, maxHashKey, ['1', '2'])]
    expect(ends(new ShardMap(merged), [0n, half, maxHashKey])).toEqual(['3', '3', '3'])
  })

  it('finds none in a gap', () => {
    const map = new ShardMap([shard('a', 10n, 19n), shard('b', 30n, 39n)])
    expect(ends(map, [9n, 10n, 25n, 30n, 40n])).toEqual([undefined, 'a', undefined, 'b', undefined])
    expect(new ShardMap([]).find(0n)).toBeUndefined()
  })
})

describe('positions', () => {
  const first = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898n

  it('go through text', () => {
    for (const position of [
      { sequence: first, subSequence: undefined },
      { sequence: first, subSequence: 0 },
      { sequence: 0n, subSequence: 7 },
    ] satisfies Position[])
      expect(parsePosition(formatPosition(position))).toEqual(position)
    for (const text of ['', 'x', '1:', ':1', '01', '1:2:3', '-1', '1.0', `1:${'9'.repeat(10)}`]) expect(parsePosition(text)).toBeUndefined()
  })

  it('are in the order of numbers that a Number cannot tell apart', () => {
    const at = (sequence: bigint, subSequence?: number): Position => ({ sequence, subSequence })
    expect(Number(first)).toBe(Number(first + 1n))
    const sorted = [at(9n), at(10n), at(first, 0), at(first, 1), at(first, 10), at(first + 1n)]
    expect(sorted.toReversed().toSorted(comparePositions)).toEqual(sorted)
    expect(comparePositions(at(first), at(first, 0))).toBe(0)
  })
})
