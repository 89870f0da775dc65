import { isDeepStrictEqual } from 'node:util'
import { FrameReader, PublishFrames, type Frame, type PublishFields, type Wire } from '@busbar/amqp/decoders'
import type { Draw } from '../draw.ts'
import { optional } from '../inputs.ts'
import { mutatedBytes } from '../mutate/bytes.ts'
import { target } from '../target.ts'
import { connection, shortBytes, tableBytes, tableIn } from './amqp-codec.ts'

const [methodFrame, headerFrame, bodyFrame] = [1, 2, 3]
const [basicPublish, basicProperties] = [0x3c0028, 0x3c]
const maxCopiedBytes = 2_048

/** Frames that are read and written in amqplib's place: what comes out has to be what amqplib makes of the same. */
export const amqpFrameTargets = [
  target({
    name: 'amqp-frames',
    generate: (draw) => {
      const bytes = Buffer.concat(Array.from({ length: 1 + draw.below(5) }, () => frame(draw)))
      return draw.chance(0.7) ? mutatedBytes(draw, bytes) : bytes
    },
    decode: (received) => {
      const ours = new FrameReader(hostOf(received))
      const theirs = hostOf(received)
      return { ours: allOf(() => ours.next()), theirs: allOf(() => theirs.recvFrame()) }
    },
    // A header `__proto__` sets a prototype in amqplib, which is another object each time: without it.
    problem: ({ ours, theirs }) =>
      isDeepStrictEqual(ours, theirs, { skipPrototype: true }) ? undefined : `of ${ours.length} frames one is read otherwise than by amqplib`,
  }),
  target({
    name: 'amqp-publish',
    generate: (draw) => ({ fields: publishFields(draw), content: Buffer.alloc(draw.pick([0, 1, 40, maxCopiedBytes])) }),
    decode: ({ fields, content }) => ({ ours: new PublishFrames().encode(1, fields, content)?.toString('hex'), theirs: publishedByAmqplib(fields, content) }),
    // What is not written here is left to amqplib.
    problem: ({ ours, theirs }) => (ours === undefined || ours === theirs ? undefined : `a message is written as ${ours} and by amqplib as ${theirs}`),
  }),
]

function hostOf(rest: Buffer): Wire {
  return { rest, maxFrameSize: 100_000, stream: { read: () => null }, recvFrame: connection.recvFrame } as Partial<Wire> as Wire
}

/** The last one may be the name of the error that ended it. */
function allOf(next: () => Frame | false): unknown[] {
  const frames: unknown[] = []
  try {
    for (let one = next(); one !== false; one = next()) frames.push(one)
  } catch (error) {
    frames.push((error as Error).name)
  }
  return frames
}

function publishedByAmqplib(fields: PublishFields, content: Buffer): string {
  const chunks: Buffer[] = []
  const write = (bytes: Buffer): boolean => chunks.push(bytes) > 0
  const host = {
    channels: { 1: { buffer: { write, readableLength: 0, writableLength: 0 } } },
    frameMax: 131_072,
    sendContent: connection.sendContent,
  } as Partial<Wire> as Wire
  try {
    connection.sendMessage.call(host, 1, basicPublish, fields, basicProperties, fields, content)
  } catch (error) {
    return String(error)
  }
  return Buffer.concat(chunks).toString('hex')
}

function publishFields(draw: Draw): PublishFields {
  const text = (): string => shortBytes(draw, draw.chance(0.02) ? 300 : 60).toString()
  const number = (): number => draw.pick([0, 1, 255, 256, -1, 1.5, Number.NaN, 2 ** 32, 2 ** 53, 1_767_225_600])
  const maybeText = (): string | undefined => optional(draw, text)
  return {
    exchange: text(),
    routingKey: text(),
    mandatory: draw.chance(0.5),
    contentType: maybeText(),
    contentEncoding: maybeText(),
    headers: headers(draw),
    deliveryMode: optional(draw, number),
    priority: optional(draw, number),
    correlationId: maybeText(),
    replyTo: maybeText(),
    expiration: maybeText(),
    messageId: maybeText(),
    timestamp: optional(draw, number),
    type: maybeText(),
    userId: maybeText(),
    appId: maybeText(),
  }
}

function headers(draw: Draw): Record<string, unknown> {
  if (draw.chance(0.2)) return (tableIn(tableBytes(draw, ['a', '__proto__'], () => undefined)) ?? {}) as Record<string, unknown>
  const texts = Array.from({ length: draw.below(5) }, () => [shortBytes(draw, 60).toString(), optional(draw, () => shortBytes(draw, 400).toString())])
  return Object.create(Object.fromEntries(texts) as object) as Record<string, unknown>
}

function frame(draw: Draw): Buffer {
  const [type, payload] = draw.pick<[number, () => Buffer]>([
    [methodFrame, () => delivery(draw)],
    [headerFrame, () => properties(draw)],
    [bodyFrame, () => draw.bytes(draw.below(20))],
    [methodFrame, () => Buffer.from('003c0050000000000000000901', 'hex')],
    [draw.below(10), () => draw.bytes(draw.below(20))],
  ])
  const all = payload()
  const bytes = draw.chance(0.05) ? all.subarray(0, draw.below(all.length + 1)) : all
  const head = Buffer.from([type, 0, draw.below(3), 0, 0, bytes.length >> 8, bytes.length])
  return Buffer.concat([head, bytes, Buffer.of(0xce)])
}

function delivery(draw: Draw): Buffer {
  return Buffer.concat([Buffer.from('003c003c', 'hex'), short(draw), number64(draw), Buffer.of(draw.below(3)), short(draw), short(draw)])
}

/** All properties in order, of which the flags choose. */
function properties(draw: Draw): Buffer {
  const flags = draw.chance(0.8) ? draw.below(0x2000) << 3 : draw.below(0x1_00_00)
  const table = (): Buffer => {
    const fields = tableBytes(draw, ['a', 'busbar', 'x-delivery-count', '__proto__'], () => undefined)
    return Buffer.concat([Buffer.from([0, 0, fields.length >> 8, fields.length]), fields])
  }
  const texts = (count: number): (() => Buffer)[] => Array.from({ length: count }, () => () => short(draw))
  const octet = (): Buffer => draw.bytes(1)
  const all = [...texts(2), table, octet, octet, ...texts(4), () => number64(draw), ...texts(4)]
  const chosen = all.map((property, index) => (flags & (0x8000 >> index) ? property() : Buffer.alloc(0)))
  return Buffer.concat([Buffer.from('003c0000', 'hex'), number64(draw), Buffer.of(flags >> 8, flags & 0xff), ...chosen])
}

function short(draw: Draw): Buffer {
  const bytes = shortBytes(draw, 255)
  return Buffer.concat([Buffer.of(bytes.length), bytes])
}

function number64(draw: Draw): Buffer {
  return draw.chance(0.2) ? Buffer.alloc(8, draw.pick([0x7f, 0x80, 0xff])) : Buffer.concat([Buffer.alloc(4), draw.bytes(4)])
}
