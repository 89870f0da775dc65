import { BrokerError, type Delivery, type Outcome, type SettleResult } from '@busbar/core/driver'
import { original, withIncoming, type Alterations } from '../alter.ts'
import { ackInSilence, editArriving, editOutcomes, textOf, toTheEnd } from '../edits.ts'
import type { Mutant } from '../mutant.ts'

const retries =
  (change: (delayMs: number) => number): (() => Alterations) =>
  () =>
    editOutcomes((outcome) => (outcome.action === 'retry' ? { ...outcome, delayMs: change(outcome.delayMs) } : outcome))

const skips =
  (skipped: (outcome: Outcome, index: number, outcomes: readonly Outcome[]) => boolean, answer: 'durable' | 'accepted' = 'durable'): (() => Alterations) =>
  () =>
    editOutcomes((outcome, index, outcomes) => (skipped(outcome, index, outcomes) ? answer : outcome))

/** Acks, besides what it should, what `others` picks from the deliveries that the receiver holds. */
const acksToo =
  (others: (acked: Delivery, held: readonly Delivery[]) => readonly Delivery[]): (() => Alterations) =>
  () => ({
    settle: async (outcomes, next, site) => {
      const held = [...site.unsettled]
      const extra = outcomes.filter(({ action }) => action === 'ack').flatMap(({ delivery }) => others(original(delivery), held))
      const results = await next(outcomes)
      ackInSilence(site, extra)
      return results
    },
  })

