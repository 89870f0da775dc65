import type { Body } from '../driver/sender.ts'
import { kindOf } from '../kind-of.ts'
import type { Codec } from './codec.ts'

/** Bodies that are bytes, passed on uncopied: do not change them after `send`. */
export const bytes: Codec<Uint8Array> = Object.freeze({
  contentType: 'application/octet-stream',
  encode: (value: Uint8Array): Body => {
    if (!(value instanceof Uint8Array)) throw new TypeError(`bytes: the body must be a Uint8Array, not ${kindOf(value)}`)
    return value
  },
  decode: (body: Body): Uint8Array => (typeof body === 'string' ? Buffer.from(body) : body),
})
