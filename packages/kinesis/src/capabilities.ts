import { refusedTemplate, type Capabilities, type Endpoint, type Refusal } from '@busbar/core/driver'
import { isStart } from './group/beginning.ts'
import { limits } from './limits.ts'
import { characterProblem, nameProblem, streamOf } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import type { ResolvedRouteOptions } from './route-options.ts'

/** A call of `send` costs no request of its own: the sender fills requests from all that are out. Bounded by what core buffers. */
const callsOut = 1_000
/** With aggregation a request holds far more messages than records. */
const aggregatedMessages = 10_000
/** Settling costs no call: checkpoints are written by the clock. */
const settledAtOnce = 1_000

/** There is nowhere to keep leases. */
export const storeMissing: Refusal = {
  refused: 'to receive from a stream, its shards have to be leased, and there is no store for leases',
  remedy:
    "give kinesis the option 'store': memoryStore of @busbar/memory for one process, redisStore of @busbar/redis or dynamoStore of @busbar/dynamodb for several; where configuration names the driver, give connect() kinesisWith({ store }) in place of kinesis",
}

/** What the driver can do for one endpoint, or why it cannot serve it. */
export function capabilitiesOf(endpoint: Endpoint, options: ResolvedOptions, route: ResolvedRouteOptions): Capabilities | Refusal {
  const template = refusedTemplate(endpoint)
  if (template !== undefined) return template
  const problem = nameProblem(endpoint, streamOf(endpoint.name), options.region)
  if (problem !== undefined) return { refused: problem, remedy: "correct the route's name" }
  const { subscription } = endpoint
  if (subscription !== undefined && options.store === undefined) return storeMissing
  // It is also that of its consumer of enhanced fan-out.
  const subscriptionRefused = subscription === undefined ? undefined : characterProblem(subscription.name)
  if (subscriptionRefused !== undefined) return { refused: subscriptionRefused, remedy: 'name the subscription otherwise' }
  const { startFrom } = subscription ?? {}
  if (startFrom !== undefined && !isStart(startFrom))
    return {
      refused: `it starts from ${JSON.stringify(startFrom).slice(0, 100)}, which is no position and no time`,
      remedy: 'take the position of a message, or a time in milliseconds since the epoch, from 0 to the end of the year 9999',
    }
  const sending = sendingCapabilities(endpoint.kind, options, route)
  return Object.freeze(options.store === undefined ? sending : { ...sending, ...receivingCapabilities(endpoint.kind) })
}

/** Also of a destination, whose subscriptions can do it. */
function receivingCapabilities(kind: Endpoint['kind']): Partial<Capabilities> {
  return {
    keyHold: 'process',
    lease: { kind: 'scope', maxHoldMs: false },
    settlement: { mode: 'prefix', maxBatch: settledAtOnce, lingerMs: 0 },
    redelivery: { immediate: false, delayed: false, onReconnect: true },
    deadLetter: 'emulated',
    redrive: kind === 'queue' ? 'copy' : 'none',
    replay: kind === 'stream' ? { earliest: true, timestamp: true, position: true } : false,
    competingConsumers: true,
    subscriptions: kind === 'queue' ? false : 'durable',
    stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'approximate' },
  }
}

function sendingCapabilities(
  kind: Endpoint['kind'],
  { maxRequestBytes }: ResolvedOptions,
  { aggregateBytes, maxRecordBytes, envelope }: ResolvedRouteOptions,
): Capabilities {
  return {
    kind,
    delivery: 'at-least-once',
    ordering: 'key',
    keyHold: false,
    lease: false,
    settlement: false,
    releaseCounts: false,
    // Of three records of a request the middle one may be refused.
    batchOrder: 'partial',
    callOrder: 'kept',
    redelivery: { immediate: false, delayed: false, onReconnect: false },
    delay: false,
    deduplication: false,
    deadLetter: 'none',
    peek: 'none',
    redrive: 'none',
    replay: false,
    filter: 'none',
    headerFilter: 'none',
    addressTemplates: 'none',
    deliveryAttempt: 'none',
    maxMessageBytes: maxRecordBytes,
    maxHeaders: envelope ? false : 0,
    maxBatch: {
      messages: aggregateBytes === undefined ? limits.requestRecords : aggregatedMessages,
      bytes: Math.max(maxRequestBytes, maxRecordBytes),
      inFlight: callsOut,
      eager: true,
    },
    competingConsumers: false,
    subscriptions: false,
    requestReply: false,
    timeToLive: false,
    priority: false,
    stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
    timestampResolutionMs: 1,
    confirms: true,
  }
}
