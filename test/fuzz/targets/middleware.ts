import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { isBrokerError } from '@busbar/core'
import { claimFetch, decompression, idempotency } from '@busbar/middleware'
import { body, expected, first } from '../checks.ts'
import { contextOf, outcomeProblem, processed } from '../context.ts'
import type { Draw } from '../draw.ts'
import { bytesLike, jsonLike, textLike, valueLike } from '../inputs.ts'
import { anyOf, target, withCode } from '../target.ts'

const mostBytes = 65_536
const plain = Buffer.from(JSON.stringify({ total: 1, lines: Array.from({ length: 40 }, (_, index) => ({ sku: `sku-${index}` })) }))
const bomb = Buffer.alloc(4 * mostBytes)
const packed: Readonly<Record<string, readonly Buffer[]>> = {
  gzip: [plain, bomb].map((bytes) => gzipSync(bytes)),
  deflate: [plain, bomb].map((bytes) => deflateSync(bytes)),
  br: [plain, bomb].map((bytes) => brotliCompressSync(bytes)),
  zstd: [plain, bomb].map((bytes) => zstdCompressSync(bytes)),
}
const encodings = Object.keys(packed)
const encodingHeader = textLike([...encodings, 'gzip, br', 'identity', 'utf-8', 'x-gzip'])
const unpack = decompression({ maxBytes: mostBytes })

const digest = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'
const reference = jsonLike([{ v: 1, k: '2026/01/01/0123456789abcdef0123456789abcdef', s: 0, d: digest, q: 1 }])

const records = textLike(['1||', '1||{"reply":1}', '1|0123456789A|', '1|0123456789A|"x"', '2|whatever'])
const answers = [
  { state: 'claimed', fence: 7 },
  { state: 'busy', expiresInMs: 1_000 },
  { state: 'done', value: '1||{"reply":1}' },
]
const anyAnswer = valueLike(answers, 'code')

/** What middleware reads from messages and stores. */
export const middlewareTargets = [
  target({
    name: 'decompression',
    generate: (draw) => {
      const encoding = draw.pick(encodings)
      const header = draw.chance(0.8) ? encoding : encodingHeader(draw)
      return contextOf({ body: bytesLike(packed[encoding] ?? [])(draw), headers: { 'content-encoding': header } })
    },
    decode: (context) => processed(unpack, context),
    // What is refused, or has no encoding, stays as it came, however large.
    problem: ({ value, context: { incoming } }) =>
      first(outcomeProblem(value), body(incoming.body, incoming.bodyBytes), 'content-encoding' in incoming.headers ? undefined : tooMuch(incoming.bodyBytes)),
  }),
  target({
    name: 'claim-check',
    generate: (draw) => ({
      stored: draw.chance(0.6) ? Buffer.alloc(0) : draw.chance(0.7) ? draw.bytes(draw.below(8)) : 'no bytes',
      context: contextOf({ headers: { 'busbar-claim': reference(draw) } }),
    }),
    decode: async ({ stored, context }) => {
      const asked: string[] = []
      const get = async (key: string): Promise<Uint8Array> => {
        asked.push(key)
        return stored as Uint8Array
      }
      const middleware = claimFetch({ store: { put: async () => undefined, get, delete: async () => undefined } })
      return { ...(await processed(middleware, context)), asked }
    },
    problem: ({ value, context, called, asked }) =>
      first(
        outcomeProblem(value),
        // A key from outside must not lead anywhere else in the store.
        ...asked.map((key) => expected(/^\d{4}\/\d\d\/\d\d\/[0-9a-f]{32}$/.test(key), 'the store was asked for', key)),
        called ? expected(context.incoming.bodyBytes === 0, 'a body was taken that is not what was sent', context.incoming.body) : undefined,
      ),
  }),
  target({
    name: 'idempotency',
    generate: (draw) => ({ answer: answerOf(draw), later: draw.chance(0.3), ending: draw.pick(['completed', 'lost', 'odd']) }),
    decode: ({ answer, later, ending }) => {
      const claim = (): unknown => (later ? Promise.resolve(answer) : answer)
      const store = { claim, renew: () => ['renewed'], complete: () => ending, release: () => 'released', scan: () => ({ claims: [] }) }
      return processed(idempotency({ store: store as never, whileUnavailable: 'fail' }), contextOf({ body: '{"total":1}', headers: {} }))
    },
    problem: ({ value }) =>
      isBrokerError(value) ? 'an error was returned' : typeof value === 'function' || typeof value === 'symbol' ? 'the reply is no JSON' : undefined,
    mayThrow: anyOf(withCode('ERR_UNAVAILABLE', 'ERR_TIMEOUT')),
  }),
]

function answerOf(draw: Draw): unknown {
  return draw.chance(0.5) ? { state: 'done', value: records(draw) } : anyAnswer(draw)
}

function tooMuch(bytes: number): string | undefined {
  return expected(bytes <= mostBytes, `the body has more than ${mostBytes} bytes`, bytes)
}
