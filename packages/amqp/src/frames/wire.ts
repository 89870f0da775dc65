import type { Duplex } from 'node:stream'

/** A decoded frame, as amqplib's channels take it. A body frame has `content`, the others `id` and `fields`, the one of properties the `size` of the body besides. */
export interface Frame {
  readonly id?: number
  readonly channel: number
  readonly size?: number
  readonly fields?: object
  readonly content?: Buffer
}

/** Of a publish: its method's fields and its properties in one object, as amqplib passes them on. */
export interface PublishFields {
  readonly exchange: string
  readonly routingKey: string
  readonly mandatory: boolean
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly deliveryMode: number | undefined
  readonly priority: number | undefined
  readonly correlationId: string | undefined
  readonly replyTo: string | undefined
  readonly expiration: string | undefined
  readonly messageId: string | undefined
  readonly timestamp: number | undefined
  readonly type: string | undefined
  readonly userId: string | undefined
  readonly appId: string | undefined
}

interface Received {
  read(): Buffer | null
}

/** What amqplib's connection has besides what its types show. */
export interface Wire {
  /** Received, but not a whole frame yet. */
  rest: Buffer
  readonly maxFrameSize: number
  /** For heartbeats: whether anything came, and whether anything went. */
  recvSinceLastCheck: boolean
  sentSinceLastCheck: boolean
  /** The socket. */
  readonly stream: Received & Pick<Duplex, 'write' | 'cork' | 'uncork' | 'writableNeedDrain'>
  /** What was written to a channel's buffer is in the socket an immediate later. */
  readonly channels: Readonly<Record<number, { readonly buffer: Pick<Duplex, 'readableLength' | 'writableLength'> & { write(bytes: Buffer): boolean } }>>
  /** The next whole frame; false where it has not arrived. */
  recvFrame: (this: Pick<Wire, 'rest' | 'maxFrameSize'> & { readonly stream: Received }) => Frame | false
  /** These two are false where the next message should wait for `drain`. */
  sendMessage: (this: Wire, channel: number, method: number, fields: PublishFields, header: number, properties: PublishFields, content: Buffer) => boolean
  readonly sendContent: (this: Wire, channel: number, content: Buffer) => boolean
}

export const frameType = { method: 1, header: 2, body: 3 } as const
export const frameEnd = 0xce
/** Type, channel and size. */
export const frameHeadBytes = 7

/** Class and method. */
export const basicDeliver = 0x3c003c
export const basicPublish = 0x3c0028
/** The class alone: its header frame. */
export const basicProperties = 0x3c

/** Which properties are there, in the order in which they follow. */
export const propertyFlag = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x800,
  correlationId: 0x400,
  replyTo: 0x200,
  expiration: 0x100,
  messageId: 0x80,
  timestamp: 0x40,
  type: 0x20,
  userId: 0x10,
  appId: 0x8,
} as const

/** Letters before the values of a table: S, I, l, t. */
export const tag = { text: 0x53, int32: 0x49, int64: 0x6c, boolean: 0x74 } as const

export const twoTo32: number = 2 ** 32
