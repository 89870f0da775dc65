import * as zlib from 'node:zlib'

/** A body that cannot be decompressed, now or later. The message says why, in words that hold nothing of it. */
export class CorruptBody extends Error {
  override readonly name: string = 'CorruptBody'
}

interface Decoded {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

type Callback = (error: (Error & { readonly code?: string }) | null, result: unknown) => void
type Decoder = (body: Uint8Array, options: { readonly info: true; readonly maxOutputLength: number; readonly chunkSize: number }, callback: Callback) => void

/** A window above 8 MiB is allowed only where the body may be as large: a forged frame must not make the decoder take more memory than the body could. */
const leastWindowLog = 23
const mostWindowLog = 27
/** Frames of one zstd body. */
const mostFrames = 1_000

const decoders: ReadonlyMap<string, (maxBytes: number) => Decoder> = new Map([
  ['gzip', () => zlib.gunzip],
  ['x-gzip', () => zlib.gunzip],
  ['deflate', () => zlib.inflate],
  ['br', () => zlib.brotliDecompress],
  ...(typeof zlib.zstdDecompress === 'function' ? [['zstd', zstdWithin] as const] : []),
])

/** Can this encoding be undone here? */
export function isKnown(encoding: string): boolean {
  return decoders.has(encoding)
}

/**
 * Undoes `encodings`, the last one first. Stops as soon as more than `maxBytes` have come out, and rejects with a {@link CorruptBody} for that and
 * for bodies that are damaged, cut off or followed by something else.
 */
export async function decodeAll(body: Uint8Array, encodings: readonly string[], maxBytes: number): Promise<Uint8Array> {
  let decoded = body
  for (const encoding of encodings.toReversed()) decoded = await decode(decoded, encoding, maxBytes)
  return decoded
}

async function decode(body: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const decoder = decoders.get(encoding)?.(maxBytes)
  if (decoder === undefined) throw new TypeError(`decompression: no decoder for ${encoding}`)
  const mostParts = encoding === 'zstd' ? mostFrames : 1
  const parts: Buffer[] = []
  let bytes = 0
  let rest = body
  do {
    const { buffer, engine } = await decodeOnce(decoder, rest, maxBytes - bytes, (error) => refusal(error, encoding, maxBytes))
    parts.push(buffer)
    bytes += buffer.byteLength
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    rest = rest.subarray(engine.bytesWritten)
    // The gzip decoder goes on with further members by itself; a zstd body may have several frames, too.
  } while (rest.byteLength > 0 && parts.length < mostParts)
  if (rest.byteLength > 0) throw new CorruptBody(`${rest.byteLength} bytes follow the ${encoding} data`)
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

function decodeOnce(decoder: Decoder, body: Uint8Array, maxBytes: number, asRefusal: (error: Error) => Error): Promise<Decoded> {
  const options = { info: true, maxOutputLength: Math.max(1, maxBytes), chunkSize: body.byteLength > 16_384 ? 65_536 : 16_384 } as const
  return new Promise((resolve, reject) => {
    decoder(body, options, (error, result) => {
      if (error) reject(asRefusal(error))
      else resolve(result as Decoded)
    })
  })
}

/** What is wrong with the body; a shortage of memory is not. */
function refusal(error: Error & { readonly code?: string }, encoding: string, maxBytes: number): Error {
  const { code } = error
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(maxBytes)
  if (code === undefined || /MEM|ALLOC/i.test(code)) return error
  return new CorruptBody(code === 'Z_BUF_ERROR' ? `the ${encoding} data is cut off` : `it is not valid ${encoding} data`)
}

function tooLarge(maxBytes: number): CorruptBody {
  return new CorruptBody(`it has more than ${maxBytes} bytes`)
}

function zstdWithin(maxBytes: number): Decoder {
  const windowLog = Math.min(mostWindowLog, Math.max(leastWindowLog, Math.ceil(Math.log2(maxBytes))))
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: windowLog }
  const decoder = zlib.zstdDecompress as unknown as (body: Uint8Array, options: object, callback: Callback) => void
  return (body, options, callback) => decoder(body, { ...options, params }, callback)
}
