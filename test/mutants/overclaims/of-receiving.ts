import type { SettleResult } from '@busbar/core/driver'
import { disguise, type Alterations } from '../alter.ts'
import { ackInSilence, editArriving } from '../edits.ts'
import { otherSqs, overclaim, tooMuch, type FalseClaims } from './overclaim.ts'

/** What could be claimed falsely about receiving and settling. */
export const receivingClaims: Readonly<
  Record<
    | 'delivery'
    | 'ordering'
    | 'keyHold'
    | 'lease'
    | 'settlement'
    | 'releaseCounts'
    | 'redelivery'
    | 'deadLetter'
    | 'peek'
    | 'redrive'
    | 'replay'
    | 'deliveryAttempt'
    | 'competingConsumers'
    | 'subscriptions'
    | 'stats',
    FalseClaims
  >
> = {
  delivery: { mutants: [], others: ['ack-on-delivery'] },
  ordering: {
    mutants: [
      overclaim({
        name: 'overclaims-ordering-key',
        fault: 'claims that keys keep their order, and gives one key to two consumers at once',
        killedBy: 'ordering/one-holder',
        profile: 'mqtt',
        claim: ({ kind }) => (kind === 'queue' ? { ordering: 'key', keyHold: 'process' } : {}),
      }),
      overclaim({
        name: 'overclaims-ordering-destination',
        fault: 'claims the order of the whole destination, and gives it to two consumers at once',
        killedBy: 'ordering/one-holder',
        profile: 'rabbitmq',
        alsoOn: ['full', 'sqs-fifo', 'kinesis', 'sns'],
        claim: ({ ordering }) => (ordering === 'key' ? { ordering: 'destination' } : {}),
      }),
    ],
    others: ['order-claimed', 'destination-order-claimed'],
  },
  keyHold: {
    mutants: [
      overclaim({
        name: 'overclaims-key-hold',
        fault: 'claims that the broker keeps failed keys back, which has no way to give a message back',
        killedBy: 'capabilities/complete',
        profile: 'kinesis',
        claim: ({ keyHold }) => (keyHold === 'process' ? { keyHold: 'broker' } : {}),
      }),
    ],
    others: ['hold-ignored'],
    irrefutable: [
      '`broker` where messages go back to their places at once: whoever holds the key, its order is kept, and longer waits are `redelivery.keepsOrder`',
    ],
  },
  lease: {
    mutants: [
      overclaim({
        name: 'overclaims-lease-scope',
        fault: 'claims that it holds deliveries without an end, and loses each when a time has passed',
        killedBy: 'leases/longest-hold',
        profile: 'sqs-standard',
        alsoOn: otherSqs,
        claim: ({ lease }) => (lease !== false && lease.kind === 'message' ? { lease: { kind: 'scope', maxHoldMs: false } } : {}),
        really: () => ({ noExtend: true, ...editArriving((delivery) => disguise(delivery, { leaseUntil: undefined })) }),
      }),
      overclaim({
        name: 'overclaims-lease-max-hold',
        fault: 'claims twice the time for which it holds deliveries',
        killedBy: 'leases/longest-hold',
        profile: 'rabbitmq',
        claim: ({ lease }) =>
          lease !== false && lease.kind === 'scope' && lease.maxHoldMs !== false ? { lease: { ...lease, maxHoldMs: 2 * lease.maxHoldMs } } : {},
      }),
      overclaim({
        name: 'overclaims-lease-max',
        fault: 'claims that leases can be extended to twice the time that the broker allows',
        killedBy: 'leases/longest-lease',
        alsoOn: ['sqs-standard', ...otherSqs],
        claim: ({ lease }) => (lease !== false && lease.kind === 'message' ? { lease: { ...lease, maxMs: 2 * lease.maxMs } } : {}),
      }),
      overclaim({
        name: 'overclaims-lease-ms',
        fault: 'claims twice the time for which it leases a message',
        killedBy: 'leases/expiry',
        alsoOn: ['sqs-standard', ...otherSqs],
        claim: ({ lease }) => (lease !== false && lease.kind === 'message' ? { lease: { ...lease, ms: 2 * lease.ms } } : {}),
      }),
    ],
  },
  settlement: {
    mutants: [
      overclaim({
        name: 'overclaims-settlement-batch',
        fault: 'claims settle calls of a hundred times the size that the broker takes',
        killedBy: 'settling/full-batch',
        profile: 'sqs-standard',
        alsoOn: otherSqs,
        claim: ({ settlement }) => (settlement === false ? {} : { settlement: { ...settlement, maxBatch: 1_000 } }),
        really: () => ({
          settle: (outcomes, next) => (outcomes.length > 10 ? Promise.resolve(outcomes.map((): SettleResult => ({ error: tooMuch() }))) : next(outcomes)),
        }),
      }),
      overclaim({
        name: 'overclaims-settlement-individual',
        fault: 'claims that every ack counts by itself, and acks by prefix',
        killedBy: 'settling/ack-only-its-own',
        profile: 'kinesis',
        alsoOn: ['mqtt'],
        claim: ({ settlement }) => (settlement === false ? {} : { settlement: { ...settlement, mode: 'individual' } }),
      }),
    ],
    irrefutable: ['`lingerMs`: advice to core, not a promise'],
  },
  releaseCounts: {
    mutants: [
      overclaim({
        name: 'overclaims-release-counts',
        fault: 'claims that giving back unstarted is not counted, and counts it',
        killedBy: 'settling/release-count',
        profile: 'sqs-standard',
        alsoOn: [...otherSqs, 'rabbitmq'],
        claim: () => ({ releaseCounts: false }),
      }),
    ],
  },
  redelivery: {
    mutants: [
      overclaim({
        name: 'overclaims-redelivery-immediate',
        fault: 'claims that messages can be given back, and cannot do it',
        killedBy: 'settling/retry-at-once',
        profile: 'kinesis',
        alsoOn: ['mqtt'],
        claim: ({ redelivery }) => ({ redelivery: { ...redelivery, immediate: true } }),
      }),
      overclaim({
        name: 'overclaims-redelivery-delay',
        fault: 'claims redelivery delays of twice the length that the broker takes',
        killedBy: 'settling/longest-retry-delay',
        profile: 'sqs-standard',
        alsoOn: [...otherSqs, 'full'],
        claim: ({ redelivery }) =>
          redelivery.delayed === false ? {} : { redelivery: { ...redelivery, delayed: { ...redelivery.delayed, maxMs: 2 * redelivery.delayed.maxMs } } },
      }),
      overclaim({
        name: 'overclaims-redelivery-order',
        fault: 'claims that the broker keeps a key back while its message is delayed, and delivers the others',
        killedBy: 'settling/retry-keeps-order',
        profile: 'rabbitmq',
        claim: ({ redelivery, ordering }) =>
          redelivery.delayed === false || ordering === 'none'
            ? {}
            : { keyHold: 'broker', redelivery: { ...redelivery, delayed: { ...redelivery.delayed, keepsOrder: true } } },
      }),
      overclaim({
        name: 'overclaims-redelivery-order-alone',
        fault: 'claims that delayed redelivery keeps the order of keys that only this process keeps back',
        killedBy: 'capabilities/complete',
        profile: 'rabbitmq',
        claim: ({ redelivery }) =>
          redelivery.delayed === false ? {} : { redelivery: { ...redelivery, delayed: { ...redelivery.delayed, keepsOrder: true } } },
      }),
      overclaim({
        name: 'overclaims-redelivery-on-reconnect',
        fault: 'claims that unsettled messages come again after a cut, and loses them',
        killedBy: 'leases/scope-loss',
        alsoKilledBy: ['leases/scope-loss-of-keys'],
        profile: 'rabbitmq',
        claim: ({ redelivery }) => ({ redelivery: { ...redelivery, onReconnect: true } }),
        really: losesAtCut,
      }),
    ],
    irrefutable: ['`onReconnect` with leases per message: the scope is the receipt, and what comes after its end is what `lease` says'],
  },
  deadLetter: {
    mutants: [
      overclaim({
        name: 'overclaims-dead-letter',
        fault: 'claims to move discarded messages to a dead-letter queue by itself, and cannot do it',
        killedBy: 'settling/discard',
        profile: 'sqs-standard',
        alsoOn: ['sqs-fifo', 'full', 'mqtt', 'kinesis'],
        claim: () => ({ deadLetter: 'native' }),
      }),
    ],
    others: ['discard-drops'],
    irrefutable: ['`native` where the driver has no queues: its dead letters are with another driver, and nobody asks it to discard'],
  },
  peek: {
    mutants: [
      overclaim({
        name: 'overclaims-peek',
        fault: 'claims that messages can be looked at without being disturbed, and has nothing for it',
        killedBy: 'peek/pages',
        profile: 'sns',
        alsoOn: ['sqs-standard', 'sqs-fifo', 'kinesis', 'mqtt', 'rabbitmq'],
        claim: () => ({ peek: 'exact' }),
      }),
    ],
    irrefutable: ['`disturbing` for `none`: core looks at dead letters by receiving them wherever a peek is not exact'],
  },
  redrive: {
    mutants: [
      overclaim({
        name: 'overclaims-redrive',
        fault: 'claims that dead letters can be sent back to one subscription, and sends them to all',
        killedBy: 'topics/send-to-one-subscription',
        profile: 'kinesis',
        alsoOn: ['full'],
        kind: 'stream',
        claim: () => ({ redrive: 'copy' }),
      }),
      overclaim({
        name: 'overclaims-redrive-native',
        fault: 'claims that the broker moves dead letters by itself, and has nothing for it',
        killedBy: 'dead-letters/moved-natively',
        profile: 'rabbitmq',
        kind: 'queue',
        claim: () => ({ redrive: 'native' }),
      }),
    ],
    others: ['redrive-to-all-subscriptions'],
  },
  replay: { mutants: [], others: ['timestamp-ignored', 'position-ignored', 'seek-no-op', 'seek-timestamp-ignored', 'seek-position-ignored'] },
  deliveryAttempt: {
    mutants: [
      overclaim({
        name: 'overclaims-delivery-attempt',
        fault: 'claims to count deliveries and tells no count',
        killedBy: 'settling/delivery-count-told',
        profile: 'kinesis',
        alsoOn: ['mqtt'],
        claim: () => ({ deliveryAttempt: 'upper-bound' }),
      }),
      overclaim({
        name: 'overclaims-exact-delivery-attempt',
        fault: 'claims an exact count, and counts what was never started',
        killedBy: 'settling/delivery-count-told',
        alsoOn: ['sqs-standard', ...otherSqs, 'rabbitmq'],
        claim: ({ deliveryAttempt }) => (deliveryAttempt === 'none' ? {} : { deliveryAttempt: 'exact' }),
      }),
    ],
  },
  competingConsumers: {
    mutants: [
      overclaim({
        name: 'overclaims-competing-consumers',
        fault: 'claims that consumers share a source, and ends the first when a second joins',
        killedBy: 'flow/consumer-joins',
        profile: 'mqtt',
        kind: 'topic',
        claim: () => ({ competingConsumers: true }),
      }),
    ],
    others: ['second-consumer-starved', 'every-consumer-gets-all'],
  },
  subscriptions: { mutants: [], others: ['offline-subscription-misses'] },
  stats: {
    mutants: [
      overclaim({
        name: 'overclaims-stats',
        fault: 'claims exact counts and does not tell them',
        killedBy: 'stats/counts',
        profile: 'kinesis',
        alsoOn: ['sqs-standard', 'sqs-fifo', 'sns', 'rabbitmq', 'mqtt'],
        claim: () => ({ stats: { ready: 'exact', inFlight: 'exact', delayed: 'exact', oldestAgeMs: 'exact' } }),
      }),
    ],
    others: ['stats-count-twice', 'stats-age-zero'],
    irrefutable: ['`approximate` where a number is told: any number is approximate'],
  },
}

function losesAtCut(): Alterations {
  const held = new Set<string | undefined>()
  return {
    lost: (next) => next(),
    arrive: (deliveries, next, site) => {
      const again = deliveries.filter(({ incoming }) => held.has(incoming.id))
      for (const { incoming } of deliveries) held.add(incoming.id)
      ackInSilence(site, again)
      next(deliveries.filter((delivery) => !again.includes(delivery)))
    },
  }
}
