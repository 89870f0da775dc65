import type { Delivery, Sender } from '@busbar/core/driver'
import { withIncoming, type ReceiverSite } from '../alter.ts'
import { ackInSilence, editArriving, textOf } from '../edits.ts'
import type { Mutant } from '../mutant.ts'

const foreign = ({ incoming }: Delivery): boolean => incoming.id === undefined

export const foreignFaults: readonly Mutant[] = [
  {
    name: 'foreign-dropped',
    fault: 'loses messages of plain clients',
    killedBy: 'foreign/plain-message',
    alsoKilledBy: ['foreign/undecodable'],
    alterations: () => editArriving((delivery) => (foreign(delivery) ? undefined : delivery)),
  },
  {
    name: 'foreign-metadata-invented',
    fault: 'makes metadata up for messages of plain clients',
    killedBy: 'foreign/plain-message',
    alterations: () => editArriving((delivery) => (foreign(delivery) ? withIncoming(delivery, { type: 'unknown', attempt: 1 }) : delivery)),
  },
  {
    name: 'broker-headers-handed-on',
    fault: 'hands on headers that belong to brokers, so that the next one believes them',
    killedBy: 'foreign/plain-message',
    alterations: () =>
      editArriving((delivery) =>
        foreign(delivery) ? withIncoming(delivery, { headers: { ...delivery.incoming.headers, 'x-first-death-queue': 'forged' } }) : delivery,
      ),
  },
  {
    name: 'malformed-metadata-stops-receiver',
    fault: 'stops at a message with metadata that it cannot read',
    killedBy: 'foreign/malformed-metadata',
    alterations: () => {
      let stopped = false
      return {
        arrive: (deliveries, next) => {
          stopped ||= deliveries.some(foreign)
          if (!stopped) next(deliveries)
        },
      }
    },
  },
  {
    name: 'malformed-attempt-believed',
    fault: 'takes a count of attempts from outside as it comes',
    killedBy: 'foreign/malformed-metadata',
    alterations: () => editArriving((delivery) => (foreign(delivery) ? withIncoming(delivery, { attempt: -5 }) : delivery)),
  },
  {
    name: 'envelope-in-body-believed',
    fault: 'takes a body that looks like an envelope for one',
    killedBy: 'foreign/forged-envelope',
    alterations: () =>
      editArriving((delivery) => {
        const text = textOf(delivery)
        if (!text.startsWith('{"v":1')) return delivery
        const { i, a } = JSON.parse(text) as { readonly i?: string; readonly a?: number }
        return withIncoming(delivery, { id: i, attempt: a ?? 0 })
      }),
  },
  {
    name: 'leaks-to-other-destinations',
    fault: 'sends every message to all destinations',
    killedBy: 'isolation/destinations',
    alterations: () => {
      const senders = new Set<Sender>()
      return {
        send: async (batch, next, site, signal) => {
          senders.add(site.sender)
          for (const other of senders) if (other !== site.sender) await other.send(batch, signal)
          return next(batch)
        },
      }
    },
  },
  {
    name: 'ack-by-number-across-destinations',
    fault: 'takes the number of a delivery for that of another destination',
    killedBy: 'isolation/settlements',
    alterations: () => {
      const sites: ReceiverSite[] = []
      return {
        receiver: (site) => {
          sites.push(site)
          return {}
        },
        settle: (outcomes, next, site) => {
          for (const other of sites) if (other.endpoint.name !== site.endpoint.name) ackInSilence(other, [...other.unsettled].slice(0, outcomes.length))
          return next(outcomes)
        },
      }
    },
  },
]
