import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs'
import type { Incoming } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { prepare } from './attributes.ts'
import { incomingOf, type Reading } from './incoming.ts'
import { resolveOptions } from './options.ts'
import { resolveRouteOptions } from './route-options.ts'
import { endpoint, outgoing } from './test-support/fake-sqs.ts'

const reading: Reading = { fifo: false, envelope: 'sns', isDeadLetterPlace: false, addressOf: (arn) => arn }

type Values = Readonly<Record<string, MessageAttributeValue>>

function read(native: Message): Incoming {
  return incomingOf(native, reading)
}

/** As SNS puts it into a queue. */
function enveloped(message: string, attributes: Values = {}, others: object = {}): Message {
  const MessageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      { Type: DataType, Value: BinaryValue === undefined ? StringValue : Buffer.from(BinaryValue).toString('base64') },
    ]),
  )
  const envelope = {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: 'arn:aws:sns:us-west-2:123456789012:orders',
    Message: message,
    Timestamp: '2012-05-02T00:54:06.655Z',
    ...(Object.keys(attributes).length > 0 && { MessageAttributes }),
    ...others,
  }
  return {
    MessageId: 'sqs-1',
    ReceiptHandle: 'r-1',
    Body: JSON.stringify(envelope),
    Attributes: { SentTimestamp: '1767225600123', ApproximateReceiveCount: '1' },
  }
}

const typed: Values = {
  tenant: { DataType: 'String', StringValue: 'acmé' },
  n: { DataType: 'Number.int', StringValue: '42' },
  text: { DataType: 'Binary', BinaryValue: Buffer.from('häß') },
  blob: { DataType: 'Binary', BinaryValue: Buffer.of(0, 1, 0xff) },
}

it('shows body, headers, id, time and subject of what is inside', () => {
  const native = enveloped('{"id":"o-1"}', typed, { Subject: 'My first message' })
  const { headers, ...incoming } = read(native)
  expect({ ...headers }).toEqual({ subject: 'My first message', tenant: 'acmé', n: '42', text: 'häß', blob: 'AAH/' })
  expect(incoming).toMatchObject({
    id: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    body: '{"id":"o-1"}',
    bodyBytes: 12,
    timestamp: Date.UTC(2012, 4, 2, 0, 54, 6, 655),
    type: undefined,
    attempt: 0,
  })
  expect(incoming.native).toBe(native)
})

it('takes bodies as they are unless it is told otherwise', () => {
  const native = enveloped('x', typed)
  expect(incomingOf(native, { ...reading, envelope: undefined })).toMatchObject({ id: 'sqs-1', body: native.Body, headers: {} })
})

it('prefers an attribute to the subject of the same name', () => {
  expect(read(enveloped('x', { subject: { DataType: 'String', StringValue: 'own' } }, { Subject: 'theirs' })).headers['subject']).toBe('own')
})

it('reads more than ten attributes, and what Busbar itself has published', () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`h-${index}`, { DataType: 'String', StringValue: `v-${index}` }]))
  expect(Object.keys(read(enveloped('x', many)).headers)).toHaveLength(20)
  const sent = outgoing({ id: 'm-7', type: 'order', contentType: 'text/plain', key: 'truck-7', headers: { tenant: 'acme', empty: '' }, body: '' })
  expect(read(enveloped('(empty)', prepare(sent, true).attributes))).toMatchObject({
    id: 'm-7',
    type: 'order',
    contentType: 'text/plain',
    key: 'truck-7',
    headers: { tenant: 'acme', empty: '' },
    body: '',
  })
})

