import type { ConsumeMessage } from 'amqplib'
import { expect, it } from 'vitest'
import { headerText, sendable } from './header-values.ts'
import { copyOptions } from './copy-options.ts'
import { deliveryCount, headerBytes, incomingOf, isShort, publishOptions, sizeOf } from './message-mapping.ts'
import { outgoing } from './test-support/outgoing.ts'

function native(properties: Record<string, unknown>, redelivered: boolean = false): ConsumeMessage {
  return { content: Buffer.from('body'), fields: { deliveryTag: 1, redelivered }, properties } as unknown as ConsumeMessage
}

it('uses native fields alone where they suffice', () => {
  expect(
    publishOptions({ ...outgoing, type: 't', contentType: 'c', correlationId: 'r', replyTo: 'q', priority: 2, timeToLiveMs: 10.2, headers: { h: 'v' } }, true),
  ).toEqual({
    persistent: true,
    mandatory: true,
    messageId: 'm1',
    timestamp: 1_700_000_000,
    headers: { h: 'v' },
    type: 't',
    contentType: 'c',
    correlationId: 'r',
    replyTo: 'q',
    priority: 2,
    expiration: 11,
  })
})

it('gives a message without key, attempts and headers no table at all, whatever its milliseconds', () => {
  const options = publishOptions({ ...outgoing, timestamp: 1_700_000_000_999 }, true)
  expect(options).toMatchObject({ headers: undefined, timestamp: 1_700_000_000 })
})

it('carries a content encoding in its native field, and any other value among the headers', () => {
  const headers = Object.assign(Object.create(null) as Record<string, string>, { 'content-encoding': 'gzip', tenant: 'acme' })
  const options = publishOptions({ ...outgoing, headers }, true)
  expect(options).toMatchObject({ contentEncoding: 'gzip', headers: { tenant: 'acme' } })
  expect(options.headers).not.toHaveProperty('content-encoding')
  expect({ ...incomingOf(native({ ...options })).headers }).toEqual({ ...headers })
  expect(copyOptions(native({ ...options }), 1, 1)).toMatchObject({ contentEncoding: 'gzip' })
  expect(publishOptions({ ...outgoing, headers: { 'content-encoding': 'gzip' } }, true).headers).toBeUndefined()
  for (const value of ['', 'x'.repeat(256)]) {
    const odd = publishOptions({ ...outgoing, headers: { 'content-encoding': value } }, true)
    expect(odd).toMatchObject({ contentEncoding: undefined, headers: { 'content-encoding': value } })
    expect({ ...incomingOf(native({ ...odd })).headers }).toEqual({ 'content-encoding': value })
  }
})

it('reads milliseconds where others have packed them', () => {
  const headers = { busbar: '{"v":1,"s":1700000000123}' }
  expect(incomingOf(native({ timestamp: 1_700_000_000, headers })).timestamp).toBe(1_700_000_000_123)
})

it.each([
  { key: 'k'.repeat(128) },
  { attempt: 3 },
  { type: 'é'.repeat(200), correlationId: 'c'.repeat(300) },
  { replyTo: 'amq.rabbitmq.reply-to', headers: { tenant: 'acme' } },
])('counts at least what is written, with %j', (parts) => {
  const message = { ...outgoing, ...parts }
  const { headers = {} } = publishOptions(message, true)
  const written = Object.entries(headers as Record<string, string>).reduce(
    (sum, [name, value]) => sum + 6 + Buffer.byteLength(name) + Buffer.byteLength(value),
    4,
  )
  expect(headerBytes(message)).toBe(written)
  expect(sizeOf(message)).toBeGreaterThanOrEqual(message.bodyBytes + written)
})

it('packs what AMQP has no field for, or no room', () => {
  const long = 'é'.repeat(128)
  const { headers, type, replyTo } = publishOptions(
    { ...outgoing, timestamp: 1_700_000_000_001, key: 'k', attempt: 2, type: long, replyTo: 'amq.rabbitmq.reply-to' },
    false,
  )
  expect(type).toBeUndefined()
  expect(replyTo).toBeUndefined()
  expect(JSON.parse(headers.busbar as string)).toEqual({ v: 1, k: 'k', a: 2, t: long, to: 'amq.rabbitmq.reply-to' })
})

it('measures bytes and not characters', () => {
  expect(isShort('é'.repeat(127))).toBe(true)
  expect(isShort('é'.repeat(128))).toBe(false)
  expect(sizeOf({ ...outgoing, headers: { é: '€' } }) - sizeOf(outgoing)).toBe(6 + 2 + 3)
  expect(headerBytes(outgoing)).toBe(4)
})

