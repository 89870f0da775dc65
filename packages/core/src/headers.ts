import type { Headers } from './driver/sender.ts'
import { kindOf } from './kind-of.ts'

/** Of a message without headers. */
export const noHeaders: Headers = Object.freeze(Object.create(null) as Record<string, string>)

const brokerOwned = /^(x-(death|first-death-.*|last-death-.*|delivery-count|acquired-count|opt-.*)|cc|bcc)$/i
const ours = /^(busbar|aws\.|amazon\.)/i
const name = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/
// What SQS, the narrowest backend, takes in attribute values.
const illegalText = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u

/** Does a header of this name belong to brokers? A copy of it on a message that is sent again would be believed: no message is to be delivered with one. */
export function isBrokerOwned(name: string): boolean {
  return brokerOwned.test(name)
}

/**
 * User headers in the form that every backend can carry: names of 1 to 256 characters from letters, digits, `_`, `-` and single inner dots,
 * values of text without control characters. Throws a `TypeError` that names the header.
 */
export function checkedHeaders(headers: Readonly<Record<string, string>> | undefined): Headers {
  if (headers === undefined) return noHeaders
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw new TypeError(`headers must be an object of texts, not ${kindOf(headers)}`)
  const checked = Object.create(null) as Record<string, string>
  for (const key of Object.keys(headers)) {
    const value: unknown = headers[key]
    if (key.length > 256 || !name.test(key))
      throw new TypeError(`header '${key.slice(0, 64)}': a name has 1 to 256 letters, digits, '_', '-' and single inner dots`)
    if (isBrokerOwned(key) || ours.test(key)) throw new TypeError(`header '${key}': this name is reserved for brokers and Busbar; choose another`)
    if (typeof value !== 'string') throw new TypeError(`header '${key}': the value must be a string, not ${kindOf(value)}`)
    if (illegalText.test(value)) throw new TypeError(`header '${key}': the value holds a control character or half of a surrogate pair; encode it`)
    checked[key] = value
  }
  return checked
}
