import type { Body, Headers, Incoming, Metadata } from '@busbar/core/driver'

/** Finds what is not of its declared type. Each answers a sentence, or `undefined` if all is well. */

/** Headers of brokers and of ours that no incoming message may have. */
const ownOrBrokers =
  /^(busbar|busbar-headers|busbar-encoding|[xX]-([dD]eath|first-death-.*|last-death-.*|delivery-count|acquired-count|opt-.*)|[cC]{2}|[bB][cC]{2})$/

export function first(...problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined)
}

export function expected(holds: boolean, what: string, value: unknown): string | undefined {
  return holds ? undefined : `${what}: ${shown(value)}`
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function optionalText(what: string, value: unknown): string | undefined {
  return expected(value === undefined || typeof value === 'string', `${what} is neither text nor undefined`, value)
}

export function optionalCount(what: string, value: unknown): string | undefined {
  return expected(value === undefined || isCount(value), `${what} is neither a whole number from 0 nor undefined`, value)
}

/** Names to texts, without a prototype: whatever a name is, it leads nowhere else. */
export function texts(what: string, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== null) return `${what} is no object without a prototype: ${shown(value)}`
  for (const name of Object.keys(value)) {
    const text = (value as Readonly<Record<string, unknown>>)[name]
    if (typeof text !== 'string') return `${what} '${name}' is no text: ${shown(text)}`
  }
  return undefined
}

export function headers(value: Headers): string | undefined {
  const odd = texts('header', value)
  if (odd !== undefined) return odd
  const name = Object.keys(value).find((one) => ownOrBrokers.test(one))
  return name === undefined ? undefined : `the header '${name}' belongs to brokers or to Busbar`
}

export function body(value: Body, bytes: number): string | undefined {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return `the body is neither text nor bytes: ${shown(value)}`
  return expected(bytes === Buffer.byteLength(value), `the body has ${Buffer.byteLength(value)} bytes, and not`, bytes)
}

export function metadata(value: Metadata): string | undefined {
  const { id, type, contentType, key, correlationId, replyTo, timestamp, attempt, deliveries, ...others } = value
  return first(
    ...Object.entries({ id, type, contentType, key, correlationId, replyTo }).map(([name, text]) => optionalText(name, text)),
    ...Object.entries({ timestamp, attempt, deliveries }).map(([name, count]) => optionalCount(name, count)),
    expected(Object.keys(others).length === 0, 'there are other fields', others),
  )
}

/** As the contract of drivers has it. */
export function incoming(value: Incoming): string | undefined {
  const { id, type, contentType, key, correlationId, replyTo, position, deadLetteredFrom } = value
  return first(
    ...Object.entries({ id, type, contentType, key, correlationId, replyTo, position, deadLetteredFrom }).map(([name, text]) => optionalText(name, text)),
    body(value.body, value.bodyBytes),
    headers(value.headers),
    value.parameters && texts('parameters', value.parameters),
    optionalCount('timestamp', value.timestamp),
    expected(isCount(value.attempt), 'attempt is no whole number from 0', value.attempt),
  )
}

/** Short, for texts. Must not fail, whatever the value is. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60))
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value)
}
