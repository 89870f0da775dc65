import * as zlib from 'node:zlib'
import { smallBytes } from './small.ts'

/** A body that cannot be decompressed, now or later. The message says why, in words that hold nothing of it. */
export class CorruptBody extends Error {
  override readonly name: string = 'CorruptBody'
}

type Coded = Error & { readonly code?: string }

interface Decoded {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

type Options = { readonly info: true; readonly maxOutputLength: number; readonly chunkSize: number }
type Callback = (error: Error | null, result: unknown) => void

/** One encoding undone, in place and in the thread pool. */
interface Decoder {
  readonly inPlace: (body: Uint8Array, options: Options) => unknown
  readonly inPool: (body: Uint8Array, options: Options, callback: Callback) => void
}

/** Longest result of what is done in place: a few bytes may hold many. */
const mostInPlace = 65_536
/** A window above 8 MiB is allowed only where the body may be as large: a forged frame must not make the decoder take more memory than the body could. */
const leastWindowLog = 23
const mostWindowLog = 27
/** Frames of one zstd body. */
const mostFrames = 1_000

const gzip: Decoder = { inPlace: zlib.gunzipSync, inPool: zlib.gunzip }

const decoders: ReadonlyMap<string, (maxBytes: number) => Decoder> = new Map([
  ['gzip', () => gzip],
  ['x-gzip', () => gzip],
  ['deflate', () => ({ inPlace: zlib.inflateSync, inPool: zlib.inflate })],
  ['br', () => ({ inPlace: zlib.brotliDecompressSync, inPool: zlib.brotliDecompress })],
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
    // A body of a thousand frames would keep everything else waiting.
    const mayBeInPlace = parts.length === 0
    const { buffer, engine } = await decodeOnce(decoder, rest, maxBytes - bytes, mayBeInPlace, (error) => refusal(error, encoding, maxBytes))
    parts.push(buffer)
    bytes += buffer.byteLength
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    rest = rest.subarray(engine.bytesWritten)
    // The gzip decoder goes on with further members by itself; a zstd body may have several frames, too.
  } while (rest.byteLength > 0 && parts.length < mostParts)
  if (rest.byteLength > 0) throw new CorruptBody(`${rest.byteLength} bytes follow the ${encoding} data`)
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

async function decodeOnce(decoder: Decoder, body: Uint8Array, maxBytes: number, mayBeInPlace: boolean, asRefusal: (error: Coded) => Error): Promise<Decoded> {
  const most = Math.max(1, maxBytes)
  const options = { info: true, maxOutputLength: most, chunkSize: body.byteLength > smallBytes ? 65_536 : 16_384 } as const
  if (mayBeInPlace && body.byteLength <= smallBytes) {
    try {
      return decoder.inPlace(body, { ...options, maxOutputLength: Math.min(most, mostInPlace) }) as Decoded
    } catch (error) {
      if (!isTooLarge(error as Coded) || most <= mostInPlace) throw asRefusal(error as Coded)
    }
  }
  return new Promise((resolve, reject) => {
    decoder.inPool(body, options, (error, result) => {
      if (error) reject(asRefusal(error))
      else resolve(result as Decoded)
    })
  })
}

function isTooLarge({ code }: Coded): boolean {
  return code === 'ERR_BUFFER_TOO_LARGE'
}

/** What is wrong with the body; a shortage of memory is not. */
function refusal(error: Coded, encoding: string, maxBytes: number): Error {
  const { code } = error
  if (isTooLarge(error)) return tooLarge(maxBytes)
  if (code === undefined || /MEM|ALLOC/i.test(code)) return error
  return new CorruptBody(code === 'Z_BUF_ERROR' ? `the ${encoding} data is cut off` : `it is not valid ${encoding} data`)
}

function tooLarge(maxBytes: number): CorruptBody {
  return new CorruptBody(`it has more than ${maxBytes} bytes`)
}

function zstdWithin(maxBytes: number): Decoder {
  const windowLog = Math.min(mostWindowLog, Math.max(leastWindowLog, Math.ceil(Math.log2(maxBytes))))
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: windowLog }
  return {
    inPlace: (body, options) => zlib.zstdDecompressSync(body, { ...options, params }),
    inPool: (body, options, callback) => zlib.zstdDecompress(body, { ...options, params }, callback),
  }
}