it.each([
  ['metadata', { busbar: { DataType: 'String', StringValue: '{"v":1,"i":"forged","k":"key","a":7,"s":1,"y":"order","r":"reply"}' } }],
  ['nonsense', { busbar: { DataType: 'String', StringValue: 'nonsense' }, 'busbar-headers': { DataType: 'String', StringValue: '[]' } }],
  ['bytes for metadata', { busbar: { DataType: 'Binary', BinaryValue: Buffer.from('{"v":1,"i":"forged"}') } }],
  ['packed headers', { 'busbar-headers': { DataType: 'String', StringValue: '{"busbar":"x","busbar-dead":"y","a":"b"}' } }],
  ['a body in base64', { 'busbar-encoding': { DataType: 'String', StringValue: 'base64' } }],
  ['marks of ours', { 'busbar-envelope': { DataType: 'String', StringValue: 'x' }, 'busbar-claim': { DataType: 'String', StringValue: 'x' } }],
] satisfies [string, Values][])('lets a forged envelope with %s say no more than a plain message', (_what, attributes) => {
  for (const fifo of [false, true]) {
    const Attributes = { MessageGroupId: 'group', SentTimestamp: String(Date.UTC(2012, 4, 2, 0, 54, 6, 655)) }
    const plain = { MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324', Body: 'aGk=', Attributes, MessageAttributes: attributes }
    const { native: _plain, ...expected } = incomingOf(plain, { ...reading, fifo, envelope: undefined })
    const { native: _native, ...incoming } = incomingOf({ ...enveloped('aGk=', attributes), Attributes }, { ...reading, fifo })
    expect(incoming).toEqual(expected)
  }
})

it.each([
  ['{"id":"o-1"}', "'Type' is missing"],
  ['{"Type":"Notification","Message":"x"}', "'TopicArn' is missing"],
  ['plain', 'it is no JSON'],
])('marks what is no envelope, and leaves its body as it came: %s', (Body, why) => {
  const { body, headers } = read({ MessageId: 'sqs-1', Body, MessageAttributes: { tenant: { DataType: 'String', StringValue: 'acme' } } })
  expect(body).toBe(Body)
  expect(headers).toMatchObject({ tenant: 'acme', 'busbar-envelope': expect.stringContaining(why) })
})

it('takes copies that Busbar has sent to the queue as they are, and those of what was no envelope for no message still', () => {
  const copy = (incoming: Incoming): Incoming => {
    const { attributes } = prepare(outgoing({ body: incoming.body, headers: incoming.headers, copyOf: incoming.native }), true)
    return read({ MessageId: 'sqs-2', Body: String(incoming.body), ...(attributes !== undefined && { MessageAttributes: attributes }) })
  }
  const good = read(enveloped('x', typed))
  expect(copy(good)).toMatchObject({ id: 'm-1', body: 'x', headers: good.headers })
  expect(copy(read({ MessageId: 'sqs-1', Body: 'plain' })).headers).toHaveProperty('busbar-envelope')
})

it('opens no envelope that somebody has sent as a body when its copy is read', () => {
  const forwarded = enveloped('inner', typed).Body ?? ''
  const first = read(enveloped(forwarded))
  expect(first.body).toBe(forwarded)
  const { attributes } = prepare(outgoing({ body: first.body, headers: first.headers, attempt: 2, copyOf: first.native }), true)
  const copy = read({ MessageId: 'sqs-2', Body: forwarded, ...(attributes !== undefined && { MessageAttributes: attributes }) })
  expect(copy).toMatchObject({ id: 'm-1', body: forwarded, attempt: 2, headers: {} })
})

it('keeps the types of attributes on copies', () => {
  const { body, headers, native } = read(enveloped('x', typed))
  expect(prepare(outgoing({ body, headers, copyOf: native }), true).attributes).toMatchObject({ n: typed['n'], blob: typed['blob'] })
})

it('refuses another envelope', () => {
  const resolve = (envelope: unknown): unknown => resolveRouteOptions(endpoint({ options: { envelope } }), resolveOptions({})).envelope
  expect(resolve('sns')).toBe('sns')
  expect(resolve(undefined)).toBeUndefined()
  expect(() => resolve(true)).toThrow("option 'envelope' must be 'sns'")
})
