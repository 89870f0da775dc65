import { isDeepStrictEqual } from 'node:util'
import { FrameReader } from './frame-reader.ts'
import { PublishFrames } from './publish-frames.ts'
import { basicProperties, basicPublish, type Frame, type PublishFields, type Wire } from './wire.ts'

/** Whether we write an example exactly as amqplib does, and make the same frames of it. False as well if amqplib's connection is not as known. */
export function worksLike(wire: Wire): boolean {
  try {
    const written = writtenBy(wire)
    const encoded = new PublishFrames().encode(channel, example, body)
    const received = Buffer.concat([delivered, written])
    const frames = framesByUs(wire, received)
    return encoded !== undefined && written.equals(encoded) && frames.length === 4 && isDeepStrictEqual(frames, framesBy(wire, received))
  } catch {
    return false
  }
}

const channel = 1
const body = Buffer.from('body')
const example: PublishFields = {
  exchange: 'exchange',
  routingKey: 'key',
  mandatory: true,
  contentType: 'text/plain',
  contentEncoding: undefined,
  headers: Object.create({ name: 'välue' }) as Record<string, string>,
  deliveryMode: 2,
  priority: 9,
  correlationId: undefined,
  replyTo: undefined,
  expiration: undefined,
  messageId: 'id',
  timestamp: 1_800_000_000,
  type: 'type',
  userId: undefined,
  appId: undefined,
}
/** A `basic.deliver` with consumer tag `t`, delivery tag 7, redelivered, of the default exchange, routing key `key`. What is published follows it. */
const delivered = Buffer.from('01000100000014003c003c017400000000000000070100036b6579ce', 'hex')

function writtenBy(wire: Wire): Buffer {
  const chunks: Buffer[] = []
  const write = (bytes: Buffer): boolean => chunks.push(bytes) > 0
  const host = { channels: { [channel]: { buffer: { write } } }, frameMax: 131_072, sendContent: wire.sendContent }
  wire.sendMessage.call(host as unknown as Wire, channel, basicPublish, example, basicProperties, example, body)
  return Buffer.concat(chunks)
}

/** By amqplib, from bytes of which it has all. */
function framesBy(wire: Wire, received: Buffer): Frame[] {
  const host = hostOf(wire, received)
  return allOf(() => host.recvFrame())
}

function framesByUs(wire: Wire, received: Buffer): Frame[] {
  const reader = new FrameReader(hostOf(wire, received))
  return allOf(() => reader.next())
}

function hostOf({ recvFrame }: Wire, rest: Buffer): Wire {
  return { rest, maxFrameSize: 0, stream: { read: () => null }, recvFrame } as Partial<Wire> as Wire
}

function allOf(next: () => Frame | false): Frame[] {
  const frames: Frame[] = []
  for (let frame = next(); frame !== false; frame = next()) frames.push(frame)
  return frames
}
