import { deliveriesPerAttempt, mustKeepAll, refusedTemplate, type Capabilities, type Endpoint, type Refusal } from '@busbar/core/driver'
import { fitsLadder, ladderMaxMs } from './delay-ladder.ts'
import { filterBindings } from './header-filter.ts'
import { nameProblem, partitionName, queueName } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { canDelayTopic } from './resources.ts'
import type { ResolvedRouteOptions } from './route-options.ts'

/** A level of the ladder adds a few milliseconds, under load some ten; a delay passes at most 28 of them. */
const delayResolutionMs = 500
/** The broker looks for expired deliveries once a minute and ends the whole channel; what is held must be settled before. */
const holdShare = 0.9

/** What the driver can do for one endpoint, or why it cannot serve it. */
export function capabilitiesOf(endpoint: Endpoint, options: ResolvedOptions, route: ResolvedRouteOptions): Capabilities | Refusal {
  return refusedTemplate(endpoint) ?? refusalOf(endpoint, route) ?? Object.freeze({ ...fixed, ...varying(endpoint, options, route) })
}

function refusalOf(endpoint: Endpoint, route: ResolvedRouteOptions): Refusal | undefined {
  if (endpoint.kind === 'stream') {
    return {
      refused: 'this driver has no streams: AMQP 0-9-1 queues forget what was settled',
      remedy: 'use a queue or a topic, or route it to a driver with streams',
    }
  }
  const problem = nameProblem(endpoint)
  if (problem !== undefined) return { refused: problem, remedy: "set the route's name" }
  const least = deliveriesPerAttempt * endpoint.maxAttempts
  if (route.deliveryLimit !== undefined && route.deliveryLimit < least) {
    return {
      refused: `deliveryLimit ${route.deliveryLimit} is below 10 times the ${endpoint.maxAttempts} attempts of the retry policy`,
      remedy: `set deliveryLimit to at least ${least}`,
    }
  }
  if (route.deliveryLimit !== undefined && mustKeepAll(endpoint)) {
    return {
      refused: `deliveryLimit ${route.deliveryLimit} lets RabbitMQ give messages up, and the route says nativeLimit: false or deadLetter: 'block'`,
      remedy: 'leave the one or the other out',
    }
  }
  return undefined
}

const fixed = {
  delivery: 'at-least-once',
  settlement: { mode: 'individual', maxBatch: 1_000, lingerMs: 0 },
  // A queue with a length limit (Amazon MQ sets one by policy) can refuse one message and take the next.
  batchOrder: 'partial',
  callOrder: 'kept',
  deduplication: false,
  peek: 'disturbing',
  redrive: 'copy',
  replay: false,
  filter: 'none',
  addressTemplates: 'none',
  maxHeaders: false,
  maxBatch: { messages: 32, bytes: 4_194_304, inFlight: 128, eager: true },
  competingConsumers: true,
  timestampResolutionMs: 1_000,
  confirms: true,
} as const

function varying(endpoint: Endpoint, options: ResolvedOptions, route: ResolvedRouteOptions): Omit<Capabilities, keyof typeof fixed> {
  const quorum = route.queueType === 'quorum'
  const isTopic = endpoint.kind === 'topic'
  const isSource = !isTopic || endpoint.subscription !== undefined
  const laddered = options.delays && fitsLadder({ kind: 'queue', name: longestQueue(endpoint, route) })
  const delayable = isSource ? laddered : options.delays && canDelayTopic(endpoint, route)
  // An expired message goes where exceeded limits go, and only without such a place is it dropped.
  const dropsExpired = !isTopic && endpoint.deadLetterName === undefined
  return {
    kind: endpoint.kind,
    ordering: endpoint.keyed ? 'key' : 'none',
    keyHold: endpoint.keyed ? 'process' : false,
    lease: { kind: 'scope', maxHoldMs: options.consumerTimeoutMs === false ? false : Math.floor(options.consumerTimeoutMs * holdShare) },
    releaseCounts: quorum,
    // Given back by a copy at the tail, with its count of attempts, and so not in order.
    redelivery: { immediate: !endpoint.keyed, delayed: laddered ? { maxMs: ladderMaxMs, keepsOrder: false } : false, onReconnect: true },
    delay: delayable ? { maxMs: ladderMaxMs, resolutionMs: delayResolutionMs } : false,
    // Whether the queue's own dead-letter exchange leads there is for the broker to say.
    deadLetter: isSource && endpoint.deadLetterName !== undefined ? 'native' : 'emulated',
    headerFilter: isTopic && route.exchangeType === 'headers' && filterBindings(endpoint.subscription?.headerFilter) !== undefined ? 'native' : 'none',
    subscriptions: isTopic ? 'durable' : false,
    requestReply: !isTopic,
    deliveryAttempt: quorum ? 'upper-bound' : 'none',
    maxMessageBytes: options.maxMessageBytes,
    timeToLive: dropsExpired ? { maxMs: 2 ** 32 - 1 } : false,
    priority: route.maxPriority === undefined ? false : { levels: route.maxPriority + 1 },
    stats: { ready: isSource ? (quorum || route.partitions > 0 ? 'approximate' : 'exact') : 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
  }
}

function longestQueue(endpoint: Endpoint, route: ResolvedRouteOptions): string {
  return route.partitions > 0 ? partitionName(queueName(endpoint), route.partitions - 1) : queueName(endpoint)
}
