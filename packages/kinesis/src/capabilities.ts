import type { Capabilities, Endpoint, Refusal } from '@busbar/core/driver'
import { limits } from './limits.ts'
import { nameProblem, streamOf } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import type { ResolvedRouteOptions } from './route-options.ts'

/** A call of `send` costs no request of its own: the sender fills requests from all that are out. Bounded by what core buffers. */
const callsOut = 1_000
/** With aggregation a request holds far more messages than records. */
const aggregatedMessages = 10_000

/** What the driver can do for one endpoint, or why it cannot serve it. */
export function capabilitiesOf(endpoint: Endpoint, options: ResolvedOptions, route: ResolvedRouteOptions): Capabilities | Refusal {
  if (endpoint.subscription !== undefined)
    return { refused: 'this version of the driver only sends', remedy: 'read the stream by other means, and list the stream instead of its subscription' }
  if (endpoint.kind === 'queue')
    return {
      refused: 'this version of the driver only sends, so there is nobody to share a queue',
      remedy: 'route it to a driver that has queues, such as sqs',
    }
  const problem = nameProblem(endpoint, streamOf(endpoint.name), options.region)
  if (problem !== undefined) return { refused: problem, remedy: "correct the route's name" }
  return Object.freeze(sendingCapabilities(endpoint.kind, options, route))
}

function sendingCapabilities(
  kind: 'topic' | 'stream',
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
    redelivery: { immediate: false, delayed: false, onReconnect: false },
    delay: false,
    deduplication: false,
    deadLetter: 'none',
    peek: 'none',
    redrive: 'none',
    replay: false,
    filter: 'none',
    headerFilter: 'none',
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