it('reads every shape of foreign message', () => {
  expect(incomingOf(native({}))).toMatchObject({ id: undefined, type: undefined, key: undefined, attempt: 0, timestamp: undefined })
  expect(incomingOf(native({ messageId: '', type: 5, timestamp: 'x', headers: { busbar: Buffer.from('x'), __proto__x: 1 } }))).toMatchObject({
    id: undefined,
    type: undefined,
    timestamp: undefined,
  })
  expect(incomingOf(native({ timestamp: 1_700_000_000 })).timestamp).toBe(1_700_000_000_000)
  expect(incomingOf(native({ timestamp: 1_700_000_000_123 })).timestamp).toBe(1_700_000_000_123)
  const { headers } = incomingOf(native({ headers: { 'X-Death': [], 'x-first-death-queue': 'q', 'x-delivery-count': 3, BCC: 'x', 'x-mine': 'kept' } }))
  expect({ ...headers }).toEqual({ 'x-mine': 'kept' })
})

it('believes the count of deliveries only where the broker has set it', () => {
  expect(deliveryCount(native({ headers: { 'x-delivery-count': 7 } }))).toBe(1)
  expect(deliveryCount(native({ headers: { 'x-delivery-count': 7 } }, true))).toBe(8)
  expect(deliveryCount(native({}, true))).toBe(1)
  for (const forged of ['7', -1, 1.5, Infinity]) expect(deliveryCount(native({ headers: { 'x-delivery-count': forged } }, true))).toBe(1)
})

it('adds the deliveries of earlier copies to the count', () => {
  const headers = { busbar: '{"v":1,"a":2,"d":4}' }
  expect(deliveryCount(native({ headers }))).toBe(5)
  expect(deliveryCount(native({ headers: { ...headers, 'x-delivery-count': 2 } }, true))).toBe(7)
})

it.each([
  [5, '5'],
  [-1.5, '-1.5'],
  [true, 'true'],
  [null, ''],
  [Buffer.from('text'), 'text'],
  [Buffer.from([0xff]), '/w=='],
  [[1, 'a', null], '[1,"a",null]'],
  [{ a: { b: [true] } }, '{"a":{"b":[true]}}'],
  [{ '!': 'timestamp', value: 1_700_000_000 }, '2023-11-14T22:13:20.000Z'],
  [{ '!': 'timestamp', value: 1e300 }, '1e+300'],
  [{ '!': 'decimal', value: { digits: 1234, places: 2 } }, '12.34'],
  [{ '!': 'decimal', value: { digits: 5, places: 3 } }, '0.005'],
  // Tables of a sender's that only look like types of the client library.
  [{ '!': 'decimal', value: null }, '{"!":"decimal","value":null}'],
  [{ '!': 'decimal', value: { digits: 1, places: 1e9 } }, '{"!":"decimal","value":{"digits":1,"places":1000000000}}'],
  [{ '!': 'odd', value: 1 }, '{"!":"odd","value":1}'],
])('writes header value %j as %j', (value, text) => {
  expect(headerText(value)).toBe(text)
})

it.each([
  [
    { '!': 'timestamp', value: 1_700_000_000 },
    { '!': 'timestamp', value: 1_700_000_000 },
  ],
  [
    { '!': 'decimal', value: { digits: 5, places: 3 } },
    { '!': 'decimal', value: { digits: 5, places: 3 } },
  ],
  [{ '!': 'timestamp', value: 2 ** 64 }, '18446744073709552000'],
  [{ '!': 'decimal', value: null }, '{"!":"decimal","value":null}'],
  [{ '!': 5 }, '{"!":5}'],
  [Object.setPrototypeOf({ '!': 'timestamp' }, { value: 7 }), { '!': 'timestamp', value: 7 }],
  [-1e300, { '!': 'double', value: -1e300 }],
  [2 ** 50 + 0.5, { '!': 'double', value: 2 ** 50 + 0.5 }],
  [[{ a: { '!': 'odd', value: 1 } }], [{ a: '{"!":"odd","value":1}' }]],
  [{ ['\ufffd'.repeat(100)]: 1 }, { ['\ufffd'.repeat(85)]: 1 }],
])('sends %j again as %j, which the client library can write', (value, again) => {
  expect(sendable(value)).toEqual(again)
})

it('takes a table for a table whose `__proto__` was bytes, which is its prototype then', () => {
  const table: unknown = Object.setPrototypeOf({ a: 1 }, Buffer.from('x'))
  expect(headerText(table)).toBe('{"a":1}')
  const again = sendable(table)
  expect([again, Object.getPrototypeOf(again)]).toEqual([{ a: 1 }, Object.prototype])
})

it('cuts an id and names that were no UTF-8 and are longer now than AMQP allows', () => {
  const long = '\ufffd'.repeat(255)
  const { id, headers } = incomingOf(native({ messageId: long, headers: { [long]: 'x' } }))
  expect([id, Object.keys(headers)]).toEqual([long.slice(0, 85), [long.slice(0, 85)]])
})

it('ends at nesting without end', () => {
  let deep: unknown = 1
  for (let level = 0; level < 50; level++) deep = { deep }
  expect(headerText(deep).length).toBeLessThan(200)
  expect(JSON.stringify(sendable(deep)).length).toBeLessThan(300)
})
