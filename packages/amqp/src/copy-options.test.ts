import type { ConsumeMessage } from 'amqplib'
import { expect, it } from 'vitest'
import { copiedOptions, copyOptions, deliveredMessage } from './copy-options.ts'
import { incomingOf, publishOptions } from './message-mapping.ts'
import { outgoing } from './test-support/outgoing.ts'

function native(properties: Record<string, unknown>): ConsumeMessage {
  return { content: Buffer.from('body'), fields: { deliveryTag: 1, redelivered: false, routingKey: 'q' }, properties } as unknown as ConsumeMessage
}

const foreign = {
  n: 42,
  bytes: Buffer.from([0xff, 0x00]),
  table: { x: [1, 'a'] },
  when: { '!': 'timestamp', value: 1_700_000_000 },
  gone: 1,
  changed: 7,
  infinite: Infinity,
  'x-death': [{ queue: 'q' }],
  busbar: '{"v":1,"a":2}',
}

it('copies a message with one attempt more and without what is the broker’s', () => {
  const first = publishOptions({ ...outgoing, key: 'k' }, true)
  const earlier = '{"v":1,"k":"k","s":1700000000001}'
  const copy = copyOptions(
    native({
      ...first,
      userId: 'u',
      expiration: '5',
      headers: { ...first.headers, busbar: earlier, n: 5, odd: [NaN, { deep: Infinity }], 'x-death': [1, 2], CC: ['x'] },
    }),
    3,
    4,
  )
  expect(copy).toMatchObject({ messageId: 'm1', mandatory: true, persistent: true, timestamp: 1_700_000_000 })
  expect(copy).not.toHaveProperty('userId')
  expect(copy).not.toHaveProperty('expiration')
  expect(copy.headers).toEqual({ n: 5, odd: ['NaN', { deep: 'Infinity' }], busbar: '{"v":1,"k":"k","s":1700000000001,"a":3,"d":4}' })
})

it('copies a header that is called __proto__ as every other', () => {
  const headers = Object.assign(Object.create(null) as Record<string, unknown>, { a: 1 })
  Object.defineProperty(headers, '__proto__', { value: { forged: 'x' }, enumerable: true })
  const message = native({ messageId: 'm', headers, appId: '\ufffd'.repeat(255) })
  const incoming = incomingOf(message)
  for (const copy of [copyOptions(message, 1, undefined), copiedOptions({ ...outgoing, headers: incoming.headers }, true, message)]) {
    const names: string[] = []
    for (const name in copy.headers) names.push(name)
    expect(names.filter((name) => name !== 'busbar')).toEqual(['a', '__proto__'])
    expect(copy.appId).toHaveLength(85)
  }
})

it('copies what was no UTF-8, or of more than 53 bits, as far as it can be written again', () => {
  const long = '\ufffd'.repeat(255)
  const copy = copyOptions(native({ messageId: long, correlationId: 'c', timestamp: 2 ** 64, priority: 3, headers: { [long]: 'x' } }), 1, undefined)
  const short = long.slice(0, 85)
  expect(copy).toEqual({
    messageId: short,
    correlationId: 'c',
    priority: 3,
    persistent: true,
    mandatory: true,
    headers: { [short]: 'x', busbar: '{"v":1,"a":1}' },
  })
})

it('keeps native values where the text is what was read of them, drops what was taken away and adds what is new', () => {
  const message = native({ headers: foreign, contentEncoding: 'gzip', appId: 'legacy', priority: 3, userId: 'u', expiration: '5', clusterId: 'c' })
  const { gone: _gone, ...headers } = incomingOf(message).headers
  const options = copiedOptions({ ...outgoing, headers: { ...headers, changed: '8', 'busbar-dead': '{}' } }, true, message)
  expect(options).toEqual({
    ...publishOptions(outgoing, true),
    contentEncoding: 'gzip',
    appId: 'legacy',
    priority: 3,
    headers: {
      n: 42,
      bytes: foreign.bytes,
      table: foreign.table,
      when: foreign.when,
      infinite: 'Infinity',
      changed: '8',
      'busbar-dead': '{}',
    },
  })
})

it('lets the portable fields win, and a content encoding go with its header', () => {
  const message = native({ headers: undefined, contentEncoding: 'gzip', priority: 3, type: 'old' })
  expect(copiedOptions({ ...outgoing, priority: 1, type: 'new', attempt: 2 }, false, message)).toEqual({
    ...publishOptions({ ...outgoing, priority: 1, type: 'new', attempt: 2 }, false),
  })
  expect(copiedOptions({ ...outgoing, headers: { 'content-encoding': 'br' } }, false, message)).toMatchObject({ contentEncoding: 'br', headers: {} })
  const asHeader = native({ headers: { 'content-encoding': 'gzip' }, contentEncoding: 'gzip' })
  expect(copiedOptions({ ...outgoing, headers: { 'content-encoding': 'gzip' } }, false, asHeader)).toMatchObject({
    contentEncoding: 'gzip',
    headers: { 'content-encoding': 'gzip' },
  })
})

it('knows a message of its own', () => {
  const message = native({ headers: {} })
  expect(deliveredMessage(message)).toBe(message)
  expect(deliveredMessage(native({}))).toBeDefined()
  for (const other of [undefined, null, 'x', 5, {}, { content: 'x', fields: {}, properties: {} }, { ...message, fields: {} }, { ...message, properties: null }])
    expect(deliveredMessage(other)).toBeUndefined()
})
