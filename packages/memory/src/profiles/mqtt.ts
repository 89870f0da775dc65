import type { Capabilities, Endpoint, Outgoing, Refusal } from '@busbar/core/driver'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { Profile } from './profile.ts'
import { headerBytes, textBytes } from './size.ts'

/** Limits of MQTT 5. Brokers set lower ones. */
export const mqttLimits = { packetBytes: 268_435_455, topicBytes: 65_535, timeToLiveMs: 4_294_967_295_000 } as const

/** MQTT 5 with QoS 1 and persistent sessions: acks in the order of receipt, nothing given back but by reconnecting. Queues are shared subscriptions. */
export const mqtt: Profile = {
  name: 'mqtt',
  stream: { shards: 1, retentionMs: 1, firstSequence: 1n, write: { bytes: 1, records: 1 } },
  browses: false,
  counts: false,
  replies: true,
  capabilities: (endpoint) => refuse(endpoint) ?? capabilities(endpoint.kind === 'topic' ? 'topic' : 'queue'),
  physicalName: (name) => name,
  engine: (kind) => kind,
  queue: (endpoint) => behaviour(endpoint.kind === 'topic'),
  topicDeduplicationMs: () => undefined,
  // The topic, user properties with two lengths each, and the body.
  sizeOf: (message: Outgoing) => message.bodyBytes + headerBytes(message.headers, 5),
  refuse: () => undefined,
}

function refuse(endpoint: Endpoint): Refusal | undefined {
  if (endpoint.kind === 'stream') return { refused: 'MQTT has no streams', remedy: 'use a queue or a topic, without replay' }
  if (endpoint.name !== '' && textBytes(endpoint.name) <= mqttLimits.topicBytes && !/[+#\0]/.test(endpoint.name)) return undefined
  return {
    refused: `the name ${endpoint.name.slice(0, 100)} is empty, longer than ${mqttLimits.topicBytes} bytes, or contains +, # or NUL`,
    remedy: 'give a legal name in the route',
  }
}

function capabilities(kind: 'queue' | 'topic'): Capabilities {
  const shared = kind === 'queue'
  return {
    kind,
    delivery: 'at-least-once',
    ordering: shared ? 'none' : 'destination',
    keyHold: shared ? false : 'process',
    lease: { kind: 'scope', maxHoldMs: false },
    settlement: { mode: 'prefix', maxBatch: 1_000, lingerMs: 0 },
    releaseCounts: false,
    batchOrder: 'partial',
    redelivery: { immediate: false, delayed: false, onReconnect: true },
    delay: false,
    deduplication: false,
    deadLetter: 'emulated',
    peek: 'none',
    redrive: shared ? 'copy' : 'none',
    replay: false,
    filter: 'none',
    headerFilter: 'none',
    deliveryAttempt: 'none',
    maxMessageBytes: mqttLimits.packetBytes,
    maxHeaders: false,
    maxBatch: { messages: 100, bytes: mqttLimits.packetBytes, inFlight: 1 },
    competingConsumers: shared,
    subscriptions: shared ? false : 'durable',
    requestReply: shared,
    timeToLive: { maxMs: mqttLimits.timeToLiveMs },
    priority: false,
    stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
    timestampResolutionMs: 1,
    confirms: true,
  }
}

function behaviour(topic: boolean): QueueBehaviour {
  return {
    order: 'none',
    lease: false,
    maxHoldMs: Infinity,
    settlement: 'prefix',
    answer: 'accepted',
    lateSettle: 'refused',
    givesBack: false,
    releaseCounts: false,
    ownIds: false,
    tellsCount: false,
    stepMs: 1,
    retentionMs: Infinity,
    movedKeepsAge: false,
    maxInFlight: Infinity,
    maxRetryMs: 0,
    retryBy: 'place',
    carriesAttempt: false,
    requeue: 'place',
    maxReceive: 1_000,
    priorities: 1,
    deduplication: false,
    discards: false,
    disorder: 1,
    exclusive: topic,
  }
}
