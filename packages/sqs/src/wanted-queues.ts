import { deliveriesPerAttempt, type Endpoint } from '@busbar/core/driver'
import { limits } from './limits.ts'
import { addressOf, queueOf, type QueueName } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import type { PolicyStatement } from './policy.ts'
import { attributesOf, deadLetterQueueOf } from './queue-attributes.ts'
import { resolveRouteOptions } from './route-options.ts'

/** One queue that endpoints need. */
export interface WantedQueue {
  readonly queue: QueueName
  /** Asked for by a route: also of a queue that exists. */
  readonly attributes: Readonly<Record<string, string>>
  /** For a new queue only. */
  readonly defaults: Readonly<Record<string, string>>
  readonly policy: readonly PolicyStatement[]
  readonly deadLetters: { readonly queue: QueueName; readonly maxReceiveCount: number; readonly least: number } | undefined
}

/** Dead letters outlive what they came from: SQS counts their age from their first send. */
const longRetention = { MessageRetentionPeriod: String(limits.retentionMs / 1_000) }

/** All queues of the endpoints, each once, dead-letter queues before their sources. Throws `ERR_CONFIGURATION`. */
export function wantedQueues(endpoints: readonly Endpoint[], options: ResolvedOptions): readonly WantedQueue[] {
  const places = new Set(endpoints.flatMap(({ deadLetterName }) => (deadLetterName === undefined ? [] : [deadLetterName])))
  const sources = new Map<string, WantedQueue>()
  const deadLetters = new Map<string, WantedQueue>()
  for (const endpoint of endpoints) {
    const retention = places.has(endpoint.name) ? longRetention : {}
    const wanted = wantedQueue(endpoint, options, { ...inheritedEncryption(endpoint, options), ...retention })
    sources.set(addressOf(wanted.queue), wanted)
    const target = wanted.deadLetters?.queue
    if (target === undefined) continue
    const defaults = { ...encryptionOf(endpoint, options), ...longRetention }
    deadLetters.set(addressOf(target), { queue: target, attributes: {}, defaults, policy: [], deadLetters: undefined })
  }
  // What an endpoint says of a queue comes before what follows from its being a dead-letter queue.
  const all = new Map([...deadLetters, ...sources])
  return [...all.values()].toSorted((a, b) => Number(a.deadLetters !== undefined) - Number(b.deadLetters !== undefined))
}

/** Of a place for dead letters whose route says nothing else. */
function inheritedEncryption(endpoint: Endpoint, options: ResolvedOptions): Record<string, string> {
  const { deadLettersOf: source } = endpoint
  return source === undefined || resolveRouteOptions(endpoint, options).encryption !== undefined ? {} : encryptionOf(source, options)
}

/** Dead letters are as confidential as what they came from. */
function encryptionOf(source: Endpoint, options: ResolvedOptions): Record<string, string> {
  const { encryption } = resolveRouteOptions(source, options)
  return attributesOf({ encryption, retentionMs: undefined, highThroughput: false })
}

function wantedQueue(endpoint: Endpoint, options: ResolvedOptions, defaults: Readonly<Record<string, string>>): WantedQueue {
  const route = resolveRouteOptions(endpoint, options)
  const queue = queueOf(endpoint.name, route.fifo)
  const { deadLetterName } = endpoint
  const { maxReceiveCount, policy } = route
  const deadLetters =
    deadLetterName === undefined || maxReceiveCount === undefined
      ? undefined
      : { queue: deadLetterQueueOf(deadLetterName, queue), maxReceiveCount, least: deliveriesPerAttempt * endpoint.maxAttempts }
  return { queue, attributes: attributesOf(route), defaults, policy, deadLetters }
}
