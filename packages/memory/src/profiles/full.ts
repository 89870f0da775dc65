import type { Capabilities, Endpoint } from '@busbar/core/driver'
import type { QueueBehaviour } from '../queue/behaviour.ts'
import type { Profile, ProfileSettings } from './profile.ts'
import { headerBytes } from './size.ts'

const yearMs = 31_536_000_000
const maxLeaseMs = 43_200_000
const deduplicationMs = 300_000
const maxBytes = 67_108_864

/** Everything that a broker in one process can honestly do. */
export const full: Profile = {
  name: 'full',
  capabilities: (endpoint, settings) => (endpoint.kind === 'stream' ? streamCapabilities : messageCapabilities(endpoint, settings)),
  physicalName: (name) => name,
  engine: (kind) => kind,
  queue: (_endpoint, settings) => queueBehaviour(settings),
  stream: { shards: 4, retentionMs: 7 * 86_400_000, firstSequence: 1n, write: { bytes: Infinity, records: Infinity } },
  moves: true,
  browses: true,
  counts: true,
  replies: true,
  addressBytes: 65_535,
  topicDeduplicationMs: () => deduplicationMs,
  maxSubscriptions: () => Infinity,
  cannotShow: () => undefined,
  sizeOf: (message) => message.bodyBytes + headerBytes(message.headers),
  refuse: () => undefined,
}

function messageCapabilities(endpoint: Endpoint, settings: ProfileSettings): Capabilities {
  return {
    kind: endpoint.kind,
    delivery: 'at-least-once',
    ordering: 'key',
    keyHold: 'broker',
    lease: { kind: 'message', ms: settings.leaseMs, maxMs: maxLeaseMs },
    settlement: { mode: 'individual', maxBatch: 1000, lingerMs: 0 },
    releaseCounts: false,
    batchOrder: 'atomic',
    callOrder: 'kept',
    redelivery: { immediate: true, delayed: { maxMs: yearMs, keepsOrder: true }, onReconnect: true },
    delay: { maxMs: yearMs, resolutionMs: 0 },
    deduplication: { windowMs: deduplicationMs },
    deadLetter: 'emulated',
    peek: 'exact',
    redrive: endpoint.kind === 'queue' ? 'native' : 'copy',
    replay: false,
    filter: endpoint.kind === 'topic' ? 'native' : 'none',
    headerFilter: endpoint.kind === 'topic' ? 'native' : 'none',
    addressTemplates: endpoint.kind === 'topic' ? 'native' : 'none',
    deliveryAttempt: 'upper-bound',
    maxMessageBytes: maxBytes,
    maxHeaders: false,
    maxBatch: { messages: 1000, bytes: maxBytes, inFlight: 16 },
    competingConsumers: true,
    subscriptions: endpoint.kind === 'topic' ? 'durable' : false,
    requestReply: endpoint.kind === 'queue',
    timeToLive: { maxMs: yearMs },
    // Two orders cannot both hold: with keys, the order sent wins.
    priority: endpoint.keyed ? false : { levels: 10 },
    stats: { ready: 'exact', inFlight: 'exact', delayed: 'exact', oldestAgeMs: 'exact' },
    timestampResolutionMs: 1,
    confirms: true,
  }
}

const streamCapabilities: Capabilities = {
  kind: 'stream',
  delivery: 'at-least-once',
  ordering: 'key',
  keyHold: 'process',
  lease: { kind: 'scope', maxHoldMs: false },
  settlement: { mode: 'prefix', maxBatch: 1000, lingerMs: 0 },
  releaseCounts: false,
  batchOrder: 'atomic',
  callOrder: 'kept',
  redelivery: { immediate: false, delayed: false, onReconnect: true },
  delay: false,
  deduplication: false,
  deadLetter: 'emulated',
  peek: 'none',
  redrive: 'none',
  replay: { earliest: true, timestamp: true, position: true },
  filter: 'native',
  headerFilter: 'native',
  addressTemplates: 'none',
  deliveryAttempt: 'none',
  maxMessageBytes: maxBytes,
  maxHeaders: false,
  maxBatch: { messages: 1000, bytes: maxBytes, inFlight: 16 },
  competingConsumers: true,
  subscriptions: 'durable',
  requestReply: false,
  timeToLive: false,
  priority: false,
  stats: { ready: 'exact', inFlight: 'exact', delayed: 'none', oldestAgeMs: 'exact' },
  timestampResolutionMs: 1,
  confirms: true,
}

function queueBehaviour(settings: ProfileSettings): QueueBehaviour {
  return {
    order: 'held',
    lease: { ms: settings.leaseMs, maxMs: maxLeaseMs },
    maxHoldMs: Infinity,
    settlement: 'individual',
    answer: 'durable',
    lateSettle: 'refused',
    givesBack: true,
    releaseCounts: false,
    ownIds: true,
    tellsCount: true,
    stepMs: 1,
    delays: true,
    delayReachesStored: false,
    timeToLiveStepMs: 1,
    expiresDelivered: true,
    deadLettersExpired: false,
    retentionMs: Infinity,
    movedKeepsAge: false,
    maxInFlight: Infinity,
    lookAhead: Infinity,
    maxUnsettled: Infinity,
    maxSettle: Infinity,
    maxRetryMs: yearMs,
    retryBy: 'place',
    carriesAttempt: true,
    requeue: 'place',
    maxReceive: 1000,
    priorities: 10,
    deduplication: { windowMs: deduplicationMs },
    discards: false,
    disorder: 1,
    exclusive: false,
    purges: 'everything',
    purgeEveryMs: 0,
  }
}
