import type { Next, ProcessContext, ProcessMiddleware } from '@busbar/core'
import { checkedInteger, checkedNumber, type MaybePromise } from '@busbar/core/driver'
import { assertOptions } from '../support/assert-option.ts'
import { withoutHeader } from '../support/headers.ts'
import { quoted, undecodable } from '../support/undecodable.ts'
import { CorruptBody, decodeAll, isKnown } from './decode.ts'
import { encodingHeader, encodingsOf } from './encodings.ts'

export interface DecompressionOptions {
  /** Largest body, decompressed. Bytes, 1 to 2,147,483,648. Default 67,108,864 (64 MiB). */
  readonly maxBytes?: number
  /** Largest body, as a multiple of what was received, ≥ 1. Default: no limit but `maxBytes`. */
  readonly maxRatio?: number
  /** What to do with a message whose `content-encoding` is not known here. `refuse` (default): dead letter. `pass`: it goes on as it came, header and body. */
  readonly otherEncodings?: 'refuse' | 'pass'
}

const known = ['maxBytes', 'maxRatio', 'otherEncodings']
const reason = 'the body cannot be decompressed'

/**
 * Decompresses bodies that the header `content-encoding` calls compressed, by Busbar or by anybody else: `gzip`, `x-gzip`, `deflate`, `br`, `zstd`, or several,
 * separated by commas. The header is taken away. Stands inside decryption and outside idempotency.
 *
 * A body that is damaged, cut off, followed by something else, or larger than allowed is given up to the dead-letter place with `ERR_UNDECODABLE`; of one that is
 * too large, no more than `maxBytes` and a piece of 64 KiB are ever in memory. Values that name a character set (`utf-8`) say nothing about compression and are passed on.
 *
 * Throws `RangeError` or `TypeError` for options out of bounds or unknown.
 */
export function decompression(options: DecompressionOptions = {}): ProcessMiddleware {
  assertOptions('decompression', options, known)
  const { maxBytes = 67_108_864, maxRatio = Infinity, otherEncodings = 'refuse' } = options
  checkedInteger('decompression: maxBytes', maxBytes, 1, 2_147_483_648)
  checkedNumber('decompression: maxRatio', maxRatio, 1, Infinity)
  if (otherEncodings !== 'refuse' && otherEncodings !== 'pass')
    throw new TypeError(`decompression: otherEncodings must be 'refuse' or 'pass', not ${quoted(String(otherEncodings))}`)

  function decode(value: string, context: ProcessContext, next: Next): MaybePromise<unknown> {
    const encodings = encodingsOf(value)
    if (encodings?.length === 0) return next()
    const other = encodings === undefined ? value : encodings.find((encoding) => !isKnown(encoding))
    if (encodings !== undefined && other === undefined) return decoded(encodings, context, next)
    return otherEncodings === 'pass' ? next() : undecodable(context, reason, `content-encoding ${quoted(other ?? value)} is not known here`)
  }

  async function decoded(encodings: readonly string[], context: ProcessContext, next: Next): Promise<unknown> {
    const { incoming, clock } = context
    const limit = Math.min(maxBytes, Math.floor(incoming.bodyBytes * maxRatio) || 1)
    const received = typeof incoming.body === 'string' ? Buffer.from(incoming.body) : incoming.body
    try {
      const body = await clock.external(decodeAll(received, encodings, limit))
      context.incoming = { ...incoming, body, bodyBytes: body.byteLength, headers: withoutHeader(incoming.headers, encodingHeader) }
    } catch (error) {
      if (error instanceof CorruptBody) return undecodable(context, reason, error.message)
      throw error
    }
    return next()
  }

  return {
    name: 'decompression',
    stage: 'decompression',
    process(context, next) {
      const value = context.incoming.headers[encodingHeader]
      return value === undefined ? next() : decode(value, context, next)
    },
  }
}
