import type { BrokerError, Delivery, Scope, SettleResult } from '@busbar/core/driver'
import { disguise, original, type Alterations } from '../alter.ts'
import { after, editArriving } from '../edits.ts'
import type { Mutant } from '../mutant.ts'

/** The lease at the broker is `factor` times as long as the receiver is told. */
const leaseTimes =
  (factor: number): (() => Alterations) =>
  () =>
    editArriving((delivery, { receiver, services: { clock } }) => {
      const told = delivery.leaseUntil
      if (told === undefined) return delivery
      void receiver.extend?.([original(delivery)], (told - clock.monotonic()) * factor)
      return disguise(delivery, { leaseUntil: told })
    })

export const leaseFaults: readonly Mutant[] = [
  { name: 'lease-never-ends', fault: 'never delivers a message again that was not settled', killedBy: 'leases/expiry', alterations: leaseTimes(500) },
  {
    name: 'lease-ends-early',
    fault: 'delivers unsettled messages again after a third of their lease',
    killedBy: 'leases/expiry',
    alterations: leaseTimes(1 / 3),
  },
  {
    name: 'lease-until-overstated',
    fault: 'says that leases end ten minutes later than they do',
    killedBy: 'leases/lease-until',
    alsoKilledBy: ['retry/long-handler'],
    alterations: () => editArriving((delivery) => disguise(delivery, { leaseUntil: (delivery.leaseUntil ?? 0) + 600_000 })),
  },
  {
    name: 'lease-until-not-moved',
    fault: 'does not say when an extended lease ends',
    killedBy: 'leases/lease-until',
    alterations: () => editArriving((delivery) => disguise(delivery, { leaseUntil: (delivery.leaseUntil ?? 0) - 29_000 })),
  },
  {
    name: 'extend-no-op',
    fault: 'answers extensions and does nothing',
    killedBy: 'leases/extend',
    alsoKilledBy: ['retry/long-handler', 'retry/blocked-key', 'dead-letters/redrive-slowly'],
    alterations: () => ({
      extend: async (deliveries, ms, _next, { services: { clock } }) => {
        for (const delivery of deliveries) delivery.leaseUntil = clock.monotonic() + ms
        return deliveries.map((): SettleResult => 'durable')
      },
    }),
  },
  {
    name: 'extend-for-ever',
    fault: 'extends leases by hours whatever is asked',
    killedBy: 'leases/extend',
    alterations: () => ({ extend: (deliveries, ms, next) => next(deliveries, ms + 7_200_000) }),
  },
  {
    name: 'extend-once',
    fault: 'extends a lease only once',
    killedBy: 'leases/extend',
    alterations: () => {
      const extended = new WeakSet<Delivery>()
      return {
        extend: async (deliveries, ms, next) => {
          const fresh = deliveries.filter((delivery) => !extended.has(original(delivery)))
          for (const delivery of fresh) extended.add(original(delivery))
          if (fresh.length > 0) await next(fresh, ms)
          return deliveries.map((): SettleResult => 'durable')
        },
      }
    },
  },
  {
    name: 'extend-skips-last',
    fault: 'leaves out the last lease of a call',
    killedBy: 'leases/extend-only-its-own',
    alterations: () => ({
      extend: async (deliveries, ms, next) => (deliveries.length > 1 ? [...(await next(deliveries.slice(0, -1), ms)), 'durable'] : next(deliveries, ms)),
    }),
  },
  {
    name: 'extend-all',
    fault: 'extends all leases of a receiver with one',
    killedBy: 'leases/extend-only-its-own',
    alterations: () => ({
      extend: async (deliveries, ms, next, { unsettled }) => {
        const results = await next(deliveries, ms)
        await next([...unsettled], ms)
        return results
      },
    }),
  },
  {
    name: 'extend-revives',
    fault: 'says that a lease is extended which another consumer holds',
    killedBy: 'leases/extend-after-loss',
    alterations: () => ({ extend: async (deliveries, ms, next) => (await next(deliveries, ms)).map((): SettleResult => 'durable') }),
  },
  {
    name: 'lease-until-moved-too-late',
    fault: 'says that a lease ends later though its extension was too late',
    killedBy: 'leases/extend-after-loss',
    alterations: () => ({
      extend: async (deliveries, ms, next, { services: { clock } }) => {
        const results = await next(deliveries, ms)
        for (const delivery of deliveries) delivery.leaseUntil = clock.monotonic() + ms
        return results
      },
    }),
  },
  {
    name: 'extend-too-far-ends-lease',
    fault: 'gives a message back when its lease cannot be extended as far as asked',
    killedBy: 'leases/longest-lease',
    alterations: () => ({
      extend: async (deliveries, ms, next, { receiver }) => {
        const results = await next(deliveries, ms)
        const tooFar = deliveries.filter((_, index) => typeof results[index] === 'object')
        if (tooFar.length > 0) await receiver.settle(tooFar.map((delivery) => ({ delivery: original(delivery), action: 'release' })))
        return results
      },
    }),
  },
  {
    name: 'extends-what-has-no-lease',
    fault: 'makes up when deliveries end that live as long as their scope',
    killedBy: 'leases/no-extension',
    profile: 'rabbitmq',
    alterations: () => editArriving((delivery, { services: { clock } }) => disguise(delivery, { leaseUntil: clock.monotonic() + 30_000 })),
  },
  {
    name: 'scope-lease-times-out',
    fault: 'delivers messages again that are held in a living scope',
    killedBy: 'leases/scope-holds',
    alsoKilledBy: ['leases/scope-holds-of-keys'],
    profile: 'rabbitmq',
    alterations: () => ({
      arrive: (deliveries, next, site) => {
        next(deliveries)
        after(site, 5_000, () => next(deliveries.filter((delivery) => site.unsettled.has(original(delivery))).map((delivery) => disguise(delivery, {}))))
      },
    }),
  },
  {
    name: 'loss-not-reported',
    fault: 'does not say that a scope is lost',
    killedBy: 'leases/scope-loss',
    alsoKilledBy: ['leases/scope-loss-of-keys', 'reconnect/redelivery-while-running', 'dead-letters/redrive-through-loss'],
    profile: 'rabbitmq',
    alterations: () => ({ lost: () => {} }),
  },
  {
    name: 'loss-reported-late',
    fault: 'says that a scope is lost when its messages have come again',
    killedBy: 'leases/scope-loss',
    alsoKilledBy: ['leases/scope-loss-of-keys'],
    profile: 'rabbitmq',
    alterations: () => {
      const untold: (() => void)[] = []
      return {
        lost: (next) => void untold.push(next),
        arrive: (deliveries, next) => {
          next(deliveries)
          for (const tell of untold.splice(0)) tell()
        },
      }
    },
  },
  {
    name: 'loss-of-wrong-scope',
    fault: 'reports another scope as lost than the one that is',
    killedBy: 'leases/scope-loss',
    alsoKilledBy: ['leases/scope-loss-of-keys'],
    profile: 'rabbitmq',
    alterations: () => ({ lost: (_next, { intake }) => intake.lost(Object.freeze({ id: 'another' }) satisfies Scope, new Error('lost') as BrokerError) }),
  },
  {
    name: 'never-resubscribes',
    fault: 'delivers nothing any more after its connection was cut',
    killedBy: 'leases/scope-loss',
    alsoKilledBy: ['leases/scope-loss-of-keys', 'reconnect/resubscribes'],
    profile: 'rabbitmq',
    alterations: () => {
      let cut = false
      return {
        lost: (next) => {
          cut = true
          next()
        },
        arrive: (deliveries, next) => {
          if (!cut) next(deliveries)
        },
      }
    },
  },
]
