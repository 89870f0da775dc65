import type { Body } from '../driver/sender.ts'
import { kindOf } from '../kind-of.ts'
import { bodyText } from './body.ts'
import type { Codec } from './codec.ts'

/** Bodies that are text, in UTF-8. Text that UTF-8 cannot carry (half a surrogate pair) and bytes that are not UTF-8 are refused, not replaced. */
export const text: Codec<string> = Object.freeze({
  contentType: 'text/plain; charset=utf-8',
  encode: (value: string): Body => {
    if (typeof value !== 'string') throw new TypeError(`text: the body must be a string, not ${kindOf(value)}`)
    if (!value.isWellFormed()) throw new TypeError('text: the body holds half a surrogate pair, which UTF-8 cannot carry')
    return value
  },
  decode: bodyText,
})
