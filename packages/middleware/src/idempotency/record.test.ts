import { describe, expect, it } from 'vitest'
import { isRecord, readRecord, recordHead, writeRecord } from './record.ts'

const head = recordHead({ high: -1, low: 0x12345678 })

describe('completed records', () => {
  it('begin with the version and the fingerprint in eleven characters', () => {
    expect(head).toBe('1|_____n8qLdW|')
    expect(recordHead({ high: 0, low: 0 })).toBe('1|00000000000|')
    expect(recordHead(undefined)).toBe('1||')
  })

  it.each([undefined, null, 0, '', 'text | with | bars', { price: 5 }, [1]])('carry the reply %j', (reply) => {
    expect(readRecord(writeRecord(head, reply))).toEqual({ head, reply })
  })

  it('carry no fingerprint where bodies are not compared', () => {
    expect(readRecord(writeRecord(recordHead(undefined), { a: 1 }))).toEqual({ head: undefined, reply: { a: 1 } })
  })

  it.each(['2|12.34|{}', '10|'])('read %j, of a newer version, as one that compares with everything', (text) => {
    expect(isRecord(text)).toBe(true)
    expect(readRecord(text)).toEqual({ head: undefined, reply: undefined })
  })

  it.each([head, writeRecord(head, { price: 5 }), writeRecord(recordHead(undefined), null), recordHead(undefined)])('know %j for one of theirs', (text) => {
    expect(isRecord(text)).toBe(true)
  })

  it.each(['', '1', '1|no end', '1|short|', `${head}{`, '1||{', '0|', '02|', '|', 'foreign', undefined, null, 5, { head }])('do not know %j', (value) => {
    expect(isRecord(value)).toBe(false)
  })
})
