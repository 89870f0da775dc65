import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ChannelModel } from 'amqplib'
import { describe, expect, it, vi } from 'vitest'
import { useOwnFrames } from './own-frames.ts'
import { basicProperties, basicPublish, type Frame, type PublishFields, type Wire } from './wire.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const require = createRequire(import.meta.url)
const { Connection } = require(join(dirname(require.resolve('amqplib')), 'lib/connection.js')) as { Connection: new (stream: PassThrough) => Wire }

/** A connection of amqplib's that has opened a channel, or so it thinks, with what it writes there. */
function connectionOf(own: boolean): { readonly wire: Wire; readonly written: Buffer[]; readonly stream: PassThrough } {
  const stream = new PassThrough()
  const wire = new Connection(stream)
  const written: Buffer[] = []
  const buffer = { write: (bytes: Buffer) => written.push(Buffer.from(bytes)) > 0, readableLength: 0, writableLength: 0 }
  Object.assign(wire, { channels: { 1: { buffer }, 65_535: { buffer } }, frameMax: 4_096 })
  if (own) expect(useOwnFrames({ connection: wire as unknown as ChannelModel['connection'] }, () => undefined)).toBe(true)
  return { wire, written, stream }
}

const fields: PublishFields = {
  exchange: '',
  routingKey: 'orders',
  mandatory: true,
  contentType: 'application/json',
  contentEncoding: undefined,
  headers: {},
  deliveryMode: 2,
  priority: undefined,
  correlationId: undefined,
  replyTo: undefined,
  expiration: undefined,
  messageId: '0a1b2c3d4e5f00000001',
  timestamp: 1_800_000_000,
  type: undefined,
  userId: undefined,
  appId: undefined,
}

/** Has what goes straight to the socket collected with what goes through a channel's buffer: as views, as the socket keeps it until it is written. */
function collect(wire: Wire, written: Buffer[]): void {
  const write = (bytes: Buffer): boolean => written.push(bytes) > 0
  const nothing = (): void => undefined
  Object.assign(wire, { stream: { write, cork: nothing, uncork: nothing, writableNeedDrain: false } })
}

type Publish = Partial<Record<keyof PublishFields, unknown>>

function publish(wire: Wire, message: Publish, content: Buffer, channel: number): void {
  const all = { ...fields, ...message } as PublishFields
  wire.sendMessage(channel, basicPublish, all, basicProperties, all, content)
}

/** All that is written, in hexadecimal, and what was thrown. */
function writtenBy(own: boolean, message: Publish, content = Buffer.from('body'), channel = 1): string {
  const { wire, written } = connectionOf(own)
  collect(wire, written)
  let thrown = ''
  try {
    publish(wire, message, content, channel)
  } catch (error) {
    thrown = String(error)
  }
  publish(wire, {}, content, channel)
  return `${thrown} ${Buffer.concat(written).toString('hex')}`
}

describe('what is published', () => {
  const long = 'x'.repeat(255)

  it.each<[string, Publish]>([
    ['the least', { routingKey: '', mandatory: false, contentType: undefined, deliveryMode: undefined, messageId: undefined, timestamp: undefined }],
    ['texts', { exchange: 'e', contentEncoding: 'gzip', correlationId: 'c', replyTo: 'r', expiration: '60000', type: 't', userId: 'u', appId: 'a' }],
    ['headers', { headers: { a: '1', b: 'zwei', empty: '', none: undefined } }],
    ['headers of a prototype', { headers: Object.create({ a: '1', none: undefined }) }],
    [
      'long texts',
      { exchange: long, routingKey: long, correlationId: long, replyTo: long, type: long, contentType: long, headers: { [long]: long.repeat(9) } },
    ],
    ['texts of many bytes', { routingKey: 'Ω'.repeat(127), type: '🚚'.repeat(63), headers: { Größe: '🚚 ✓ \u0000' }, messageId: '\uD800' }],
    ['numbers at their bounds', { priority: 255, deliveryMode: 0, timestamp: 0 }],
    ['a time beyond 32 bits', { timestamp: 2 ** 40 + 7 }],
    ['headers that are no texts', { headers: { number: 1, list: ['a'], table: { b: true }, nothing: null } }],
    ['large headers', { headers: { a: 'ä'.repeat(9_000) } }],
    ['headers that are too large', { headers: { a: 'x'.repeat(70_000) } }],
    ['a text of 256 bytes', { type: 'ä'.repeat(128) }],
    ['texts of 256 characters', { messageId: 'x'.repeat(256), replyTo: 'Ω'.repeat(256) }],
    ['a name of 256 bytes', { headers: { ['ä'.repeat(128)]: '' } }],
    ['a text that is none', { type: 7 }],
    ['a number that is none', { priority: '1' }],
    ['numbers out of bounds', { priority: 256 }],
    ['a fraction', { priority: 1.5 }],
    ['a time that is none', { timestamp: Number.NaN }],
    ['a time before 1970', { timestamp: -1 }],
    ['null', { replyTo: null, headers: null }],
  ])('%s: the bytes that amqplib writes, or its error', (_, message) => {
    expect(writtenBy(true, message)).toBe(writtenBy(false, message))
  })

  it.each([0, 1, 2_047, 2_048, 2_049, 4_088, 4_089, 100_000])('a body of %i bytes', (size) => {
    const content = Buffer.alloc(size, 'b')
    expect(writtenBy(true, {}, content, 65_535)).toBe(writtenBy(false, {}, content, 65_535))
  })

  it('of many messages: none is overwritten by a later one', () => {
    const all = [true, false].map((own) => {
      const { wire, written } = connectionOf(own)
      collect(wire, written)
      for (let i = 0; i < 1_000; i++) publish(wire, { messageId: `id-${i}` }, Buffer.alloc(i, i), 1)
      return Buffer.concat(written).toString('hex')
    })
    expect(all[0]).toBe(all[1])
  })
})

