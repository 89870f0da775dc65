import { isDeepStrictEqual } from 'node:util'
import { FrameReader } from './frame-reader.ts'
import { frameWriter } from './frame-writer.ts'
import { maxCopiedBytes } from './publish-frames.ts'
import { basicProperties, basicPublish, type Frame, type PublishFields, type Wire } from './wire.ts'

/**
 * Whether we write examples exactly as amqplib does, make the same frames of them, and tell heartbeats the same. The methods of amqplib are called on objects that have
 * nothing but what we know of its connection, never on the connection: false as well where they want anything else.
 */
export function worksLike(wire: Wire): boolean {
  try {
    return bodies.every((body) => {
      const ours = written(wire, body, ourSender)
      const received = Buffer.concat([delivered, ours.bytes])
      return isDeepStrictEqual(ours, written(wire, body, theirSender)) && isDeepStrictEqual(read(wire, received, ourReader), read(wire, received, theirReader))
    })
  } catch {
    return false
  }
}

/** One that is copied behind its headers, and one of two frames. */
const bodies = [Buffer.from('body'), Buffer.alloc(2 * maxCopiedBytes)]
const frameMax = 4_096
const channel = 1
const example: PublishFields = {
  exchange: 'exchange',
  routingKey: 'key',
  mandatory: true,
  contentType: 'text/plain',
  contentEncoding: 'gzip',
  headers: Object.create({ name: 'välue' }) as Record<string, string>,
  deliveryMode: 2,
  priority: 9,
  correlationId: 'correlation',
  replyTo: 'reply',
  expiration: '60000',
  messageId: 'id',
  timestamp: 1_800_000_000,
  type: 'type',
  userId: 'user',
  appId: 'app',
}
/** Before what is published. */
const delivered = Buffer.concat([
  // A `basic.deliver` with consumer tag `t`, delivery tag 7, redelivered, of the default exchange, routing key `key`.
  Buffer.from('01000100000014003c003c017400000000000000070100036b6579ce', 'hex'),
  // Properties of a body of one byte: headers `i` of 32 bits, `l` of 64, and `t`, true.
  Buffer.from('02000100000028003c00000000000000000001200000000016016949fffffff0016c6c002000000000000101747401ce', 'hex'),
])
/** Where the first read ends: within a frame. */
const cut = 40

/** What `sender` writes of the example, and whether heartbeats are told. */
function written(
  { sendMessage, sendContent }: Wire,
  body: Buffer,
  sender: (host: Wire) => Wire['sendMessage'],
): { readonly bytes: Buffer; readonly told: boolean } {
  const chunks: Buffer[] = []
  const write = (bytes: Buffer): boolean => chunks.push(bytes) > 0
  const stream = { write, cork: nothing, uncork: nothing, writableNeedDrain: false, read: nothing }
  const channels = { [channel]: { buffer: { write, readableLength: 0, writableLength: 0 } } }
  const host = sealed({ channels, stream, frameMax, sentSinceLastCheck: false, sendMessage, sendContent })
  sender(host).call(host, channel, basicPublish, example, basicProperties, example, body)
  return { bytes: Buffer.concat(chunks), told: host.sentSinceLastCheck }
}

/** The frames that `reader` makes of `bytes`, and whether heartbeats are told. */
function read({ recvFrame }: Wire, bytes: Buffer, reader: (host: Wire) => () => Frame | false): { readonly frames: readonly Frame[]; readonly told: boolean } {
  const parts = [bytes.subarray(cut)]
  const stream = { read: () => parts.shift() ?? null }
  const host = sealed({ rest: bytes.subarray(0, cut), maxFrameSize: frameMax, stream: stream as Wire['stream'], recvSinceLastCheck: false, recvFrame })
  const next = reader(host)
  const frames: Frame[] = []
  for (let frame = next(); frame !== false; frame = next()) frames.push(frame)
  return { frames, told: host.recvSinceLastCheck }
}

/** Adding another property to it throws. */
function sealed(host: Partial<Wire> & { readonly frameMax?: number }): Wire {
  return Object.seal(host) as Wire
}

const nothing = (): null => null
const ourSender = (host: Wire): Wire['sendMessage'] => frameWriter(host, nothing)
const theirSender = (host: Wire): Wire['sendMessage'] => host.sendMessage
const theirReader = (host: Wire) => (): Frame | false => host.recvFrame()
const ourReader = (host: Wire): (() => Frame | false) => {
  const reader = new FrameReader(host)
  return () => reader.next()
}
