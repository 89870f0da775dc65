import type { Capabilities, Endpoint, Refusal } from '@busbar/core/driver'
import { limits } from './limits.ts'
import { templateProblem } from './filling.ts'
import { nameProblem } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import type { ResolvedRouteOptions } from './route-options.ts'
import { templateOf } from './templates.ts'

/** What the driver can do for one endpoint, or why it cannot serve it. */
export function capabilitiesOf(endpoint: Endpoint, options: ResolvedOptions, route: ResolvedRouteOptions): Capabilities | Refusal {
  return refusalOf(endpoint, options, route) ?? Object.freeze({ ...fixed, ...varying(endpoint, options, route) })
}

function refusalOf(endpoint: Endpoint, options: ResolvedOptions, { members, republish }: ResolvedRouteOptions): Refusal | undefined {
  if (endpoint.kind === 'stream') {
    return { refused: 'MQTT has no streams: what was acked is gone', remedy: 'use a queue or a topic, without replay, or route it to a driver with streams' }
  }
  const problem = nameProblem(endpoint, options) ?? templateProblem(endpoint, options)
  if (problem !== undefined) return { refused: problem, remedy: "set the route's name" }
  const { deadLettersOf } = endpoint
  if (deadLettersOf?.parameters !== undefined && templateOf(deadLettersOf)?.match(endpoint.name) !== undefined) {
    return {
      refused: `the topic ${endpoint.name} is one of ${deadLettersOf.name}, and what is sent there would come back`,
      remedy: 'set deadLetter.destination in the route',
    }
  }
  if (endpoint.kind === 'queue' && members !== 1 && !options.sharedSubscriptions) {
    return {
      refused: 'queues need shared subscriptions, which MQTT 3.1.1 does not have',
      remedy:
        "route it to a driver with queues; or set sharedSubscriptions: true in the driver's options if the broker has them, or members: 1 in the route's options for a queue with one consumer at a time",
    }
  }
  // Of a queue with several members negotiation says that it has no order.
  if (endpoint.keyed && republish && (members ?? options.members) === 1) {
    return {
      refused: 'it needs order per key, and what is published again comes behind later messages of its key',
      remedy: "remove redelivery: 'republish' from the route's options, or accept disorder with ordering: 'best-effort' in the route",
    }
  }
  return undefined
}

const fixed = {
  lease: { kind: 'scope', maxHoldMs: false },
  releaseCounts: false,
  batchOrder: 'partial',
  callOrder: 'kept',
  delay: false,
  deduplication: false,
  deadLetter: 'emulated',
  peek: 'none',
  replay: false,
  filter: 'none',
  headerFilter: 'none',
  deliveryAttempt: 'none',
  maxBatch: { messages: 100, bytes: 4_194_304, inFlight: 64, eager: true },
  priority: false,
  stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
  timestampResolutionMs: 1,
} as const

function varying(endpoint: Endpoint, options: ResolvedOptions, route: ResolvedRouteOptions): Omit<Capabilities, keyof typeof fixed> {
  const isQueue = endpoint.kind === 'queue'
  const shared = isQueue && (route.members ?? options.members) > 1
  // What is published again comes behind the others.
  const ordered = !shared && !route.republish
  const withMetadata = options.protocolVersion === 5 || route.envelope
  return {
    kind: endpoint.kind,
    addressTemplates: isQueue ? 'none' : 'native',
    // Brokers of MQTT 3.1.1 have a window of their own, which the client is not told: ActiveMQ lets out 100.
    settlement: { mode: 'prefix', maxBatch: options.protocolVersion === 5 ? 1_000 : 100, lingerMs: 0 },
    delivery: route.qos === 0 ? 'at-most-once' : 'at-least-once',
    // Of different topics the standard promises no order.
    ordering: !ordered ? 'none' : endpoint.parameters === undefined ? 'destination' : 'key',
    keyHold: ordered && 'process',
    redelivery: { immediate: route.republish, delayed: false, onReconnect: true },
    redrive: isQueue ? 'copy' : 'none',
    maxMessageBytes: options.maxPacketBytes,
    maxHeaders: withMetadata ? false : 0,
    competingConsumers: shared,
    subscriptions: isQueue ? false : 'durable',
    requestReply: isQueue && withMetadata,
    timeToLive: options.protocolVersion === 5 ? { maxMs: limits.timeToLiveMs } : false,
    confirms: route.qos > 0,
  }
}

/** What a broker says of itself when it takes a connection. Brokers of MQTT 3.1.1 say nothing. */
export interface BrokerFacts {
  readonly maximumQoS: 0 | 1 | 2
  readonly retainAvailable: boolean
  readonly wildcardsAvailable: boolean
  readonly sharedAvailable: boolean
  readonly receiveMaximum: number
  /** Of a whole packet; `undefined`: no limit but that of MQTT. */
  readonly maximumPacketBytes: number | undefined
  /** Seconds, where the broker does not keep sessions as long as it was asked to. */
  readonly sessionExpirySeconds: number | undefined
}

/** Never wider than what was claimed from options alone. `sessions`: how many the source has. */
export function narrowed(claimed: Capabilities, { maximumQoS, maximumPacketBytes = Infinity }: BrokerFacts, sessions: number): Capabilities {
  const lossy = maximumQoS === 0 ? { delivery: 'at-most-once' as const, confirms: false } : {}
  const maxMessageBytes = Math.min(claimed.maxMessageBytes, maximumPacketBytes - limits.fixedHeaderBytes)
  return Object.freeze<Capabilities>({ ...claimed, ...lossy, maxMessageBytes, competingConsumers: claimed.competingConsumers && sessions > 1 })
}
