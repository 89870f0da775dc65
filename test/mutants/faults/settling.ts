import type { Delivery, Outcome, SettleResult } from '@busbar/core/driver'
import { disguise, original, withIncoming, type Alterations, type ReceiverSite } from '../alter.ts'
import { ackInSilence, editArriving, editOutcomes, textOf, toTheEnd } from '../edits.ts'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

const retries = (change: (delayMs: number) => number): (() => Alterations) => () =>
  editOutcomes((outcome) => (outcome.action === 'retry' ? { ...outcome, delayMs: change(outcome.delayMs) } : outcome))

const skips = (skipped: (outcome: Outcome, index: number, outcomes: readonly Outcome[]) => boolean, answer: 'durable' | 'accepted' = 'durable'): (() => Alterations) => () =>
  editOutcomes((outcome, index, outcomes) => (skipped(outcome, index, outcomes) ? answer : outcome))

/** Acks, besides what it should, what `others` picks from the deliveries that the receiver holds. */
const acksToo = (others: (acked: Delivery, held: readonly Delivery[]) => readonly Delivery[]): (() => Alterations) => () => ({
  settle: async (outcomes, next, site) => {
    const held = [...site.unsettled]
    const extra = outcomes.filter(({ action }) => action === 'ack').flatMap(({ delivery }) => others(original(delivery), held))
    const results = await next(outcomes)
    ackInSilence(site, extra)
    return results
  },
})