export const settlingFaults: readonly Mutant[] = [
  {
    name: 'ack-no-op',
    fault: 'answers acks and does nothing',
    killedBy: 'settling/ack-stops-redelivery',
    alsoKilledBy: ['dead-letters/redrive', 'dead-letters/discard', 'dead-letters/redrive-to', 'retry/blocked-key-skipped'],
    alterations: skips(({ action }) => action === 'ack'),
  },
  {
    name: 'ack-then-again',
    fault: 'delivers acked messages again',
    killedBy: 'settling/ack-stops-redelivery',
    alterations: () => editOutcomes((outcome) => (outcome.action === 'ack' ? { ...outcome, action: 'retry', delayMs: 50, attempt: 0 } : outcome)),
  },
  {
    name: 'ack-no-op-on-scopes',
    fault: 'does nothing on acks where leases are per scope',
    killedBy: 'settling/ack-stops-redelivery',
    profile: 'rabbitmq',
    alterations: skips(({ action }) => action === 'ack', 'accepted'),
  },
  {
    name: 'ack-cumulative',
    fault: 'acks everything delivered before the acked message',
    killedBy: 'settling/ack-only-its-own',
    alterations: acksToo((acked, held) => held.slice(0, held.indexOf(acked))),
  },
  {
    name: 'ack-touches-neighbour',
    fault: 'acks the next message too',
    killedBy: 'settling/ack-only-its-own',
    alsoKilledBy: ['dead-letters/discard', 'dead-letters/shared-place'],
    alterations: acksToo((acked, held) => held.slice(held.indexOf(acked) + 1, held.indexOf(acked) + 2)),
  },
  {
    name: 'prefix-skips-gap',
    fault: 'writes its checkpoint over messages that are not acked',
    killedBy: 'settling/prefix',
    profile: 'kinesis',
    alterations: acksToo((acked, held) => held.slice(0, held.indexOf(acked))),
  },
  {
    name: 'prefix-never-written',
    fault: 'never writes its checkpoint',
    killedBy: 'settling/prefix',
    profile: 'kinesis',
    alterations: skips(({ action }) => action === 'ack', 'accepted'),
  },
  {
    name: 'ack-on-delivery',
    fault: 'acks messages when they are delivered',
    killedBy: 'settling/unsettled-comes-again',
    alterations: () => ({
      arrive: (deliveries, next, site) => {
        next(deliveries)
        void site.receiver.settle(deliveries.map((delivery) => ({ delivery, action: 'ack' })))
      },
      settle: async (outcomes) => outcomes.map((): SettleResult => 'durable'),
    }),
  },
  {
    name: 'unsettled-lost',
    fault: 'forgets what is unsettled when its consumer stops',
    killedBy: 'settling/unsettled-comes-again',
    alterations: () => ({
      receiver: (site) => ({
        pause: async () => {
          await site.receiver.pause()
          ackInSilence(site, [...site.unsettled])
        },
      }),
    }),
  },
  {
    name: 'last-outcome-skipped',
    fault: 'leaves out the last outcome of a call',
    killedBy: 'settling/mixed-batch',
    alterations: skips((_outcome, index, outcomes) => outcomes.length > 1 && index === outcomes.length - 1),
  },
  {
    name: 'outcomes-swapped',
    fault: 'gives every message of a call the outcome of its neighbour',
    killedBy: 'settling/mixed-batch',
    alterations: () => editOutcomes((outcome, index, outcomes) => ({ ...(outcomes[(index + 1) % outcomes.length] as Outcome), delivery: outcome.delivery })),
  },
  {
    name: 'retry-loses',
    fault: 'acks messages that are to come again',
    killedBy: 'settling/retry-at-once',
    alsoKilledBy: ['retry/explicit-outcomes'],
    alterations: () => editOutcomes((outcome) => (outcome.action === 'retry' ? { delivery: outcome.delivery, action: 'ack' } : outcome)),
  },
  {
    name: 'retry-no-op',
    fault: 'leaves messages that are to come again to their lease',
    killedBy: 'settling/retry-at-once',
    alterations: skips(({ action }) => action === 'retry'),
  },
  {
    name: 'retry-delay-ignored',
    fault: 'delivers messages that are to wait again at once',
    killedBy: 'settling/retry-delay',
    alsoKilledBy: ['retry/waits-as-asked'],
    alterations: retries(() => 0),
  },
  { name: 'retry-delay-early', fault: 'halves the waits of redeliveries', killedBy: 'settling/retry-delay', alterations: retries((ms) => ms / 2) },
  {
    name: 'retry-delay-for-ever',
    fault: 'never delivers a message again that is to wait',
    killedBy: 'settling/retry-delay',
    alterations: retries((ms) => ms * 1000),
  },
  {
    name: 'retry-delay-clamped',
    fault: 'shortens long waits of redeliveries to an hour',
    killedBy: 'settling/longest-retry-delay',
    alsoKilledBy: ['retry/longest-wait'],
    alterations: retries((ms) => Math.min(ms, 3_600_000)),
  },
  {
    name: 'retry-overtaken',
    fault: 'puts a message that waits for its redelivery behind those that came after it',
    killedBy: 'settling/retry-keeps-order',
    profile: 'sqs-fifo',
    alterations: () => ({
      settle: async (outcomes, next, site) => {
        const late = outcomes.filter(({ action }) => action === 'retry').map(({ delivery }) => original(delivery))
        await toTheEnd(site, late)
        const rest = [...(await next(outcomes.filter(({ action }) => action !== 'retry')))]
        return outcomes.map(({ action }) => (action === 'retry' ? 'durable' : (rest.shift() as SettleResult)))
      },
    }),
  },
  {
    name: 'attempt-inflated',
    fault: 'counts an attempt of its own for every redelivery',
    killedBy: 'settling/attempt',
    alsoKilledBy: ['retry/counts-alike'],
    alterations: () =>
      editArriving((delivery) => ((delivery.brokerAttempts ?? 1) > 1 ? withIncoming(delivery, { attempt: delivery.incoming.attempt + 1 }) : delivery)),
  },
  {
    name: 'attempt-starts-at-one',
    fault: 'counts an attempt before the first',
    killedBy: 'retry/handler-runs-again',
    alsoKilledBy: ['dead-letters/after-attempts', 'settling/attempt'],
    alterations: () => editArriving((delivery) => withIncoming(delivery, { attempt: delivery.incoming.attempt + 1 })),
  },
  {
    name: 'answers-reversed',
    fault: 'answers the outcomes of a settle in reverse',
    killedBy: 'settling/answers-in-order',
    alterations: () => ({ settle: async (outcomes, next) => (await next(outcomes)).toReversed() }),
  },
  {
    name: 'answers-reversed-after-cut',
    fault: 'answers the outcomes of a settle in reverse where they are of several scopes',
    killedBy: 'reconnect/answers-in-order',
    profile: 'rabbitmq',
    alterations: () => ({ settle: async (outcomes, next) => (await next(outcomes)).toReversed() }),
  },
  {
    name: 'extend-answers-reversed',
    fault: 'answers extensions in reverse',
    killedBy: 'settling/answers-in-order',
    alterations: () => ({ extend: async (deliveries, ms, next) => (await next(deliveries, ms)).toReversed() }),
  },
  {
    name: 'settle-rejects',
    fault: 'rejects a settle now and then, instead of answering what became of each outcome',
    killedBy: 'settling/ack-while-receiving',
    alterations: () => {
      let calls = 0
      return {
        settle: async (outcomes, next) => {
          const results = await next(outcomes)
          if (++calls % 3 === 0) throw new BrokerError('ERR_UNAVAILABLE', 'The connection is gone.')
          return results
        },
      }
    },
  },
  {
    name: 'hundredth-ack-not-taken',
    fault: 'never takes the ack of every hundredth message',
    killedBy: 'settling/ack-while-receiving',
    alterations: skips(({ action, delivery }) => action === 'ack' && textOf(delivery).endsWith('00')),
  },
]
