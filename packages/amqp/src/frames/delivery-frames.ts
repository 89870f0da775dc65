import { Cursor } from './cursor.ts'
import { RepeatedText } from './repeated-text.ts'
import { basicDeliver, basicProperties, propertyFlag as flag, type Frame } from './wire.ts'

/** Decodes the two frames that come before the body of a delivery, into what amqplib makes of them. `undefined` for what is not read here. */
export class DeliveryFrames {
  readonly #cursor = new Cursor()
  readonly #consumerTag = new RepeatedText()
  readonly #exchange = new RepeatedText()
  readonly #routingKey = new RepeatedText()
  readonly #contentType = new RepeatedText()
  readonly #type = new RepeatedText()

  /** Lets go of the bytes that were read last. */
  release(): void {
    this.#cursor.startAt(noBytes, 0)
  }

  /** The payload of a method frame is at `start` to before `end`. */
  method(bytes: Buffer, start: number, end: number, channel: number): Frame | undefined {
    const cursor = this.#cursor
    cursor.startAt(bytes, start)
    if (cursor.uint32() !== basicDeliver) return undefined
    const fields = {
      consumerTag: cursor.repeated(this.#consumerTag),
      deliveryTag: cursor.uint64(),
      redelivered: (cursor.octet() & 1) === 1,
      exchange: cursor.repeated(this.#exchange),
      routingKey: cursor.repeated(this.#routingKey),
    }
    return cursor.at <= end ? { id: basicDeliver, channel, fields } : undefined
  }

  /** The payload of a header frame is at `start` to before `end`. */
  properties(bytes: Buffer, start: number, end: number, channel: number): Frame | undefined {
    const cursor = this.#cursor
    cursor.startAt(bytes, start)
    const id = cursor.uint16()
    cursor.at += weightBytes
    const size = cursor.int64()
    const flags = cursor.uint16()
    if (id !== basicProperties || (flags & ~flagsRead) !== 0) return undefined
    if (flags === 0 && cursor.at <= end) return { id, channel, size, fields: {} }
    const fields = {
      contentType: flags & flag.contentType ? cursor.repeated(this.#contentType) : undefined,
      contentEncoding: flags & flag.contentEncoding ? cursor.shortText() : undefined,
      headers: flags & flag.headers ? cursor.table() : undefined,
      deliveryMode: flags & flag.deliveryMode ? cursor.octet() : undefined,
      priority: flags & flag.priority ? cursor.octet() : undefined,
      correlationId: flags & flag.correlationId ? cursor.shortText() : undefined,
      replyTo: flags & flag.replyTo ? cursor.shortText() : undefined,
      expiration: flags & flag.expiration ? cursor.shortText() : undefined,
      messageId: flags & flag.messageId ? cursor.shortText() : undefined,
      timestamp: flags & flag.timestamp ? cursor.uint64() : undefined,
      type: flags & flag.type ? cursor.repeated(this.#type) : undefined,
      userId: flags & flag.userId ? cursor.shortText() : undefined,
      appId: flags & flag.appId ? cursor.shortText() : undefined,
      clusterId: undefined,
    }
    return cursor.at <= end ? { id, channel, size, fields } : undefined
  }
}

const noBytes = Buffer.alloc(0)
const weightBytes = 2
/** The properties that are read here: all but the last of AMQP, which nobody uses any more. */
const flagsRead = Object.values(flag).reduce((flags, one) => flags | one, 0)
