import { basicProperties, basicPublish, frameEnd, frameHeadBytes, frameType, propertyFlag as flag, tag, twoTo32, type PublishFields } from './wire.ts'

/** Bodies up to this size are copied behind their headers. Less than the smallest limit of a frame (4,096), or they would have to be split. */
export const maxCopiedBytes = 2_048
/** What is written to is shared by messages until it is full. */
const slabBytes = 65_536
/** Frames and fixed fields (59), and eleven texts of 255 characters of up to three bytes. */
const propertiesBound = 11 * 766 + 64
/** Of a table of headers that is written here. */
const maxTableBytes = 16_384

/** Encodes the frames of publishes, each message into one piece of a shared buffer, byte for byte as amqplib does, which makes six buffers of it. */
export class PublishFrames {
  #slab: Buffer = Buffer.alloc(0)
  #at = 0
  /** Set by what cannot be written here. */
  #failed = false

  /** The frames of one message, without the one of the body if that has more than `maxCopiedBytes`. `undefined` for what is not written here: amqplib does, or says what is wrong with it. */
  encode(channel: number, fields: PublishFields, content: Buffer): Buffer | undefined {
    const tableBound = boundOf(fields.headers)
    if (!(tableBound <= maxTableBytes)) return undefined
    const copied = content.length > 0 && content.length <= maxCopiedBytes
    this.#reserve(propertiesBound + tableBound + (copied ? content.length : 0))
    const start = this.#at
    this.#failed = false
    this.#method(channel, fields)
    this.#properties(channel, fields, content.length)
    if (copied) this.#body(channel, content)
    if (this.#failed) {
      this.#at = start
      return undefined
    }
    return this.#slab.subarray(start, this.#at)
  }

  #reserve(bytes: number): void {
    if (this.#slab.length - this.#at >= bytes) return
    this.#slab = Buffer.allocUnsafeSlow(slabBytes)
    this.#at = 0
  }

  #method(channel: number, { exchange, routingKey, mandatory }: PublishFields): void {
    const start = this.#begin(frameType.method, channel)
    this.#uint32(basicPublish)
    this.#uint16(0)
    this.#shortText(exchange)
    this.#shortText(routingKey)
    this.#octet(mandatory ? 1 : 0)
    this.#end(start)
  }

  #properties(channel: number, fields: PublishFields, bodyBytes: number): void {
    const start = this.#begin(frameType.header, channel)
    this.#uint16(basicProperties)
    this.#uint16(0)
    this.#uint64(bodyBytes)
    const flagsAt = this.#at
    this.#at += 2
    let flags = flag.headers | this.#text(flag.contentType, fields.contentType) | this.#text(flag.contentEncoding, fields.contentEncoding)
    this.#table(fields.headers)
    flags |= this.#number(flag.deliveryMode, fields.deliveryMode) | this.#number(flag.priority, fields.priority)
    flags |= this.#text(flag.correlationId, fields.correlationId) | this.#text(flag.replyTo, fields.replyTo)
    flags |= this.#text(flag.expiration, fields.expiration) | this.#text(flag.messageId, fields.messageId)
    flags |= this.#time(flag.timestamp, fields.timestamp)
    flags |= this.#text(flag.type, fields.type) | this.#text(flag.userId, fields.userId) | this.#text(flag.appId, fields.appId)
    this.#slab.writeUInt16BE(flags, flagsAt)
    this.#end(start)
  }

  #body(channel: number, content: Buffer): void {
    const start = this.#begin(frameType.body, channel)
    this.#at += content.copy(this.#slab, this.#at)
    this.#end(start)
  }

  /** Where the frame starts. */
  #begin(type: number, channel: number): number {
    const start = this.#at
    this.#octet(type)
    this.#uint16(channel)
    this.#at += 4
    return start
  }

  #end(start: number): void {
    this.#slab.writeUInt32BE(this.#at - start - frameHeadBytes, start + 3)
    this.#octet(frameEnd)
  }

  /** Its flag; none if it is not there. */
  #text(itsFlag: number, text: string | undefined): number {
    if (text === undefined) return 0
    this.#shortText(text)
    return itsFlag
  }

  #number(itsFlag: number, value: number | undefined): number {
    if (value === undefined) return 0
    if (!Number.isInteger(value) || value < 0 || value > 255) this.#failed = true
    else this.#octet(value)
    return itsFlag
  }

  #time(itsFlag: number, value: number | undefined): number {
    if (value === undefined) return 0
    if (!Number.isSafeInteger(value) || value < 0) this.#failed = true
    else this.#uint64(value)
    return itsFlag
  }

  #table(headers: PublishFields['headers']): void {
    const start = this.#at
    this.#at += 4
    // amqplib makes the headers the prototype of the object it passes on.
    for (const name in headers) {
      const value = headers[name]
      if (value === undefined) continue
      this.#shortText(name)
      this.#octet(tag.text)
      this.#longText(value as string)
    }
    this.#slab.writeUInt32BE(this.#at - start - 4, start)
  }

  #longText(text: string): void {
    const start = this.#at
    this.#at += 4
    this.#utf8(text)
    this.#slab.writeUInt32BE(this.#at - start - 4, start)
  }

  /** Up to 255 bytes. */
  #shortText(text: string): void {
    if (typeof text !== 'string' || text.length > 255) {
      this.#failed = true
      return
    }
    const start = this.#at++
    this.#utf8(text)
    const bytes = this.#at - start - 1
    if (bytes > 255) this.#failed = true
    this.#slab[start] = bytes
  }

  // A loop is faster than a call of `write` for what names and ids mostly are: short, and ASCII.
  #utf8(text: string): void {
    const slab = this.#slab
    let at = this.#at
    if (text.length > shortLength) {
      this.#at += slab.write(text, at)
      return
    }
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 127) {
        this.#at += slab.write(text, this.#at)
        return
      }
      slab[at++] = unit
    }
    this.#at = at
  }

  #octet(value: number): void {
    this.#slab[this.#at++] = value
  }

  #uint16(value: number): void {
    this.#octet(value >>> 8)
    this.#octet(value)
  }

  #uint32(value: number): void {
    this.#uint16(value >>> 16)
    this.#uint16(value)
  }

  #uint64(value: number): void {
    this.#uint32(Math.floor(value / twoTo32))
    this.#uint32(value)
  }
}

/** Characters up to which a loop writes a text. */
const shortLength = 48

/** At least the bytes of the table; NaN where it has values other than texts. */
function boundOf(headers: PublishFields['headers']): number {
  let bytes = 0
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined) continue
    if (typeof value !== 'string') return Number.NaN
    bytes += 3 * (name.length + value.length) + 6
  }
  return bytes
}
