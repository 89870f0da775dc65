import { crc32 } from 'node:zlib'

/** One message of the AWS event stream encoding: lengths, their checksum, headers, payload, checksum of all. */
export function encodeEvent(type: 'event' | 'exception', name: string, payload: object): Buffer {
  const headers = Buffer.concat([header(':message-type', type), header(`:${type}-type`, name), header(':content-type', 'application/json')])
  const body = Buffer.from(JSON.stringify(payload))
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(16 + headers.length + body.length, 0)
  prelude.writeUInt32BE(headers.length, 4)
  const message = Buffer.concat([prelude, checksum(prelude), headers, body])
  return Buffer.concat([message, checksum(message)])
}

/** Whole messages of what comes in any pieces. */
export async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= rest.readUInt32BE(0)) {
      const length = rest.readUInt32BE(0)
      yield rest.subarray(0, length)
      rest = rest.subarray(length)
    }
  }
}

/** Of a message in JSON. */
export function payloadOf(message: Buffer): unknown {
  return JSON.parse(message.subarray(12 + message.readUInt32BE(4), -4).toString())
}

/** A header whose value is a text. */
function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(Buffer.byteLength(value))
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([7]), length, Buffer.from(value)])
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum
}
