import { DeliveryFrames } from './delivery-frames.ts'
import { frameEnd, frameHeadBytes, frameType, type Frame, type Wire } from './wire.ts'

/**
 * Takes the place of amqplib's `recvFrame`: decodes the frames of deliveries where they lie. amqplib cuts each frame out, and what follows it, and the parts of it:
 * nine views of one buffer per message, which cost more than all that is done with the message. All other frames are decoded by amqplib.
 */
export class FrameReader {
  readonly #wire: Wire
  readonly #decode: Wire['recvFrame']
  readonly #deliveries = new DeliveryFrames()
  #bytes: Buffer
  #at = 0

  /** `wire.recvFrame` must still be amqplib's. */
  constructor(wire: Wire) {
    this.#wire = wire
    this.#decode = wire.recvFrame
    this.#bytes = wire.rest
  }

  /** The next whole frame; false where it has not arrived. Throws what amqplib throws for bytes that are no frame. */
  next(): Frame | false {
    for (;;) {
      const end = this.#endOfFrame()
      if (end !== undefined) return this.#take(end)
      const incoming = this.#wire.stream.read()
      if (incoming === null) return false
      this.#wire.recvSinceLastCheck = true
      this.#bytes = this.#at === this.#bytes.length ? incoming : Buffer.concat([this.#bytes.subarray(this.#at), incoming])
      this.#at = 0
      // Of a large frame this would be kept until the next delivery, which may be hours away.
      this.#deliveries.release()
    }
  }

  /** Where the frame at hand ends; `undefined` if not all of it is there. */
  #endOfFrame(): number | undefined {
    const [bytes, start] = [this.#bytes, this.#at]
    if (bytes.length - start < frameHeadBytes) return undefined
    const size = bytes.readUInt32BE(start + 3)
    const end = start + frameHeadBytes + size + 1
    const { maxFrameSize } = this.#wire
    // Before it has arrived: amqplib throws.
    if (maxFrameSize > 0 && size > maxFrameSize) this.#decodeAlone(start, bytes.length)
    return end <= bytes.length ? end : undefined
  }

  #take(end: number): Frame | false {
    const [bytes, start] = [this.#bytes, this.#at]
    const frame = bytes[end - 1] === frameEnd ? this.#delivery(bytes, start, end - 1) : undefined
    this.#at = end
    return frame ?? this.#decodeAlone(start, end)
  }

  #decodeAlone(start: number, end: number): Frame | false {
    return this.#decode.call({ rest: this.#bytes.subarray(start, end), maxFrameSize: this.#wire.maxFrameSize, stream: nothingMore })
  }

  /** The payload ends at `end`. */
  #delivery(bytes: Buffer, start: number, end: number): Frame | undefined {
    const channel = bytes.readUInt16BE(start + 1)
    const payload = start + frameHeadBytes
    switch (bytes[start]) {
      case frameType.method:
        return this.#deliveries.method(bytes, payload, end, channel)
      case frameType.header:
        return this.#deliveries.properties(bytes, payload, end, channel)
      case frameType.body:
        return { channel, content: bytes.subarray(payload, end) }
      default:
        return undefined
    }
  }
}

const nothingMore = { read: () => null }
