import { describe, expect, it } from 'vitest'
import { readRecord, writeRecord } from './record.ts'

describe('completed records', () => {
  it.each([undefined, null, 0, '', 'text | with | bars', { price: 5 }, [1]])('carry the reply %j', (reply) => {
    expect(readRecord(writeRecord('12.34', reply))).toEqual({ fingerprint: '12.34', reply })
  })

  it('carry no fingerprint where bodies are not compared', () => {
    expect(readRecord(writeRecord('', { a: 1 }))).toEqual({ fingerprint: '', reply: { a: 1 } })
  })

  it.each(['', '1', '1|no end', '2|12.34|{}', 'foreign'])('read %j as one that compares with everything', (text) => {
    expect(readRecord(text)).toEqual({ fingerprint: '', reply: undefined })
  })
})
