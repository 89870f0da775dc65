import type { Delivery, Outcome, SettleResult } from '@busbar/core/driver'
import { disguise, original, withIncoming, type Alterations, type ReceiverSite } from '../alter.ts'
import { ackInSilence, editArriving, editOutcomes, toTheEnd } from '../edits.ts'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

const skips =
  (skipped: (outcome: Outcome, index: number, outcomes: readonly Outcome[]) => boolean, answer: 'durable' | 'accepted' = 'durable'): (() => Alterations) =>
  () =>
    editOutcomes((outcome, index, outcomes) => (skipped(outcome, index, outcomes) ? answer : outcome))

/** Deliveries of all receivers, for faults that mix them up. */
function everywhere(
  onTooLate: (
    outcome: Outcome,
    sites: readonly { readonly site: ReceiverSite; readonly live: Set<Delivery> }[],
  ) => { readonly site: ReceiverSite; readonly delivery: Delivery; readonly action: 'ack' | 'retry' } | undefined,
): Alterations {
  const sites: { readonly site: ReceiverSite; readonly live: Set<Delivery> }[] = []
  return {
    receiver: (site) => {
      sites.unshift({ site, live: site.unsettled })
      return {}
    },
    settle: async (outcomes, next) => {
      const results = await next(outcomes)
      for (const [index, result] of results.entries()) {
        const outcome = outcomes[index]
        if (result !== 'too-late' || outcome === undefined) continue
        const strike = onTooLate(outcome, sites)
        if (strike?.action === 'ack') ackInSilence(strike.site, [strike.delivery])
        else if (strike?.action === 'retry') await strike.site.receiver.settle([{ delivery: strike.delivery, action: 'retry', delayMs: 0, attempt: 1 }])
      }
      return results
    },
  }
}

/** The profile can discard natively, and core never asks it to: a broken driver might. */
const nativeDeadLetters: Alterations = claiming(() => ({ deadLetter: 'native' }))