/** Deliveries of all receivers, for faults that mix them up. */
function everywhere(onTooLate: (outcome: Outcome, sites: readonly { readonly site: ReceiverSite; readonly live: Set<Delivery> }[]) => { readonly site: ReceiverSite; readonly delivery: Delivery; readonly action: 'ack' | 'retry' } | undefined): Alterations {
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

export const settlingFaults: readonly Mutant[] = [
  { name: 'ack-no-op', fault: 'answers acks and does nothing', killedBy: 'settling/ack-stops-redelivery', alsoKilledBy: ['dead-letters/redrive', 'dead-letters/discard'], alterations: skips(({ action }) => action === 'ack') },
  { name: 'ack-then-again', fault: 'delivers acked messages again', killedBy: 'settling/ack-stops-redelivery', alterations: () => editOutcomes((outcome) => (outcome.action === 'ack' ? { ...outcome, action: 'retry', delayMs: 50, attempt: 0 } : outcome)) },
  { name: 'ack-no-op-on-scopes', fault: 'does nothing on acks where leases are per scope', killedBy: 'settling/ack-stops-redelivery', profile: 'rabbitmq', alterations: skips(({ action }) => action === 'ack', 'accepted') },
  { name: 'ack-cumulative', fault: 'acks everything delivered before the acked message', killedBy: 'settling/ack-only-its-own', alterations: acksToo((acked, held) => held.slice(0, held.indexOf(acked))) },
  { name: 'ack-touches-neighbour', fault: 'acks the next message too', killedBy: 'settling/ack-only-its-own', alsoKilledBy: ['dead-letters/discard'], alterations: acksToo((acked, held) => held.slice(held.indexOf(acked) + 1, held.indexOf(acked) + 2)) },
  { name: 'prefix-skips-gap', fault: 'writes its checkpoint over messages that are not acked', killedBy: 'settling/prefix', profile: 'kinesis', alterations: acksToo((acked, held) => held.slice(0, held.indexOf(acked))) },
  { name: 'prefix-never-written', fault: 'never writes its checkpoint', killedBy: 'settling/prefix', profile: 'kinesis', alterations: skips(({ action }) => action === 'ack', 'accepted') },
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
  { name: 'last-outcome-skipped', fault: 'leaves out the last outcome of a call', killedBy: 'settling/mixed-batch', alterations: skips((_outcome, index, outcomes) => outcomes.length > 1 && index === outcomes.length - 1) },
  {
    name: 'outcomes-swapped',
    fault: 'gives every message of a call the outcome of its neighbour',
    killedBy: 'settling/mixed-batch',
    alterations: () => editOutcomes((outcome, index, outcomes) => ({ ...(outcomes[(index + 1) % outcomes.length] as Outcome), delivery: outcome.delivery })),
  },
  { name: 'retry-loses', fault: 'acks messages that are to come again', killedBy: 'settling/retry-at-once', alsoKilledBy: ['retry/explicit-outcomes'], alterations: () => editOutcomes((outcome) => (outcome.action === 'retry' ? { delivery: outcome.delivery, action: 'ack' } : outcome)) },
  { name: 'retry-no-op', fault: 'leaves messages that are to come again to their lease', killedBy: 'settling/retry-at-once', alterations: skips(({ action }) => action === 'retry') },
  { name: 'retry-delay-ignored', fault: 'delivers messages that are to wait again at once', killedBy: 'settling/retry-delay', alsoKilledBy: ['retry/waits-as-asked'], alterations: retries(() => 0) },
  { name: 'retry-delay-early', fault: 'halves the waits of redeliveries', killedBy: 'settling/retry-delay', alterations: retries((ms) => ms / 2) },
  { name: 'retry-delay-for-ever', fault: 'never delivers a message again that is to wait', killedBy: 'settling/retry-delay', alterations: retries((ms) => ms * 1000) },
  { name: 'retry-delay-clamped', fault: 'shortens long waits of redeliveries to an hour', killedBy: 'settling/longest-retry-delay', alterations: retries((ms) => Math.min(ms, 3_600_000)) },
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
  { name: 'attempt-inflated', fault: 'counts an attempt of its own for every redelivery', killedBy: 'settling/attempt', alterations: () => editArriving((delivery) => ((delivery.brokerAttempts ?? 1) > 1 ? withIncoming(delivery, { attempt: delivery.incoming.attempt + 1 }) : delivery)) },
  { name: 'attempt-starts-at-one', fault: 'counts an attempt before the first', killedBy: 'retry/handler-runs-again', alsoKilledBy: ['dead-letters/after-attempts', 'settling/attempt'], alterations: () => editArriving((delivery) => withIncoming(delivery, { attempt: delivery.incoming.attempt + 1 })) },
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
  { name: 'hundredth-ack-not-taken', fault: 'never takes the ack of every hundredth message', killedBy: 'settling/ack-while-receiving', alterations: skips(({ action, delivery }) => action === 'ack' && textOf(delivery).endsWith('00')) },
  { name: 'count-not-raised', fault: 'tells the delivery count 1 every time', killedBy: 'settling/delivery-count', alterations: () => editArriving((delivery) => disguise(delivery, { brokerAttempts: 1 })) },
  { name: 'count-from-zero', fault: 'counts redeliveries instead of deliveries', killedBy: 'settling/delivery-count', alterations: () => editArriving((delivery) => disguise(delivery, { brokerAttempts: (delivery.brokerAttempts ?? 1) - 1 })) },
  { name: 'same-as-shared', fault: 'calls all messages the same', killedBy: 'settling/same-as', alterations: () => editArriving((delivery) => disguise(delivery, { sameAs: 'one' })) },
  {
    name: 'same-as-fresh',
    fault: 'calls no redelivery the same as the delivery before',
    killedBy: 'settling/same-as',
    alterations: () => {
      let deliveries = 0
      return editArriving((delivery) => disguise(delivery, { sameAs: `receipt-${++deliveries}` }))
    },
  },
  { name: 'discard-drops', fault: 'deletes discarded messages', killedBy: 'settling/discard', profile: 'rabbitmq', alterations: () => ({ ...nativeDeadLetters, ...editOutcomes((outcome) => (outcome.action === 'discard' ? { delivery: outcome.delivery, action: 'ack' } : outcome)) }) },
  { name: 'discard-alters', fault: 'loses the headers of discarded messages', killedBy: 'settling/discard', profile: 'rabbitmq', alterations: () => ({ ...nativeDeadLetters, ...editArriving((delivery, { endpoint }) => (endpoint.name.includes('dead') ? withIncoming(delivery, { headers: {} }) : delivery)) }) },
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
    alterations: () => everywhere(({ delivery, action }, sites) => {
      for (const { site, live } of sites) for (const other of live) if (action === 'ack' && other.sameAs === delivery.sameAs) return { site, delivery: other, action: 'ack' }
      return undefined
    }),
  },
  {
    name: 'late-ack-ends-another',
    fault: 'takes a receipt of a lost lease for that of another message',
    killedBy: 'settling/late-touches-no-other',
    alterations: () => everywhere(({ delivery, action }, sites) => {
      for (const { site, live } of sites) for (const other of live) if (action === 'ack' && other.sameAs !== delivery.sameAs) return { site, delivery: other, action: 'ack' }
      return undefined
    }),
  },
  {
    name: 'late-retry-steals',
    fault: 'takes a message from its new holder when the old one gives it back',
    killedBy: 'settling/late-retry',
    alterations: () => everywhere(({ delivery, action }, sites) => {
      for (const { site, live } of sites) for (const other of live) if (action === 'retry' && other.sameAs === delivery.sameAs && other !== original(delivery)) return { site, delivery: other, action: 'retry' }
      return undefined
    }),
  },
  { name: 'release-acks', fault: 'acks released messages', killedBy: 'settling/release', alterations: () => editOutcomes((outcome) => (outcome.action === 'release' ? { ...outcome, action: 'ack' } : outcome)) },
  { name: 'release-no-op', fault: 'keeps released messages until their lease ends', killedBy: 'settling/release', alterations: skips(({ action }) => action === 'release') },
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
        await toTheEnd(site, outcomes.map(({ delivery }) => original(delivery)))
        return outcomes.map((): SettleResult => 'durable')
      },
    }),
  },
]
