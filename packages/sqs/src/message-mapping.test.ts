import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs'
import type { Outgoing } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { prepare } from './attributes.ts'
import { encodeBody, encodingOf, isSqsText } from './body.ts'
import { incomingOf, type Reading } from './incoming.ts'
import { outgoing } from './test-support/fake-sqs.ts'

function stored(message: Outgoing, packsKey = true): Message {
  return {
    MessageId: 'sqs-1',
    Body: encodeBody(message.body, encodingOf(message.body)),
    ...(prepare(message, packsKey).attributes !== undefined && { MessageAttributes: prepare(message, packsKey).attributes }),
  }
}

const plain: Reading = { fifo: false, envelope: undefined, isDeadLetterPlace: false, addressOf: (arn) => arn }

function through(message: Outgoing): ReturnType<typeof incomingOf> {
  return incomingOf(stored(message), plain)
}

function names(message: Outgoing): string[] {
  return Object.keys(prepare(message, true).attributes ?? {})
}

function headers(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`h-${index}`, `v-${index}`]))
}

it('sends what the page on the wire format shows', () => {
  const message = outgoing({ body: '{"truckId":"truck-7"}', contentType: 'application/json', headers: { tenant: 'acme' }, key: 'truck-7' })
  expect(stored(message, false)).toEqual({
    MessageId: 'sqs-1',
    Body: '{"truckId":"truck-7"}',
    MessageAttributes: {
      busbar: { DataType: 'String', StringValue: '{"v":1,"i":"m-1","c":"application/json","s":1767225600123}' },
      tenant: { DataType: 'String', StringValue: 'acme' },
    },
  })
  expect(prepare(message, false).bytes).toBe(107)
})

it('counts body, names, data types and values in UTF-8 bytes', () => {
  const metadata = 'busbar'.length + 'String'.length + '{"v":1,"i":"m-1","s":1767225600123}'.length
  expect(prepare(outgoing({ body: 'häß' }), true).bytes).toBe(5 + metadata)
  expect(prepare(outgoing({ body: 'x', headers: { tenant: 'acmé' } }), true).bytes).toBe(1 + 'tenant'.length + 'String'.length + 5 + metadata)
})

it('loses no header for its name, even that which means something to objects', () => {
  const named = Object.fromEntries([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
  expect(new Map(Object.entries(through(outgoing({ headers: named })).headers))).toEqual(new Map(Object.entries(named)))
  // As an attribute it would be dropped by whatever copies attributes into plain objects, as the SDK does.
  expect(names(outgoing({ headers: named }))).not.toContain('__proto__')
})

it('gives eight headers attributes of their own and packs the others, all of which arrive', () => {
  expect(names(outgoing({ headers: headers(8) }))).not.toContain('busbar-headers')
  const many = outgoing({ headers: headers(50) })
  expect(names(many)).toHaveLength(10)
  expect({ ...through(many).headers }).toEqual(headers(50))
})

it('never sends more than ten attributes, also with a body that is marked', () => {
  for (let count = 0; count < 20; count++)
    for (const body of ['text', '', '\u0000', Uint8Array.of(1)]) expect(names(outgoing({ body, headers: headers(count) })).length).toBeLessThanOrEqual(10)
})

it('keeps trace headers plain however many others there are', () => {
  expect(names(outgoing({ headers: { ...headers(20), tracestate: 'a=1', traceparent: '00-1-2-01' } }))).toEqual(
    expect.arrayContaining(['traceparent', 'tracestate']),
  )
})

it('carries values that SQS refuses: empty ones, control characters, U+FFFE and U+FFFF', () => {
  const odd = { empty: '', nul: 'a\u0000b', noncharacter: '\ufffe\uffff', plain: '🚌' }
  expect({ ...through(outgoing({ headers: odd })).headers }).toEqual(odd)
  const values = Object.values(prepare(outgoing({ headers: odd }), true).attributes ?? {}).map(({ StringValue }) => StringValue)
  for (const value of values) expect(value).toMatch(/^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]+$/u)
})

it('carries metadata of what comes from elsewhere in characters that SQS takes', () => {
  const message = outgoing({ key: 'a\ufffe', correlationId: '\uffff', type: '🚌\u0000' })
  expect(isSqsText(prepare(message, true).attributes?.['busbar']?.StringValue ?? '')).toBe(true)
  expect(through(message)).toMatchObject({ key: 'a\ufffe', correlationId: '\uffff', type: '🚌\u0000' })
})

it.each([['text'], ['🚌'], [''], ['\u0000'], ['\ufffe'], ['(empty)'], [Uint8Array.of(0xff, 0)], [new Uint8Array(0)]])('carries the body %j', (body) => {
  const { body: arrived, bodyBytes } = through(outgoing({ body }))
  expect(Buffer.from(arrived)).toEqual(Buffer.from(body))
  expect(bodyBytes).toBe(Buffer.byteLength(body))
  expect(stored(outgoing({ body })).Body).not.toBe('')
})

it('reads messages of plain clients: numbers as written, bytes as UTF-8 or base64, and what the queue knows', () => {
  const native: Message = {
    MessageId: 'sqs-1',
    Body: 'plain',
    Attributes: { SentTimestamp: '1767225600123', MessageGroupId: 'truck-7', ApproximateReceiveCount: '2' },
    MessageAttributes: {
      n: { DataType: 'Number.int', StringValue: '42' },
      text: { DataType: 'Binary', BinaryValue: new TextEncoder().encode('häß') },
      blob: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 1, 0xff) },
    },
  }
  const incoming = incomingOf(native, { ...plain, fifo: true })
  expect(incoming).toMatchObject({ id: 'sqs-1', body: 'plain', bodyBytes: 5, timestamp: 1_767_225_600_123, key: 'truck-7', attempt: 0, type: undefined })
  expect({ ...incoming.headers }).toEqual({ n: '42', text: 'häß', blob: 'AAH/' })
  expect(incomingOf(native, plain).key).toBeUndefined()
})