/** Frames as they are read, however the bytes are cut, and what was thrown. */
function readBy(own: boolean, bytes: Buffer, cuts: readonly number[] = []): unknown[] {
  const { wire, stream } = connectionOf(own)
  const read: unknown[] = []
  let from = 0
  try {
    for (const to of [...cuts, bytes.length]) {
      stream.write(bytes.subarray(from, to))
      from = to
      for (let frame: Frame | false = wire.recvFrame(); frame !== false; frame = wire.recvFrame()) read.push(frame)
    }
  } catch (error) {
    read.push((error as Error).name)
  }
  return read
}

/** In a function of its own, with whose end the frames are forgotten. */
function readAndForget(wire: Wire, stream: PassThrough, parts: readonly Buffer[]): WeakRef<ArrayBufferLike> {
  const bytes = Buffer.concat(parts)
  stream.write(bytes)
  for (const _ of parts) expect(wire.recvFrame() === false).toBe(false)
  return new WeakRef(bytes.buffer)
}

function frame(type: number, payload: Buffer, channel = 1): Buffer {
  const head = Buffer.alloc(7)
  head.writeUInt8(type)
  head.writeUInt16BE(channel, 1)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.of(0xce)])
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(Buffer.byteLength(value)), Buffer.from(value)])
}

function method(id: string, ...rest: Buffer[]): Buffer {
  return frame(1, Buffer.concat([Buffer.from(id, 'hex'), ...rest]))
}

const uint64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

const deliver = (tag: bigint, consumer = 'amq.ctag-1', routingKey = 'orders'): Buffer =>
  method('003c003c', text(consumer), uint64(tag), Buffer.of(Number(tag % 2n)), text(''), text(routingKey))

/** A header frame: the size of the body, flags, and what they announce. */
function header(size: bigint, flags: number, ...properties: Buffer[]): Buffer {
  return frame(2, Buffer.concat([Buffer.from('003c0000', 'hex'), uint64(size), Buffer.of(flags >> 8, flags), ...properties]))
}

function table(...fields: Buffer[]): Buffer {
  const all = Buffer.concat(fields)
  const size = Buffer.alloc(4)
  size.writeUInt32BE(all.length)
  return Buffer.concat([size, all])
}

const field = (name: string, type: string, value: string): Buffer => Buffer.concat([text(name), Buffer.from(type), Buffer.from(value, 'hex')])

const everyProperty = [
  text('application/json'),
  text('gzip'),
  table(
    field('s', 'S', '00000003616263'),
    field('i', 'I', 'fffffff0'),
    field('l', 'l', '0020000000000001'),
    field('t', 't', '01'),
    field('__proto__', 'S', '00000000'),
  ),
  Buffer.of(2),
  Buffer.of(9),
  ...['correlation', 'reply', '60000', 'id-Ω'].map((value) => text(value)),
  uint64(1_800_000_000n),
  ...['type', 'user', 'app'].map((value) => text(value)),
]