export const receiptFaults: readonly Mutant[] = [
  {
    name: 'second-settle-acks-next',
    fault: 'acks the next message when one is settled a second time',
    killedBy: 'settling/settle-twice',
    alterations: () => {
      const settled = new WeakSet<Delivery>()
      return {
        settle: async (outcomes, next, site) => {
          for (const { delivery } of outcomes) {
            if (settled.has(original(delivery))) ackInSilence(site, [...site.unsettled].slice(0, 1))
            settled.add(original(delivery))
          }
          return next(outcomes)
        },
      }
    },
  },
  {
    name: 'second-settle-rejects',
    fault: 'rejects when a delivery is settled a second time',
    killedBy: 'settling/settle-twice',
    alterations: () => {
      const settled = new WeakSet<Delivery>()
      return {
        settle: async (outcomes, next) => {
          if (outcomes.some(({ delivery }) => settled.has(original(delivery)))) throw new Error('unknown receipt')
          for (const { delivery } of outcomes) settled.add(original(delivery))
          return next(outcomes)
        },
      }
    },
  },
  {
    name: 'count-not-raised',
    fault: 'tells the delivery count 1 every time',
    killedBy: 'settling/delivery-count',
    alterations: () => editArriving((delivery) => disguise(delivery, { brokerAttempts: 1 })),
  },
  {
    name: 'count-from-zero',
    fault: 'counts redeliveries instead of deliveries',
    killedBy: 'settling/delivery-count',
    alterations: () => editArriving((delivery) => disguise(delivery, { brokerAttempts: (delivery.brokerAttempts ?? 1) - 1 })),
  },
  {
    name: 'count-restarts-after-delay',
    fault: 'counts deliveries from 1 again after a delayed redelivery',
    killedBy: 'settling/delivery-count-delayed',
    alterations: () => {
      const before = new Map<string, number>()
      return {
        settle: async (outcomes, next) => {
          for (const { delivery, ...outcome } of outcomes)
            if (outcome.action === 'retry' && outcome.delayMs > 0) before.set(delivery.sameAs ?? '', original(delivery).brokerAttempts ?? 0)
          return next(outcomes)
        },
        ...editArriving((delivery) => disguise(delivery, { brokerAttempts: (delivery.brokerAttempts ?? 1) - (before.get(delivery.sameAs ?? '') ?? 0) })),
      }
    },
  },
  {
    name: 'count-made-up',
    fault: 'counts deliveries by itself and says that nobody does',
    killedBy: 'settling/no-delivery-count',
    profile: 'kinesis',
    alterations: () => editArriving((delivery) => disguise(delivery, { brokerAttempts: 1 })),
  },
  {
    name: 'same-as-shared',
    fault: 'calls all messages the same',
    killedBy: 'settling/same-as',
    alterations: () => editArriving((delivery) => disguise(delivery, { sameAs: 'one' })),
  },
  {
    name: 'same-as-fresh',
    fault: 'calls no redelivery the same as the delivery before',
    killedBy: 'settling/same-as',
    alterations: () => {
      let deliveries = 0
      return editArriving((delivery) => disguise(delivery, { sameAs: `receipt-${++deliveries}` }))
    },
  },
  {
    name: 'discard-drops',
    fault: 'deletes discarded messages',
    killedBy: 'settling/discard',
    profile: 'rabbitmq',
    alterations: () => ({
      ...nativeDeadLetters,
      ...editOutcomes((outcome) => (outcome.action === 'discard' ? { delivery: outcome.delivery, action: 'ack' } : outcome)),
    }),
  },
  {
    name: 'undeclared-discard-drops',
    fault: 'deletes what it is told to discard, and has no dead-letter place',
    killedBy: 'settling/undeclared-outcomes',
    alterations: () => editOutcomes((outcome) => (outcome.action === 'discard' ? { delivery: outcome.delivery, action: 'ack' } : outcome)),
  },
  {
    name: 'undeclared-retry-acks',
    fault: 'acks what it cannot give back',
    killedBy: 'settling/undeclared-outcomes',
    alsoKilledBy: ['settling/undeclared-outcomes-of-keys'],
    profile: 'kinesis',
    alterations: () => editOutcomes((outcome) => (outcome.action === 'retry' ? { delivery: outcome.delivery, action: 'ack' } : outcome)),
  },
  {
    name: 'discard-alters',
    fault: 'loses the headers of discarded messages',
    killedBy: 'settling/discard',
    profile: 'rabbitmq',
    alterations: () => ({
      ...nativeDeadLetters,
      ...editArriving((delivery, { endpoint }) => (endpoint.name.includes('dead') ? withIncoming(delivery, { headers: {} }) : delivery)),
    }),
  },
  {
    name: 'late-ack-claims-durable',
    fault: 'says that an ack was taken that came too late',
    killedBy: 'settling/late-answer-is-true',
    alterations: () => ({ settle: async (outcomes, next) => (await next(outcomes)).map((result) => (result === 'too-late' ? 'durable' : result)) }),
  },
  {
    name: 'late-ack-deletes-in-secret',
    fault: 'says too late and deletes the message all the same',
    killedBy: 'settling/late-touches-no-other',
    alterations: () =>
      everywhere(({ delivery, action }, sites) => {
        for (const { site, live } of sites)
          for (const other of live) if (action === 'ack' && other.sameAs === delivery.sameAs) return { site, delivery: other, action: 'ack' }
        return undefined
      }),
  },
  {
    name: 'late-ack-ends-another',
    fault: 'takes a receipt of a lost lease for that of another message',
    killedBy: 'settling/late-touches-no-other',
    alterations: () =>
      everywhere(({ delivery, action }, sites) => {
        for (const { site, live } of sites)
          for (const other of live) if (action === 'ack' && other.sameAs !== delivery.sameAs) return { site, delivery: other, action: 'ack' }
        return undefined
      }),
  },
  {
    name: 'late-retry-steals',
    fault: 'takes a message from its new holder when the old one gives it back',
    killedBy: 'settling/late-retry',
    alterations: () =>
      everywhere(({ delivery, action }, sites) => {
        for (const { site, live } of sites)
          for (const other of live)
            if (action === 'retry' && other.sameAs === delivery.sameAs && other !== original(delivery)) return { site, delivery: other, action: 'retry' }
        return undefined
      }),
  },
  {
    name: 'release-acks',
    fault: 'acks released messages',
    killedBy: 'settling/release',
    alterations: () => editOutcomes((outcome) => (outcome.action === 'release' ? { ...outcome, action: 'ack' } : outcome)),
  },
  {
    name: 'release-no-op',
    fault: 'keeps released messages until their lease ends',
    killedBy: 'settling/release',
    alterations: skips(({ action }) => action === 'release'),
  },
  {
    name: 'release-counts',
    fault: 'counts a release as a delivery although it says that it does not',
    killedBy: 'settling/release-count',
    alterations: () => {
      const releases = new Map<string, number>()
      return {
        ...editArriving((delivery) => disguise(delivery, { brokerAttempts: (delivery.brokerAttempts ?? 1) + (releases.get(delivery.sameAs ?? '') ?? 0) })),
        ...editOutcomes((outcome) => {
          const same = outcome.delivery.sameAs ?? ''
          if (outcome.action === 'release') releases.set(same, (releases.get(same) ?? 0) + 1)
          return outcome
        }),
      }
    },
  },
  {
    name: 'release-to-tail',
    fault: 'puts released messages behind all others',
    killedBy: 'settling/release-order',
    alterations: () => ({
      settle: async (outcomes, next, site) => {
        if (!outcomes.every(({ action }) => action === 'release')) return next(outcomes)
        await toTheEnd(
          site,
          outcomes.map(({ delivery }) => original(delivery)),
        )
        return outcomes.map((): SettleResult => 'durable')
      },
    }),
  },
  {
    name: 'returned-behind-others',
    fault: 'puts the first of the messages that are given back together behind the others',
    killedBy: 'retry/held-too-long',
    profile: 'rabbitmq',
    alterations: () => ({
      settle: async (outcomes, next, site) => {
        const released = outcomes.filter(({ action }) => action === 'release')
        if (released.length < outcomes.length || released.length === 0) return next(outcomes)
        await toTheEnd(
          site,
          [...released.slice(1), ...released.slice(0, 1)].map(({ delivery }) => original(delivery)),
        )
        return outcomes.map((): SettleResult => 'durable')
      },
    }),
  },
  {
    name: 'retry-alters',
    fault: 'leaves headers and type out of messages that come again',
    killedBy: 'settling/retry-at-once',
    alterations: () => editArriving((delivery) => ((delivery.brokerAttempts ?? 1) > 1 ? withIncoming(delivery, { headers: {}, type: undefined }) : delivery)),
  },
  {
    name: 'redelivery-forgets-attempts',
    fault: 'gives every redelivery as a message that was never started',
    killedBy: 'retry/counts-alike',
    alsoKilledBy: ['retry/held-too-long'],
    alterations: () =>
      editArriving((delivery) =>
        (delivery.brokerAttempts ?? 1) > 1 ? disguise(withIncoming(delivery, { attempt: 0 }), { sameAs: undefined, brokerAttempts: 1 }) : delivery,
      ),
  },
]
