import { expect, it } from 'vitest'
import { hexOf, shownIn } from '../test-support/wire-format-page.ts'
import { envelopeHead, openEnvelope } from './envelope.ts'
import type { Outgoing } from './sender.ts'

function outgoing(parts: Partial<Outgoing>): Outgoing {
  const none = { type: undefined, contentType: undefined, key: undefined, deduplicationId: undefined, delayMs: undefined, timeToLiveMs: undefined }
  const plain = { id: 'm-1', body: 'hello', bodyBytes: 5, headers: {}, timestamp: 1_767_225_600_123, attempt: 0 }
  return { ...plain, ...none, priority: undefined, correlationId: undefined, replyTo: undefined, ...parts }
}

const sealed = (parts: Partial<Outgoing>): Uint8Array => Buffer.concat([envelopeHead(outgoing(parts)), Buffer.from(parts.body ?? 'hello')])

/** Magic bytes, version, headers, body. */
function raw(version: number, headers: string, body: string, length: number = Buffer.byteLength(headers)): Uint8Array {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(length)
  return Buffer.concat([Buffer.from('ff425553', 'hex'), Buffer.of(version), size, Buffer.from(headers), Buffer.from(body)])
}

it('is what docs/reference/wire-format.md shows', () => {
  const [, head = '', text = '', body = ''] = shownIn('Amazon Kinesis').map((line) => line.replace(/^Data/, '').trim())
  const given = outgoing({ body, contentType: 'application/json', headers: { tenant: 'acme' }, key: 'truck-7' })
  expect(Buffer.from(envelopeHead(given)).toString('hex')).toBe(`${head} ${hexOf(text)}`.replaceAll(' ', ''))
})

it('carries headers, metadata and the body', () => {
  const metadata = { id: 'm-7', type: 'position', contentType: 'text/plain', key: 'truck-7', attempt: 2, timestamp: 5, correlationId: 'c', replyTo: 'r' }
  for (const body of ['', 'häß', Uint8Array.of(0xff, 0x42, 0x55, 0x53, 1, 0)]) {
    const opened = openEnvelope(sealed({ ...metadata, body, headers: { tenant: 'äcme', empty: '' } }))
    expect({ ...opened?.headers }).toEqual({ tenant: 'äcme', empty: '' })
    expect(opened?.metadata).toEqual(metadata)
    expect(Buffer.from(opened?.body ?? 'none')).toEqual(Buffer.from(body))
  }
})

it('opens one envelope alone, so that a body is never taken for headers', () => {
  const forged = sealed({ body: 'x', id: 'forged', headers: { role: 'admin' } })
  const opened = openEnvelope(sealed({ body: forged, id: 'm-1' }))
  expect(opened?.metadata.id).toBe('m-1')
  expect({ ...opened?.headers }).toEqual({})
  expect(Buffer.from(opened?.body ?? '')).toEqual(Buffer.from(forged))
})

it.each([
  ['', new Uint8Array(0)],
  ['JSON', Buffer.from('{"a":1}')],
  ['the magic bytes alone', Buffer.from('ff425553', 'hex')],
  ['headers longer than the data', raw(1, '{}', '', 3)],
  ['headers of four gigabytes', raw(1, '{}', '', 0xffffffff)],
])('is none: %s', (_what, data) => {
  expect(openEnvelope(data)).toBeUndefined()
})

it.each([
  ['of a newer version', raw(2, '{"tenant":"acme"}', 'body')],
  ['with headers that are no JSON', raw(1, '{"tenant":', 'body')],
  ['with headers that are a list', raw(1, '["tenant"]', 'body')],
  ['with headers that are no texts', raw(1, '{"n":1,"busbar":{"v":1}}', 'body')],
])('gives the body alone %s', (_what, data) => {
  const opened = openEnvelope(data)
  expect([Buffer.from(opened?.body ?? '').toString(), { ...opened?.headers }, opened?.metadata]).toEqual(['body', {}, {}])
})

it('takes no header for a prototype', () => {
  const opened = openEnvelope(raw(1, '{"__proto__":"x","toString":"y"}', ''))
  expect(Object.getPrototypeOf(opened?.headers)).toBeNull()
  expect(Object.keys(opened?.headers ?? {}).toSorted()).toEqual(['__proto__', 'toString'])
})

it('is not UTF-8, and so no JSON', () => {
  expect(() => new TextDecoder('utf-8', { fatal: true }).decode(sealed({}))).toThrow(TypeError)
})