describe('what is received', () => {
  it.each<[string, Buffer[]]>([
    [
      'deliveries',
      [deliver(1n), header(4n, 0x90c0, text('a/b'), Buffer.of(2), text('id'), uint64(7n)), frame(3, Buffer.from('body')), deliver(2n), header(0n, 0)],
    ],
    ['every property', [header(5n, 0xfff8, ...everyProperty)]],
    ['a property that is not read here', [header(5n, 0xfffc, ...everyProperty, text('cluster'))]],
    [
      'headers of other types',
      [header(5n, 0x2000, table(field('d', 'd', '3ff8000000000000'), field('x', 'x', '00000001ff'), field('V', 'V', ''), field('u', 'u', 'ffff')))],
    ],
    [
      'headers that are not read here, before other properties',
      [header(5n, 0x20f8, table(field('x-death', 'A', '00000000')), text('id'), uint64(7n), text('t'), text('u'), text('a')), deliver(1n)],
    ],
    [
      'a header beyond the end of the headers',
      [header(5n, 0x2080, Buffer.from('00000008', 'hex'), field('a', 'S', '0000000461626364'), text('id')), deliver(1n)],
    ],
    ['headers with tables and lists', [header(5n, 0x2000, table(field('F', 'F', '00000000'), field('A', 'A', '000000027401')))]],
    ['texts that change', [deliver(1n, 'a', 'b'), deliver(2n, 'a', 'c'), deliver(3n, 'b', 'c'), deliver(4n, 'bb', ''), deliver(5n, 'b', 'Ω')]],
    ['a large delivery tag', [deliver(2n ** 53n + 1n)]],
    ['a body of many frames', [deliver(1n), header(9n, 0), frame(3, Buffer.from('many')), frame(3, Buffer.from('parts'))]],
    [
      'other methods',
      [method('003c0050', uint64(9n), Buffer.of(1)), method('0014000b'), method('003c0032', Buffer.from('0138', 'hex'), text('no'), text(''), text('k'))],
    ],
    ['heartbeats', [frame(8, Buffer.alloc(0), 0)]],
    ['a frame that does not end as one', [deliver(1n), deliver(2n).subarray(0, -1), Buffer.of(0)]],
    ['a frame of an unknown type', [frame(9, Buffer.from('?'))]],
    ['a frame that is too large', [deliver(1n), Buffer.from('0300017fffffff00', 'hex')]],
    ['a text beyond the end of its frame', [method('003c003c', Buffer.of(250), Buffer.from('short')), deliver(1n)]],
    ['a delivery cut short', [method('003c003c', text('tag'), Buffer.from('0000', 'hex'))]],
    [
      'headers beyond the end of their frame',
      [header(1n, 0x2000, Buffer.from('000000ff', 'hex')), deliver(1n), deliver(2n), deliver(3n), deliver(4n), deliver(5n), deliver(6n), deliver(7n)],
    ],
    ['properties cut short', [header(1n, 0x8000), deliver(1n)]],
    ...[2, 4, 11, 13].map((bytes): [string, Buffer[]] => [
      `properties without flags, cut to ${bytes} bytes`,
      [frame(2, Buffer.from('003c'.padEnd(bytes * 2, '0'), 'hex'))],
    ]),
  ])('%s: the frames that amqplib reads, or an error of the same kind', (_, parts) => {
    const bytes = Buffer.concat(parts)
    expect(readBy(true, bytes)).toEqual(readBy(false, bytes))
    const everywhere = Array.from({ length: bytes.length }, (_unused, at) => at)
    expect(readBy(true, bytes, everywhere)).toEqual(readBy(false, bytes, everywhere))
  })

  it('begins with what amqplib has not decoded yet', () => {
    const { wire, stream } = connectionOf(false)
    const bytes = deliver(1n)
    stream.write(bytes.subarray(0, 9))
    expect(wire.recvFrame()).toBe(false)
    expect(useOwnFrames({ connection: wire as unknown as ChannelModel['connection'] }, () => undefined)).toBe(true)
    stream.write(bytes.subarray(9))
    expect(wire.recvFrame()).toMatchObject({ channel: 1, fields: { deliveryTag: 1 } })
  })

  it('keeps nothing of what was received before the last read', async () => {
    const { wire, stream } = connectionOf(true)
    const received = readAndForget(wire, stream, [deliver(1n), frame(3, Buffer.alloc(65_536))])
    readAndForget(wire, stream, [frame(8, Buffer.alloc(0), 0)])
    await vi.waitFor(() => {
      collectGarbage()
      // Not the buffer itself, which the error would keep.
      expect(received.deref() === undefined).toBe(true)
    })
    expect(wire.recvFrame()).toBe(false)
  })

  it('tells heartbeats that something came', () => {
    const { wire, stream } = connectionOf(true)
    stream.write(deliver(1n))
    wire.recvFrame()
    expect(wire).toMatchObject({ recvSinceLastCheck: true, sentSinceLastCheck: false })
    publish(wire, {}, Buffer.of(1), 1)
    expect(wire.sentSinceLastCheck).toBe(true)
  })
})

it('asks amqplib for none of it', () => {
  const { wire, stream } = connectionOf(false)
  const asked = { recvFrame: vi.fn(wire.recvFrame), sendMessage: vi.fn(wire.sendMessage) }
  Object.assign(wire, asked)
  expect(useOwnFrames({ connection: wire as unknown as ChannelModel['connection'] }, () => undefined)).toBe(true)
  vi.clearAllMocks()
  for (const bytes of [deliver(1n), header(4n, 0xfff8, ...everyProperty), frame(3, Buffer.from('body'))]) stream.write(bytes)
  for (const _ of [1, 2, 3]) expect(wire.recvFrame()).toMatchObject({ channel: 1 })
  expect(asked.recvFrame).not.toHaveBeenCalled()
  publish(wire, { headers: { a: '1' } }, Buffer.from('body'), 1)
  expect(asked.sendMessage).not.toHaveBeenCalled()
})
