import type { Body } from '../driver/sender.ts'

/** Turns bodies into bytes or text and back. Pure; may throw, which makes a send fail with `ERR_INVALID` and a received message undecodable. */
export interface Codec<T = unknown> {
  /** MIME type that `encode` produces; sent as the content type. On receipt it is not compared: foreign senders rarely set it. */
  readonly contentType: string
  encode(value: T): Body
  decode(body: Body): T
  /** Are values of `T` to be seen through JSON for keys, ids and filters? Default false. */
  readonly json?: boolean
}
