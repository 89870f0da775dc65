import { deliveriesPerAttempt, suggestion, type Endpoint, type Refusal } from '@busbar/core/driver'
import type { Engine, Profile, ProfileName } from './profiles/profile.ts'

/** Route options of the memory driver (`routes: { orders: { options: { deliveryLimit: 100 } } }`). */
export interface MemoryEndpointOptions {
  /**
   * Queues and topics: deliveries after which the broker itself moves a message to the dead-letter queue, which must be on the same driver.
   * 1 to 1,000,000, at least ten times the attempts. Default: just that.
   */
  readonly deliveryLimit?: number
  /** Queues and topics, whose subscriptions it applies to: delay of messages that ask for none, in milliseconds. 0 to 900,000. Default 0. */
  readonly queueDelayMs?: number
  /** Streams: number of shards, 1 to 10,000. Default: the profile's. */
  readonly shards?: number
  /** Streams: how long records are kept, in milliseconds. 1 to 31,536,000,000 (a year). Default: the profile's. */
  readonly retentionMs?: number
}

const bounds: Readonly<Record<keyof MemoryEndpointOptions, readonly [number, number]>> = {
  deliveryLimit: [1, 1_000_000],
  queueDelayMs: [0, 900_000],
  shards: [1, 10_000],
  retentionMs: [1, 31_536_000_000],
}

interface Meaning {
  readonly engines: readonly Engine[]
  readonly profiles: readonly ProfileName[]
}

/** Brokers that move a message by themselves and have queues to move it to. */
const movesByItself: Meaning = { engines: ['queue', 'topic'], profiles: ['full', 'sqs-standard', 'sqs-fifo', 'rabbitmq'] }
const delaysByQueue: Meaning = { engines: ['queue', 'topic'], profiles: ['full', 'sqs-standard', 'sqs-fifo', 'sns'] }
const keepsRecords: Meaning = { engines: ['stream'], profiles: ['full', 'kinesis'] }

const meaningfulFor: Readonly<Record<keyof MemoryEndpointOptions, Meaning>> = {
  deliveryLimit: movesByItself,
  queueDelayMs: delaysByQueue,
  shards: keepsRecords,
  retentionMs: keepsRecords,
}

/** A refusal for unknown names, values out of range, and what would be dropped in silence because it means nothing for such an endpoint. */
export function refuseEndpointOptions(endpoint: Endpoint, profile: Profile): Refusal | undefined {
  return refuseValues(endpoint) ?? refuseMeaningless(endpoint, profile) ?? refuseLimit(endpoint)
}

function refuseValues({ options }: Endpoint): Refusal | undefined {
  for (const [name, value] of Object.entries(options)) {
    const range = Object.hasOwn(bounds, name) ? bounds[name as keyof MemoryEndpointOptions] : undefined
    if (range === undefined)
      return { refused: `memory has no option '${name.slice(0, 64)}'${suggestion(name, Object.keys(bounds))}`, remedy: 'remove it from the route' }
    if (!Number.isSafeInteger(value) || (value as number) < range[0] || (value as number) > range[1]) {
      return { refused: `option ${name} must be a whole number from ${range[0]} to ${range[1]}`, remedy: 'correct it in the route' }
    }
  }
  return undefined
}

function refuseMeaningless({ kind, options }: Endpoint, profile: Profile): Refusal | undefined {
  const engine = profile.engine(kind)
  for (const name of Object.keys(options) as (keyof MemoryEndpointOptions)[]) {
    const { engines, profiles } = meaningfulFor[name]
    if (engines.includes(engine) && profiles.includes(profile.name)) continue
    const where = `${engines.map((one) => `${one}s`).join(' and ')} in ${profiles.join(', ')}`
    return { refused: `option ${name} has no meaning for a ${kind} in profile '${profile.name}', only for ${where}`, remedy: 'remove it from the route' }
  }
  return undefined
}

function refuseLimit({ kind, subscription, options, maxAttempts, deadLetterName }: Endpoint): Refusal | undefined {
  const { deliveryLimit } = options as MemoryEndpointOptions
  if (deliveryLimit === undefined) return undefined
  if (deliveryLimit < deliveriesPerAttempt * maxAttempts) {
    return {
      refused: `a delivery limit of ${deliveryLimit} is too low for ${maxAttempts} attempts, since releases and crashes count too`,
      remedy: `set deliveryLimit to at least ${deliveriesPerAttempt * maxAttempts}`,
    }
  }
  // A topic itself is not received from; its subscriptions have the same route.
  if (deadLetterName !== undefined || (kind === 'topic' && subscription === undefined)) return undefined
  return {
    refused: 'a delivery limit has no meaning without a dead-letter queue on the same driver that the broker may use',
    remedy: "remove deliveryLimit from the route, or its deadLetter: 'drop', deadLetter: 'block', deadLetter.driver or nativeLimit: false",
  }
}

/** The options of an endpoint that was not refused. */
export function readEndpointOptions(endpoint: Endpoint): MemoryEndpointOptions {
  return endpoint.options
}
