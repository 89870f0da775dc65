import type { AddressParameters } from '../address/address-template.ts'
import type { StartFrom } from '../driver/endpoint.ts'
import { validateFilter, validateHeaderFilter } from '../filter/validate-filter.ts'
import { assertKnownKeys } from '../nearest.ts'
import { checkFixed } from './topic-template.ts'
import type { Stream, StreamSubscriptionOptions, Subscription, Topic } from './types.ts'
import { checkSubscriptionName } from './validate-options.ts'

/**
 * A subscription of `of`, frozen. Throws `TypeError` for illegal names and unknown options, `ERR_CONFIGURATION` for an illegal filter.
 * Users call `topic.subscription(…)` and `stream.subscription(…)`.
 */
export function makeSubscription<In, Out>(
  of: Topic<In, Out> | Stream<In, Out>,
  name: string,
  options: StreamSubscriptionOptions<In> & { readonly parameters?: AddressParameters },
): Subscription<In, Out, never> {
  checkSubscriptionName(`${of.kind} '${of.name}': subscription`, name)
  const what = `subscription '${of.name}.${name}'`
  if (typeof options !== 'object' || options === null) throw new TypeError(`${what}: the options must be an object`)
  if (of.kind === 'topic' && 'startFrom' in options) throw new TypeError(`${what}: startFrom is for streams; a topic keeps nothing to start from`)
  assertKnownKeys(what, options, ['filter', 'headerFilter', 'startFrom', 'parameters'])
  if (options.filter !== undefined) validateFilter(options.filter, `${what}: filter`)
  if (options.headerFilter !== undefined) validateHeaderFilter(options.headerFilter, `${what}: headerFilter`)
  if (options.startFrom !== undefined) checkStartFrom(what, options.startFrom)
  if (options.parameters !== undefined) checkFixed(what, of.kind === 'topic' ? of.template : undefined, options.parameters)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as typeof options
  // A copy, so that what was checked cannot change.
  return Object.freeze({ kind: 'subscription', name, of, options: deepFreeze(structuredClone(given)) })
}

function checkStartFrom(what: string, startFrom: StartFrom): void {
  if (startFrom === 'earliest' || startFrom === 'latest') return
  const { timestamp, position } = Object(startFrom) as { timestamp?: unknown; position?: unknown }
  const legal = timestamp === undefined ? typeof position === 'string' && position !== '' : position === undefined && Number.isFinite(timestamp)
  if (!legal) throw new TypeError(`${what}: startFrom must be 'earliest', 'latest', { timestamp: milliseconds since the epoch } or { position: text }`)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member)
    Object.freeze(value)
  }
  return value
}
