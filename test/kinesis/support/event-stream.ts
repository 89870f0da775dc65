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
