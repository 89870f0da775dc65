import * as zlib from 'node:zlib'
import { promisify } from 'node:util'
import type { SendContext, SendMiddleware, SendReceipt } from '@busbar/core'
import { checkedInteger, suggestion } from '@busbar/core/driver'
import { assertOptions } from '../support/assert-option.ts'
import { withHeader } from '../support/headers.ts'
import { encodingHeader } from './encodings.ts'
import { smallBytes } from './small.ts'

/** `gzip` is read by everything; `brotli` makes text smallest; `zstd` is fastest and needs Node 22.15 on both sides. */
export type CompressionAlgorithm = 'gzip' | 'brotli' | 'zstd'

export interface CompressionOptions {
  /** Default `gzip`. */
  readonly algorithm?: CompressionAlgorithm
  /** Smaller bodies are sent as they are. Bytes, ≥ 0. Default 1,024. */
  readonly minBytes?: number
  /** Larger bodies are sent as they are, too: consumers would not decompress them. Bytes, ≥ 1. Default 67,108,864 (64 MiB), as that of `decompression`. */
  readonly maxBytes?: number
  /** Higher is smaller and slower. `gzip`: 1 to 9, default 6. `brotli`: 0 to 11, default 5. `zstd`: 1 to 19, default 3. */
  readonly level?: number
}

/** One way to compress, in place and in the thread pool. */
interface Engine {
  readonly inPlace: (body: Uint8Array) => Buffer
  readonly inPool: (body: Uint8Array) => Promise<Buffer>
}

interface Algorithm {
  /** As `content-encoding` names it. */
  readonly token: string
  readonly levels: readonly [least: number, most: number, usual: number]
  readonly make: (level: number) => Engine
}

const algorithms: Readonly<Record<CompressionAlgorithm, Algorithm>> = {
  gzip: {
    token: 'gzip',
    levels: [1, 9, 6],
    make: (level) => {
      const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip)
      return { inPlace: (body) => zlib.gzipSync(body, { level }), inPool: (body) => gzip(body, { level }) }
    },
  },
  brotli: {
    token: 'br',
    levels: [0, 11, 5],
    make: (level) => {
      const brotli = promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliCompress)
      const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants
      const optionsFor = ({ byteLength }: Uint8Array): zlib.BrotliOptions => ({
        params: { [BROTLI_PARAM_QUALITY]: level, [BROTLI_PARAM_SIZE_HINT]: byteLength },
      })
      return { inPlace: (body) => zlib.brotliCompressSync(body, optionsFor(body)), inPool: (body) => brotli(body, optionsFor(body)) }
    },
  },
  zstd: {
    token: 'zstd',
    levels: [1, 19, 3],
    make: (level) => {
      if (typeof zlib.zstdCompress !== 'function') throw new TypeError('compression: zstd needs Node 22.15 or newer; use gzip or brotli')
      const zstd = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress)
      // Without the size it prepares, at high levels, for the largest body there is: 80 ms instead of one.
      const optionsFor = ({ byteLength }: Uint8Array): zlib.ZstdOptions => ({
        params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
        pledgedSrcSize: byteLength,
      })
      return { inPlace: (body) => zlib.zstdCompressSync(body, optionsFor(body)), inPool: (body) => zstd(body, optionsFor(body)) }
    },
  },
}

const known = ['algorithm', 'minBytes', 'maxBytes', 'level']

/**
 * Compresses bodies of `minBytes` and more and tells so in the header `content-encoding`. Consumers need {@link decompression}.
 * Stands inside idempotency and outside encryption.
 *
 * Bodies of up to 16 KiB, at the default level or below, are compressed in place, in some tens of microseconds; all others in the thread pool, off the event loop.
 *
 * A body that does not get smaller by more than the header takes is sent as it is, and so is one that comes with a `content-encoding` already.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function compression(options: CompressionOptions = {}): SendMiddleware {
  assertOptions('compression', options, known)
  const { algorithm: name = 'gzip', minBytes = 1_024, maxBytes = 67_108_864 } = options
  if (!Object.hasOwn(algorithms, name)) throw new TypeError(`compression: unknown algorithm '${name}'${suggestion(name, Object.keys(algorithms))}`)
  const { token, levels, make } = algorithms[name]
  const [least, most, usual] = levels
  checkedInteger('compression: minBytes', minBytes, 0)
  checkedInteger('compression: maxBytes', maxBytes, 1, 2_147_483_648)
  const level = checkedInteger(`compression: level of ${name}`, options.level ?? usual, least, most)
  const { inPlace, inPool } = make(level)
  const mostInPlace = level <= usual ? smallBytes : 0
  const headerBytes = encodingHeader.length + token.length

  async function compressed(context: SendContext, next: () => Promise<SendReceipt>): Promise<SendReceipt> {
    const { outgoing, clock } = context
    const bytes = typeof outgoing.body === 'string' ? Buffer.from(outgoing.body) : outgoing.body
    const body = bytes.byteLength <= mostInPlace ? inPlace(bytes) : await clock.external(inPool(bytes))
    if (body.byteLength + headerBytes < outgoing.bodyBytes)
      context.outgoing = { ...outgoing, body, bodyBytes: body.byteLength, headers: withHeader(outgoing.headers, encodingHeader, token) }
    return next()
  }

  return {
    name: 'compression',
    stage: 'compression',
    send(context, next) {
      const { bodyBytes, headers } = context.outgoing
      return bodyBytes < minBytes || bodyBytes > maxBytes || headers[encodingHeader] !== undefined ? next() : compressed(context, next)
    },
  }
}
