import type { AddressParameters } from '../address/address-template.ts'
import { assertKnownKeys } from '../nearest.ts'
import type { DestinationOptions, Requirements } from './types.ts'

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/
const subscriptionNamePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/

const destinationKeys = ['schema', 'codec', 'orderingKey', 'messageId', 'deduplicationId', 'type', 'requires']
const functionKeys = ['orderingKey', 'messageId', 'deduplicationId'] as const
const orderings: readonly unknown[] = ['none', 'key', 'destination']
const requirementKeys = ['ordering', 'delayMs', 'deduplicationMs', 'bodyBytes', 'headers', 'timeToLiveMs', 'priorityLevels', 'confirms']
const countKeys = ['delayMs', 'deduplicationMs', 'bodyBytes', 'headers', 'timeToLiveMs', 'priorityLevels'] as const

/** What the definition functions are called with at run time. */
export interface RawDestinationOptions extends DestinationOptions<unknown> {
  readonly schema?: unknown
  readonly reply?: unknown
  readonly parameters?: (body: never) => AddressParameters | undefined
}

/** Throws a `TypeError` unless `name` is 1 to 80 letters, digits, dots, hyphens and underscores that begin with a letter or digit. */
export function checkName(kind: 'queue' | 'topic' | 'stream', name: unknown): void {
  if (typeof name !== 'string' || !namePattern.test(name)) {
    const templates = typeof name === 'string' && /[{}]/.test(name) ? '; parameters are for the names of topics' : ''
    throw new TypeError(`${kind}: the name must be 1 to 80 letters, digits, '.', '-' and '_', beginning with a letter or digit, not ${shown(name)}${templates}`)
  }
}

/** As {@link checkName}, but without dots: `topic.subscription` must name one source only. */
export function checkSubscriptionName(what: string, name: unknown): void {
  if (typeof name !== 'string' || !subscriptionNamePattern.test(name)) {
    throw new TypeError(`${what}: the name must be 1 to 80 letters, digits, '-' and '_', beginning with a letter or digit, not ${shown(name)}`)
  }
}

/** Throws a `TypeError` or `RangeError` for the first option that is unknown or out of bounds. */
export function checkDestinationOptions(what: string, options: RawDestinationOptions, moreKeys: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${what}: the options must be an object`)
  assertKnownKeys(what, options, [...destinationKeys, ...moreKeys])
  if (options.schema !== undefined) checkSchema(`${what}: schema`, options.schema)
  if (options.reply !== undefined) checkSchema(`${what}: reply`, options.reply)
  if (options.codec !== undefined) checkCodec(what, options.codec)
  for (const key of [...functionKeys, 'parameters'] as const) {
    if (options[key] !== undefined && typeof options[key] !== 'function') throw new TypeError(`${what}: ${key} must be a function of the body`)
  }
  const type: unknown = options.type
  if (type !== undefined && typeof type !== 'function' && (typeof type !== 'string' || type === '')) {
    throw new TypeError(`${what}: type must be a text or a function of the body`)
  }
  if (options.requires !== undefined) checkRequirements(`${what}: requires`, options.requires, options.orderingKey !== undefined)
}

function checkSchema(what: string, schema: unknown): void {
  const standard =
    (typeof schema === 'object' && schema !== null) || typeof schema === 'function' ? (schema as { '~standard'?: unknown })['~standard'] : undefined
  const { version, validate } = (standard ?? {}) as { version?: unknown; validate?: unknown }
  if (version !== 1 || typeof validate !== 'function') {
    throw new TypeError(`${what} must be a Standard Schema, version 1 (zod ≥ 3.24, valibot ≥ 1.0, arktype ≥ 2.0, …)`)
  }
}

function checkCodec(what: string, codec: unknown): void {
  const { contentType, encode, decode } = (typeof codec === 'object' && codec !== null ? codec : {}) as {
    contentType?: unknown
    encode?: unknown
    decode?: unknown
  }
  if (typeof contentType !== 'string' || typeof encode !== 'function' || typeof decode !== 'function') {
    throw new TypeError(`${what}: codec must have a contentType and the functions encode and decode`)
  }
}

function checkRequirements(what: string, requires: Requirements, keyed: boolean): void {
  assertKnownKeys(what, requires, requirementKeys)
  if (requires.ordering !== undefined && !orderings.includes(requires.ordering))
    throw new RangeError(`${what}: ordering must be 'none', 'key' or 'destination'`)
  if (requires.ordering === 'key' && !keyed) throw new TypeError(`${what}: ordering 'key' needs an orderingKey`)
  if (requires.confirms !== undefined && typeof requires.confirms !== 'boolean') throw new TypeError(`${what}: confirms must be true or false`)
  for (const key of countKeys) {
    const value: unknown = requires[key]
    if (value !== undefined && (!Number.isSafeInteger(value) || (value as number) < 0))
      throw new RangeError(`${what}: ${key} must be a whole number ≥ 0, not ${shown(value)}`)
  }
}

/** A value for an error text: short, and whatever it is. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 100)}'` : typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value
}
