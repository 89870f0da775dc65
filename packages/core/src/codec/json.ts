import type { Body } from '../driver/sender.ts'
import { survey } from '../json-view.ts'
import { bodyText } from './body.ts'
import type { Codec } from './codec.ts'

/** A codec for whatever type a definition gives to its bodies. */
export interface JsonCodec extends Codec {
  // The type is the definition's claim; a schema is what checks it.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  decode<T>(body: Body): T
}

/**
 * The default codec. What JSON would change in silence is refused with the path to it: functions, symbols, BigInt, NaN and infinities, invalid dates,
 * maps, sets, bytes, and `undefined` anywhere but as the value of a property, which is left out.
 */
export const json: JsonCodec = Object.freeze({
  contentType: 'application/json',
  json: true,
  encode: (value: unknown): Body => encodeJson(value).text,
  decode: (body: Body) => parse(bodyText(body)) as never,
})

/** `plain`: the value is its own {@link JsonView}. One walk tells that and whether anything would be lost. */
export function encodeJson(value: unknown): { readonly text: string; readonly plain: boolean } {
  const text = stringify(value)
  // Afterwards: by now the value is known to have no cycles.
  const found = survey(value)
  if (typeof found === 'object') throw new TypeError(`json: ${found.what} at ${['body', ...found.path.toReversed()].join('.')} ${found.remedy}`)
  if (text === undefined) throw new TypeError('json: the body has a toJSON() that returns nothing to send')
  return { text, plain: found === 'plain' }
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const bigint = error.message.includes('BigInt')
    throw new TypeError(bigint ? 'json: a BigInt cannot be sent as JSON; send it as text' : `json: ${error.message.split('\n', 1)[0]}`, { cause: error })
  }
}

function parse(text: string): unknown {
  if (text.length === 0) throw new SyntaxError('json: the body is empty')
  try {
    // Some producers begin with a byte order mark.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (error) {
    // The engine's own message quotes the body, which must not end up in logs.
    const position = /at position \d+/.exec(error instanceof Error ? error.message : '')
    throw new SyntaxError(`json: the body is not valid JSON${position === null ? '' : ` ${position[0]}`}`)
  }
}
