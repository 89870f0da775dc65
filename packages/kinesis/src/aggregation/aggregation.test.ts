import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { maxHashKey } from '../shards/hash-key.ts'
import { aggregate } from './aggregate.ts'
import { Aggregator } from './aggregator.ts'
import { allBelongTo, deaggregate } from './deaggregate.ts'
import type { UserRecord } from './user-record.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Of the reference, checked there with a decoder of Protocol Buffers. */
const vector = 'f3899ac20a07747275636b5f310a07747275636b5f321a0508001a01411a0608011a0242431a0408001a00c495b5a75dad7d7af23235331d5b423c'
const vectorRecords: readonly UserRecord[] = [
  { partitionKey: 'truck_1', data: bytes('A') },
  { partitionKey: 'truck_2', data: bytes('BC') },
  { partitionKey: 'truck_1', data: bytes('') },
]

/** An aggregated record around any protobuf bytes, with a right MD5. */
function framed(message: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), message, createHash('md5').update(message).digest()])
}

function fromHex(hex: string): Uint8Array {
  return framed(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

describe('aggregate', () => {
  it('writes the vector', () => {
    expect(Buffer.from(aggregate(vectorRecords)).toString('hex')).toBe(vector)
  })

  it('refuses an explicit hash key that is none', () => {
    for (const explicitHashKey of ['', '-1', '1.5', '01', 'x', String(maxHashKey + 1n)])
      expect(() => aggregate([{ partitionKey: 'k', explicitHashKey, data: bytes('x') }])).toThrow(RangeError)
  })

  it('knows its size before it is built, and takes what fits to the last byte', () => {
    const record = (length: number): UserRecord => ({ partitionKey: 'schlüssel', explicitHashKey: '7', data: new Uint8Array(length) })
    for (const length of [0, 1, 100, 127, 128, 129, 16_383, 16_384]) {
      const exact = new Aggregator(Infinity)
      exact.add(record(length))
      exact.add(record(length))
      expect(exact.build()).toHaveLength(exact.bytes)
      const full = new Aggregator(exact.bytes)
      expect([full.add(record(length)), full.add(record(length)), full.add(record(0))]).toEqual([true, true, false])
      const tooSmall = new Aggregator(exact.bytes - 1)
      expect([tooSmall.add(record(length)), tooSmall.add(record(length))]).toEqual([true, false])
      expect(tooSmall.count).toBe(1)
    }
  })

  it('needs two bytes for the index of a key behind the first 128', () => {
    const records = Array.from({ length: 300 }, (_, index) => ({ partitionKey: `k-${index}`, data: Uint8Array.of(index % 256) }))
    expect(deaggregate(aggregate(records))).toEqual({ form: 'aggregated', records })
  })
})

describe('deaggregate', () => {
  it('reads the vector', () => {
    expect(deaggregate(Buffer.from(vector, 'hex'))).toEqual({
      form: 'aggregated',
      records: vectorRecords.map((record) => ({ ...record, data: Buffer.from(record.data) })),
    })
  })

  it('takes all that does not begin with the magic bytes for plain', () => {
    for (const data of [bytes(''), bytes('{"a":1}'), Buffer.from('f3899ac3', 'hex'), Buffer.from('f3899a', 'hex')])
      expect(deaggregate(data)).toEqual({ form: 'plain' })
  })

  it('takes what is too short, or has another MD5, for plain, and says so', () => {
    expect(deaggregate(framed(new Uint8Array(0)))).toEqual({ form: 'plain', suspicion: 'it is too short for an aggregated record' })
    expect(deaggregate(Buffer.from('f3899ac2', 'hex'))).toMatchObject({ form: 'plain', suspicion: expect.stringContaining('too short') })
    for (let index = 4; index < 59; index++) {
      const damaged = Buffer.from(vector, 'hex')
      damaged[index] = (damaged[index] as number) ^ 1
      expect(deaggregate(damaged)).toEqual({ form: 'plain', suspicion: 'its MD5 is that of other bytes' })
    }
  })

  it.each([
    ['ends inside a number', '0a'],
    ['has a field longer than itself', '0a 05 41'],
    ['has a number of more than 64 bits', '08 ff ff ff ff ff ff ff ff ff ff 01'],
    ['has a group', '0b 0c'],
    ['has a field 0', '02 00'],
    ['ends inside a fixed field', '29 00 00'],
    ['has a record without a partition key', '0a 01 6b 1a 03 1a 01 41'],
    ['has a record without data', '0a 01 6b 1a 02 08 00'],
  ])('takes a message that %s for plain, and says so', (_what, hex) => {
    expect(deaggregate(fromHex(hex))).toMatchObject({ form: 'plain', suspicion: expect.stringContaining('it cannot be read: ') })
  })

  it.each([
    ['partition key', '0a 01 6b 1a 05 08 01 1a 01 41', 'it names partition key 1 of a table of 1'],
    ['partition key beyond 2^53', '0a 01 6b 1a 0e 08 ff ff ff ff ff ff ff ff ff 01 1a 01 41', /^it names partition key \d+ of a table of 1$/],
    ['explicit hash key', '0a 01 6b 1a 07 08 00 10 00 1a 01 41', 'it names explicit hash key 0 of a table of 0'],
    ['explicit hash key that is no number', '0a 01 6b 12 01 78 1a 07 08 00 10 00 1a 01 41', '"x" is no hash key'],
  ])('tells an aggregated record that names an unknown %s from a plain one', (_what, hex, reason) => {
    expect(deaggregate(fromHex(hex))).toEqual({ form: 'corrupt', reason: expect.stringMatching(reason) })
  })

  it('skips fields that it does not know, of every wire type, tags among them', () => {
    const unknown = '28 01 29 00 00 00 00 00 00 00 00 2a 01 00 2d 00 00 00 00'
    const record = '08 00 1a 01 41 22 03 0a 01 74'
    expect(deaggregate(fromHex(`${unknown} 0a 01 6b 1a 0a ${record}`))).toEqual({
      form: 'aggregated',
      records: [{ partitionKey: 'k', data: Buffer.from('A') }],
    })
  })
})

describe('allBelongTo', () => {
  // The vectors of the reference: truck_1 and truck_2 lie on both sides of this number.
  const middle = 120_000_000_000_000_000_000_000_000_000_000_000_000n
  const [one, two] = vectorRecords as readonly [UserRecord, UserRecord]

  it('looks at each record by its own key', () => {
    expect(allBelongTo(vectorRecords, { start: 0n, end: maxHashKey })).toBe(true)
    expect(allBelongTo([one, two], { start: middle, end: maxHashKey })).toBe(false)
    expect(allBelongTo([one], { start: middle, end: maxHashKey })).toBe(true)
    expect(allBelongTo([two], { start: middle, end: maxHashKey })).toBe(false)
  })

  it('looks at each key once, however many records have it', () => {
    let looked = 0
    const shard = {
      get start(): bigint {
        looked++
        return 0n
      },
      end: maxHashKey,
    }
    const records = Array.from({ length: 1_000 }, (_, index): UserRecord => (index % 3 === 0 ? { ...one, explicitHashKey: '7' } : index % 3 === 1 ? one : two))
    expect(allBelongTo(records, shard)).toBe(true)
    expect(looked).toBe(3)
  })

  it('looks at the explicit hash key first, both ends of the range included', () => {
    const at = (explicitHashKey: bigint): UserRecord => ({ ...two, explicitHashKey: String(explicitHashKey) })
    const shard = { start: middle, end: middle + 5n }
    expect(allBelongTo([at(middle), at(middle + 5n)], shard)).toBe(true)
    expect(allBelongTo([at(middle - 1n)], shard)).toBe(false)
    expect(allBelongTo([at(middle + 6n)], shard)).toBe(false)
  })
})
