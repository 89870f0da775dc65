import type { Capabilities, Endpoint, Refusal } from '@busbar/core/driver'
import { limits } from './limits.ts'
import { nameProblem, queueOf } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { deadLetterQueueOf } from './queue-attributes.ts'
import type { ResolvedRouteOptions } from './route-options.ts'

/** A call costs the same for one ack as for ten. With a few keys, each handled in order, acks come some milliseconds apart: waiting for 5 ms leaves calls half empty. */
const ackLingerMs = 20

/** What the driver can do for one endpoint, or why it cannot serve it. */
export function capabilitiesOf(endpoint: Endpoint, options: ResolvedOptions, route: ResolvedRouteOptions): Capabilities | Refusal {
  if (endpoint.kind === 'topic') return { refused: 'SQS has no topics', remedy: 'route it to the sns driver' }
  if (endpoint.kind === 'stream') return { refused: 'SQS has no streams', remedy: 'route it to the kinesis driver, or use a queue or a topic, without replay' }
  const queue = queueOf(endpoint.name, route.fifo)
  const { deadLetterName } = endpoint
  const problem =
    nameProblem(endpoint, queue, options.region) ??
    (deadLetterName === undefined ? undefined : nameProblem(endpoint, deadLetterQueueOf(deadLetterName, queue), options.region))
  if (problem !== undefined) return { refused: problem, remedy: "correct the route's name, or that of its dead letters" }
  return Object.freeze(queueCapabilities(queue.fifo, route.visibilityTimeoutMs, options))
}

/** Of a queue, whether it is sent to directly or by a topic. */
function queueCapabilities(fifo: boolean, visibilityTimeoutMs: number, { cloudWatch, maxMessageBytes }: ResolvedOptions): Capabilities {
  return {
    kind: 'queue',
    delivery: 'at-least-once',
    ordering: fifo ? 'key' : 'none',
    keyHold: fifo ? 'broker' : false,
    lease: { kind: 'message', ms: visibilityTimeoutMs, maxMs: limits.visibilityMs },
    settlement: { mode: 'individual', maxBatch: limits.batchEntries, lingerMs: ackLingerMs },
    releaseCounts: true,
    // Of three messages of a group the middle one may be refused.
    batchOrder: 'partial',
    callOrder: 'none',
    redelivery: { immediate: true, delayed: { maxMs: limits.visibilityMs, keepsOrder: fifo }, onReconnect: false },
    delay: fifo ? false : { maxMs: limits.delayMs, resolutionMs: 1_000 },
    deduplication: fifo ? { windowMs: limits.deduplicationMs } : false,
    // `RedrivePolicy` counts receives, and nothing can be rejected into it.
    deadLetter: 'emulated',
    peek: 'disturbing',
    redrive: 'native',
    replay: false,
    filter: 'none',
    headerFilter: 'none',
    addressTemplates: 'none',
    deliveryAttempt: 'upper-bound',
    maxMessageBytes,
    maxHeaders: false,
    maxBatch: { messages: limits.batchEntries, bytes: maxMessageBytes, inFlight: 16 },
    competingConsumers: true,
    subscriptions: false,
    requestReply: true,
    timeToLive: false,
    priority: false,
    stats: { ready: 'approximate', inFlight: 'approximate', delayed: 'approximate', oldestAgeMs: cloudWatch === undefined ? 'none' : 'approximate' },
    timestampResolutionMs: 1,
    confirms: true,
  }
}
