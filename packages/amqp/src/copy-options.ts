import { isBrokerOwned, metadataHeader, packMetadata, type Outgoing } from '@busbar/core/driver'
import type { ConsumeMessage, Options } from 'amqplib'
import { headerText, sendable, shortName } from './header-values.ts'
import { metadataOf, publishOptions } from './message-mapping.ts'

/**
 * The same message once more, with its counts of attempts and of deliveries, which the broker begins anew for the copy.
 * Lifetime and sender's user do not carry over: the first has been met, the second would be refused.
 */
export function copyOptions(native: ConsumeMessage, attempt: number, deliveries: number | undefined): Options.Publish {
  const { headers = {}, userId: _user, expiration: _expiration, clusterId: _cluster, ...properties } = native.properties
  const copied = Object.create(null) as Record<string, unknown>
  for (const name of Object.keys(headers)) if (!isBrokerOwned(name)) copied[shortName(name)] = sendable(headers[name])
  const packed = packMetadata({ ...metadataOf(native), attempt, deliveries })
  if (packed !== undefined) copied[metadataHeader] = packed
  return { ...writable(properties), headers: copied, persistent: true, mandatory: true }
}

/** What the client library can write: texts that were no UTF-8 and numbers of 64 bits are other ones now than they were. */
function writable(properties: Readonly<Record<string, unknown>>): Options.Publish {
  const { timestamp, ...others } = properties
  const texts = Object.entries(others).map(([name, value]) => [name, typeof value === 'string' ? shortName(value) : value])
  return { ...(Object.fromEntries(texts) as Options.Publish), ...(Number.isSafeInteger(timestamp) && { timestamp: timestamp as number }) }
}

/**
 * As {@link publishOptions}, for a copy of a received message: what portable fields cannot carry stays as it was, types of header values among it.
 * A header that is text of something else than the native value has been changed since, and one that is missing was taken away.
 */
export function copiedOptions(message: Outgoing, mandatory: boolean, original: ConsumeMessage): Options.Publish {
  const properties: Readonly<Record<string, unknown>> = { ...original.properties }
  const options = publishOptions(message, mandatory)
  const native = (original.properties.headers ?? {}) as Readonly<Record<string, unknown>>
  const headers = Object.assign(Object.create(null) as Record<string, unknown>, options.headers)
  for (const [name, text] of Object.entries(message.headers)) {
    if (Object.hasOwn(native, name) && headerText(native[name]) === text) headers[name] = sendable(native[name])
  }
  const { appId, priority } = properties
  return {
    ...options,
    headers,
    ...(typeof appId === 'string' && { appId: shortName(appId) }),
    ...(message.priority === undefined && typeof priority === 'number' && { priority }),
  }
}

/** The message as amqplib has delivered it, if that is what `value` is: other drivers have messages of their own. */
export function deliveredMessage(value: unknown): ConsumeMessage | undefined {
  if (!isObject(value)) return undefined
  const { content, fields, properties } = value
  if (!Buffer.isBuffer(content) || !isObject(fields) || !isObject(properties)) return undefined
  if (typeof fields['deliveryTag'] !== 'number' || typeof fields['routingKey'] !== 'string') return undefined
  return properties['headers'] === undefined || isObject(properties['headers']) ? (value as unknown as ConsumeMessage) : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