it('keeps the types of attributes on copies, as long as their values are the same', () => {
  const attributes: Record<string, MessageAttributeValue> = {
    n: { DataType: 'Number.int', StringValue: '42' },
    blob: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 1, 0xff) },
    changed: { DataType: 'Number', StringValue: '1' },
  }
  const { headers, native } = incomingOf({ MessageId: 'sqs-1', ReceiptHandle: 'r-1', Body: 'x', MessageAttributes: attributes }, plain)
  const copy = prepare(outgoing({ headers: { ...headers, changed: '2' }, copyOf: native }), true).attributes
  expect(copy).toMatchObject({ n: attributes['n'], blob: attributes['blob'], changed: { DataType: 'String', StringValue: '2' } })
  expect(prepare(outgoing({ headers: { n: '42' }, copyOf: { MessageAttributes: attributes } }), true).attributes).toMatchObject({ n: { DataType: 'String' } })
})

it('packs text before it packs what has a type, since only text loses nothing by it', () => {
  const texts = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => [name, { DataType: 'String', StringValue: name }]))
  const typed = { n: { DataType: 'Number', StringValue: '42' }, blob: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 1, 0xff) } }
  const { headers, native } = incomingOf({ MessageId: 'sqs-1', ReceiptHandle: 'r-1', Body: 'x', MessageAttributes: { ...texts, ...typed } }, plain)
  const message = outgoing({ headers, copyOf: native })
  expect(prepare(message, true).attributes).toMatchObject(typed)
  expect({ ...through(message).headers }).toEqual({ ...headers })
})

it.each([
  [{ 'busbar-encoding': 'base64' }, 'not base64!'],
  [{ 'busbar-encoding': 'empty' }, 'not empty'],
  [{ 'busbar-encoding': 'rot13' }, 'text'],
  [{ 'busbar-headers': '[1]', busbar: 'nonsense' }, 'text'],
  [{ 'busbar-headers': '{"busbar":"x","n":1}' }, 'text'],
])('delivers a body as it came where its marks make no sense: %j', (marks, body) => {
  const MessageAttributes = Object.fromEntries(Object.entries(marks).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]))
  const incoming = incomingOf({ MessageId: 'sqs-1', Body: body, MessageAttributes }, plain)
  expect([incoming.body, incoming.id, { ...incoming.headers }]).toEqual([body, 'sqs-1', {}])
})

it('tells why a message is a dead letter where dead letters are, and not of one that SQS has moved elsewhere', () => {
  const MessageAttributes = { 'busbar-dead': { DataType: 'String', StringValue: '{}' }, tenant: { DataType: 'String', StringValue: 'acme' } }
  const headersAt = (reading: Reading): string[] => Object.keys(incomingOf({ MessageId: 'sqs-1', Body: 'x', MessageAttributes }, reading).headers)
  expect(headersAt({ ...plain, isDeadLetterPlace: true })).toEqual(['busbar-dead', 'tenant'])
  expect(headersAt(plain)).toEqual(['tenant'])
})
