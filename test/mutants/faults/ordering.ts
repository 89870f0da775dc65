import { BrokerError, type Delivery, type Outgoing, type SendResult } from '@busbar/core/driver'
import { withIncoming } from '../alter.ts'
import { editArriving, editSent, toTheEnd } from '../edits.ts'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

export const orderingFaults: readonly Mutant[] = [
  {
    name: 'batch-reversed',
    fault: 'stores the messages of a batch in reverse',
    killedBy: 'ordering/in-order',
    alterations: () => ({ send: async (batch, next) => (await next(batch.toReversed())).toReversed() }),
  },
  {
    name: 'delivery-reversed',
    fault: 'delivers what it received in reverse',
    killedBy: 'ordering/in-order',
    alsoKilledBy: ['ordering/under-failure'],
    alterations: () => ({ arrive: (deliveries, next) => next(deliveries.toReversed()) }),
  },
  {
    name: 'neighbours-swapped',
    fault: 'swaps two messages of a key now and then',
    killedBy: 'ordering/in-order',
    alterations: () => ({
      send: (batch, next) => {
        const swapped: Outgoing[] = [...batch]
        const [first] = swapped
        const second = swapped.findIndex((message, index) => index > 0 && message.key !== undefined && message.key === first?.key)
        const other = swapped[second]
        if (first !== undefined && other !== undefined) [swapped[0], swapped[second]] = [other, first]
        return next(swapped)
      },
    }),
  },
  {
    name: 'order-per-connection',
    fault: 'keeps the order of a key on each connection only',
    killedBy: 'ordering/across-connections',
    alterations: () => ({
      send: async (batch, next, { linkNumber, services: { clock } }) => {
        if (linkNumber % 2 === 0) return next(batch)
        clock.timer(clock.monotonic() + 500, () => void next(batch))
        return batch.map((): SendResult => ({ ok: true }))
      },
    }),
  },
  {
    name: 'small-consumers-refused',
    fault: 'starts no receiver of keys whose window is smaller than its 32 partitions',
    killedBy: 'ordering/one-handler',
    alterations: () => ({
      receiver: ({ endpoint, receiver, window }) => ({
        start: () =>
          endpoint.keyed && window.messages < 32
            ? Promise.reject(new BrokerError('ERR_CONFIGURATION', 'The window is smaller than the number of partitions.'))
            : receiver.start(),
      }),
    }),
  },
  {
    name: 'one-partition-at-a-time',
    fault: 'delivers nothing of a partition while one of another is unsettled',
    killedBy: 'ordering/hot-partition',
    profile: 'kinesis',
    alterations: () => {
      const waiting: { readonly delivery: Delivery; readonly next: (deliveries: readonly Delivery[]) => void }[] = []
      const isFree = ({ scope }: Delivery, unsettled: ReadonlySet<Delivery>): boolean => [...unsettled].every((other) => other.scope === scope)
      return {
        arrive: (deliveries, next, { unsettled }) => {
          for (const delivery of deliveries) {
            if (isFree(delivery, unsettled)) next([delivery])
            else waiting.push({ delivery, next })
          }
        },
        settle: async (outcomes, next, { unsettled }) => {
          const results = await next(outcomes)
          for (let at = 0; at < waiting.length; at++) {
            const { delivery, next: give } = waiting[at] as (typeof waiting)[number]
            if (!isFree(delivery, unsettled)) continue
            waiting.splice(at--, 1)
            give([delivery])
          }
          return results
        },
      }
    },
  },
  {
    name: 'one-key-at-a-time',
    fault: 'holds all keys back while a message of one is unsettled',
    killedBy: 'ordering/keys-independent',
    alterations: () => {
      const waiting: { readonly delivery: Delivery; readonly next: (deliveries: readonly Delivery[]) => void }[] = []
      return {
        arrive: (deliveries, next, { unsettled }) => {
          for (const delivery of deliveries) {
            if (unsettled.size === 0) next([delivery])
            else waiting.push({ delivery, next })
          }
        },
        settle: async (outcomes, next, { unsettled }) => {
          const results = await next(outcomes)
          if (unsettled.size === 0) {
            const first = waiting.shift()
            first?.next([first.delivery])
          }
          return results
        },
      }
    },
  },
  {
    name: 'hold-ignored',
    fault: 'gives later messages of a key away while the first is unsettled',
    killedBy: 'ordering/held-at-broker',
    alsoKilledBy: ['ordering/one-holder'],
    alterations: () => ({
      ...editSent((message) => ({ ...message, key: undefined, correlationId: message.key })),
      ...editArriving((delivery) => withIncoming(delivery, { key: delivery.incoming.correlationId, correlationId: undefined })),
    }),
  },
  {
    name: 'outlasted-not-told',
    fault: 'does not tell what it takes away from a consumer that has not ended it',
    killedBy: 'ordering/outlasted-hand-over',
    profile: 'kinesis',
    alterations: () => ({ lost: () => undefined }),
  },
  {
    name: 'redelivered-last',
    fault: 'puts what a lost consumer held behind all other messages',
    killedBy: 'ordering/after-loss',
    alterations: () => ({
      receiver: (site) => ({
        pause: async () => {
          await site.receiver.pause()
          await toTheEnd(site, [...site.unsettled])
        },
      }),
    }),
  },
  {
    name: 'destination-order-claimed',
    fault: 'claims the order of the whole destination and keeps that of its keys',
    killedBy: 'ordering/destination',
    alterations: () => ({
      ...claiming(() => ({ ordering: 'destination' })),
      arrive: (deliveries, next) => next(deliveries.toSorted((a, b) => ((a.incoming.key ?? '') < (b.incoming.key ?? '') ? -1 : 1))),
    }),
  },
  {
    name: 'destination-order-lost-in-calls',
    fault: 'claims the order of the whole destination, and sorts each call of send by key',
    killedBy: 'ordering/destination',
    alterations: () => ({
      ...claiming(() => ({ ordering: 'destination' })),
      send: async (batch, next) => {
        const results = await next(batch.toSorted((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1)))
        return results
      },
    }),
  },
  {
    name: 'first-call-overtaken',
    fault: 'opens what it sends on with its first call of send, and lets later calls overtake that',
    killedBy: 'ordering/calls-in-order',
    alterations: () => {
      const opened = new WeakSet<object>()
      return {
        send: async (batch, next, { sender, services: { clock } }) => {
          const first = !opened.has(sender)
          opened.add(sender)
          if (first) await new Promise<void>((resolve) => void clock.timer(clock.monotonic() + 10, resolve))
          return next(batch)
        },
      }
    },
  },
  {
    name: 'calls-overtaken',
    fault: 'claims that its calls of send keep their order, and lets every second one be overtaken',
    killedBy: 'ordering/pipelined',
    alsoKilledBy: ['ordering/calls-in-order'],
    profile: 'sqs-fifo',
    alterations: () => {
      let calls = 0
      return {
        ...claiming(() => ({ callOrder: 'kept' })),
        send: async (batch, next, { services: { clock } }) => {
          if (++calls % 2 === 0) await new Promise<void>((resolve) => void clock.timer(clock.monotonic() + 10, resolve))
          return next(batch)
        },
      }
    },
  },
  {
    name: 'order-claimed',
    fault: 'claims order of keys and has none',
    killedBy: 'ordering/in-order',
    profile: 'sqs-standard',
    alterations: () => claiming(() => ({ ordering: 'key', keyHold: 'process' })),
  },
]
