import { json, text } from '@busbar/core'
import { expected } from '../checks.ts'
import { bodyLike, jsonLike, textLike } from '../inputs.ts'
import { anyOf, saying, target } from '../target.ts'

const documents: readonly unknown[] = [
  { orderId: '1', lines: [{ sku: 'a', count: 2 }], note: null, paid: true },
  [1, [2, [3]]],
  'ä€😀',
  1.5e10,
  { __proto: { a: 1 }, constructor: {} },
]
const notUtf8 = saying(TypeError, /^the body is not valid UTF-8$/)

/** The codecs that bodies are decoded by. */
export const codecTargets = [
  target({
    name: 'json',
    generate: bodyLike(jsonLike(documents)),
    decode: (body) => json.decode<unknown>(body),
    problem: (value, body) => {
      const read = typeof body === 'string' ? body : body.toString()
      return expected(
        typeof value !== 'function' && value !== undefined && (read.startsWith('\u{FEFF}') || isSame(value, read)),
        'it is not what was written',
        value,
      )
    },
    mayThrow: anyOf(notUtf8, saying(SyntaxError, /^json: the body is (empty|not valid JSON( at position \d+)?)$/)),
  }),
  target({
    name: 'text',
    generate: bodyLike(textLike(['plain', 'ä€😀', '\u{FEFF}marked'])),
    decode: (body) => text.decode(body),
    problem: (value, body) => expected(typeof value === 'string' && Buffer.from(value).equals(Buffer.from(body)), 'it is not what was written', value),
    mayThrow: notUtf8,
  }),
]

/** What the engine makes of it; compared as far as it can be written. */
function isSame(value: unknown, text: string): boolean {
  try {
    return JSON.stringify(value) === JSON.stringify(JSON.parse(text))
  } catch (error) {
    return error instanceof RangeError
  }
}
