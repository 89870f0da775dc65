import { envelopeHead } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { outgoing } from '../test-support/fake-kinesis.ts'
import { incomingOf } from './incoming.ts'
import type { ShardRecord } from './shard-record.ts'

function record(data: Uint8Array | string, parts: Partial<ShardRecord> = {}): ShardRecord {
  return { shard: 'shard-1', sequence: 12n, subSequence: undefined, partitionKey: 'truck-7', data: Buffer.from(data), arrivedAt: 5, ...parts }
}

describe('a record as a message', () => {
  it('without an envelope has the key, the time and the place of the record', () => {
    const plain = record('hello', { subSequence: 3 })
    expect(incomingOf(plain, '12:3', true)).toEqual({
      id: 'shard-1/12:3',
      body: Buffer.from('hello'),
      bodyBytes: 5,
      headers: {},
      type: undefined,
      contentType: undefined,
      timestamp: 5,
      key: 'truck-7',
      attempt: 0,
      correlationId: undefined,
      replyTo: undefined,
      position: '12:3',
      native: plain,
    })
  })

  it('with an envelope has what is in it, and no key where it had none', () => {
    const message = outgoing({ id: 'm-7', key: 'truck-7', type: 'position', headers: { tenant: 'acme' }, attempt: 2, contentType: 'text/plain', timestamp: 9 })
    const data = Buffer.concat([envelopeHead(message), Buffer.from('hello')])
    expect(incomingOf(record(data), '12', true)).toMatchObject({
      id: 'm-7',
      key: 'truck-7',
      type: 'position',
      attempt: 2,
      contentType: 'text/plain',
      timestamp: 9,
    })
    expect({ ...incomingOf(record(data), '12', true).headers }).toEqual({ tenant: 'acme' })
    const unkeyed = Buffer.concat([envelopeHead(outgoing({ id: 'm-8' })), Buffer.from('hello')])
    expect(incomingOf(record(unkeyed, { partitionKey: 'm-8' }), '12', true)).toMatchObject({ id: 'm-8', key: undefined, bodyBytes: 5 })
  })

  it('has its envelope in its body where none is expected', () => {
    const data = Buffer.concat([envelopeHead(outgoing({ id: 'm-7', attempt: 99 })), Buffer.from('hello')])
    expect(incomingOf(record(data), '12', false)).toMatchObject({ id: 'shard-1/12', attempt: 0, bodyBytes: data.length })
  })

  it('goes by the record where an envelope says nothing of itself', () => {
    const empty = Buffer.from([0xff, 0x42, 0x55, 0x53, 1, 0, 0, 0, 2, ...Buffer.from('{}'), ...Buffer.from('hello')])
    expect(incomingOf(record(empty), '12', true)).toMatchObject({ id: 'shard-1/12', key: 'truck-7', body: Buffer.from('hello') })
  })

  it('has no key where the stream distributes records by itself', () => {
    expect(incomingOf(record('hello', { partitionKey: undefined }), '12', false).key).toBeUndefined()
  })
})
