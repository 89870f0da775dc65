import type { Capabilities, Delivery, Endpoint, Outgoing, SendResult, StartFrom } from '@busbar/core/driver'
import { withIncoming, type Alterations, type ReceiverSite } from '../alter.ts'
import { ackInSilence, destinationOf, editArriving } from '../edits.ts'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

function subscribing(change: (subscription: NonNullable<Endpoint['subscription']>) => NonNullable<Endpoint['subscription']>): () => Alterations {
  return () => ({ endpoint: (endpoint) => (endpoint.subscription === undefined ? endpoint : { ...endpoint, subscription: change(endpoint.subscription) }) })
}

const withoutFilters = subscribing(({ name, startFrom }) => ({ name, ...(startFrom === undefined ? {} : { startFrom }) }))

/** Acks in silence what was sent before the receiver started. */
const missesOld = (): Alterations => {
  const sent = new Set<string>()
  const missed = new WeakMap<ReceiverSite, ReadonlySet<string>>()
  return {
    send: (batch, next) => {
      for (const { id } of batch) sent.add(id)
      return next(batch)
    },
    receiver: (site) => ({
      start: () => {
        missed.set(site, new Set(sent))
        return site.receiver.start()
      },
    }),
    ...editArriving((delivery, site) => (missed.get(site)?.has(delivery.incoming.id ?? '') ? undefined : delivery)),
  }
}

export const topicFaults: readonly Mutant[] = [
  {
    name: 'one-subscription-only',
    fault: 'delivers to one subscription only',
    killedBy: 'topics/copy-per-subscription',
    alterations: () => editArriving((delivery, { endpoint }) => (endpoint.subscription?.name === 'sub-2' ? undefined : delivery)),
  },
  {
    name: 'redrive-to-all-subscriptions',
    fault: 'sends to the whole topic what is meant for one subscription',
    killedBy: 'dead-letters/redrive-to-one-subscription',
    alsoKilledBy: ['topics/send-to-one-subscription'],
    kind: 'topic',
    alterations: () => ({
      link: (link) => ({
        sender: (endpoint) => {
          const { subscription: _, ...topic } = endpoint
          return link.sender(topic)
        },
      }),
    }),
  },
  {
    name: 'ack-shared-by-subscriptions',
    fault: 'acks a message for all subscriptions when one acks it',
    killedBy: 'topics/settled-apart',
    kind: 'topic',
    alterations: () => {
      const sites: ReceiverSite[] = []
      return {
        receiver: (site) => {
          sites.push(site)
          return {}
        },
        settle: async (outcomes, next, site) => {
          const acked = new Set(outcomes.filter(({ action }) => action === 'ack').map(({ delivery }) => delivery.incoming.id))
          for (const other of sites)
            if (other.endpoint.subscription?.name !== site.endpoint.subscription?.name)
              ackInSilence(
                other,
                [...other.unsettled].filter(({ incoming }) => acked.has(incoming.id)),
              )
          return next(outcomes)
        },
      }
    },
  },
  {
    name: 'new-subscription-gets-old',
    fault: 'gives a new subscription what was sent before it was made',
    killedBy: 'topics/nothing-older',
    alterations: () => {
      const sent: Outgoing[] = []
      return {
        send: (batch, next) => {
          sent.push(...batch)
          return next(batch)
        },
        receiver: (site) => ({
          start: async () => {
            await site.receiver.start()
            if (sent.length > 0) await site.link.sender(destinationOf(site.endpoint)).send(sent, new AbortController().signal)
          },
        }),
      }
    },
  },
  {
    name: 'offline-subscription-misses',
    fault: 'loses what is sent while nobody receives from a subscription',
    killedBy: 'topics/durable',
    kind: 'topic',
    alterations: missesOld,
  },
  { name: 'filter-ignored', fault: 'ignores filters', killedBy: 'topics/filter', alterations: withoutFilters },
  { name: 'header-filter-ignored', fault: 'ignores header filters', killedBy: 'topics/header-filter', alterations: withoutFilters },
  {
    name: 'second-filter-ignored',
    fault: 'ignores the filter on headers where there is one on bodies',
    killedBy: 'topics/both-filters',
    alterations: subscribing(({ headerFilter, ...others }) =>
      others.filter === undefined && headerFilter !== undefined ? { ...others, headerFilter } : others,
    ),
  },
  {
    name: 'filter-drops-all',
    fault: 'lets nothing through a filter',
    killedBy: 'topics/filter',
    alterations: () => editArriving((delivery, { endpoint }) => (endpoint.subscription?.filter === undefined ? delivery : undefined)),
  },
  {
    name: 'filter-inverted',
    fault: 'lets through what does not match',
    killedBy: 'topics/filter',
    alterations: () => ({
      ...withoutFilters(),
      ...editArriving((delivery, { endpoint }) => (endpoint.subscription?.filter !== undefined && text(delivery).includes('15000') ? undefined : delivery)),
    }),
  },
  {
    name: 'copies-without-headers',
    fault: 'loses the headers of the copies for subscriptions',
    killedBy: 'topics/copy-per-subscription',
    alsoKilledBy: ['topics/filter-emulated'],
    // Where headers are not filtered natively, so that the consumer looks at them.
    profile: 'mqtt',
    alterations: () => copiesWithoutHeaders(),
  },
  {
    name: 'filter-claimed',
    fault: 'claims filters and ignores them',
    killedBy: 'topics/filter',
    profile: 'rabbitmq',
    alterations: () => ({ ...claiming((): Partial<Capabilities> => ({ filter: 'native' })), ...withoutFilters() }),
  },
]

const copiesWithoutHeaders = (): Alterations =>
  editArriving((delivery, { endpoint }) => (endpoint.subscription === undefined ? delivery : withIncoming(delivery, { headers: {} })))

export const streamFaults: readonly Mutant[] = [
  {
    name: 'earliest-skips-first',
    fault: 'begins to read after the first message',
    killedBy: 'streams/earliest',
    alterations: () => {
      const seen = new Set<string>()
      return editArriving((delivery, { endpoint }) => {
        const subscription = `${endpoint.name}/${endpoint.subscription?.name}`
        if (endpoint.subscription?.startFrom !== 'earliest' || seen.has(subscription)) return delivery
        seen.add(subscription)
        return undefined
      })
    },
  },
  {
    name: 'latest-gets-old',
    fault: 'reads from the start when told to read from the end',
    killedBy: 'streams/earliest',
    alterations: subscribing((subscription) => (subscription.startFrom === 'latest' ? { ...subscription, startFrom: 'earliest' } : subscription)),
  },
  {
    name: 'timestamp-ignored',
    fault: 'reads from the start when told to read from a time',
    killedBy: 'streams/timestamp',
    alterations: subscribing((subscription) => (typeof subscription.startFrom === 'object' ? { ...subscription, startFrom: 'earliest' } : subscription)),
  },
  {
    name: 'position-missing',
    fault: 'does not tell positions',
    killedBy: 'streams/position',
    alterations: () => editArriving((delivery) => withIncoming(delivery, { position: undefined })),
  },
  {
    name: 'position-ignored',
    fault: 'reads from the start when told to read from a position',
    killedBy: 'streams/position',
    alterations: subscribing((subscription) => (typeof subscription.startFrom === 'object' ? { ...subscription, startFrom: 'earliest' } : subscription)),
  },
  {
    name: 'position-skipped',
    fault: 'begins behind the message at a position instead of with it',
    killedBy: 'streams/position',
    alsoKilledBy: ['streams/seek-position'],
    alterations: () => ({
      ...subscribing((subscription) => ({ ...subscription, ...(subscription.startFrom === undefined ? {} : { startFrom: behind(subscription.startFrom) }) }))(),
      receiver: ({ receiver }) => (receiver.seek === undefined ? {} : { seek: (position) => receiver.seek?.(behind(position)) ?? Promise.resolve() }),
    }),
  },
  {
    name: 'send-without-position',
    fault: 'does not tell the positions of what it sends',
    killedBy: 'streams/seek-position',
    alsoOn: ['kinesis'],
    alterations: () => ({ send: async (batch, next) => (await next(batch)).map((result): SendResult => (result.ok ? { ok: true } : result)) }),
  },
  seeking('seek-timestamp-ignored', 'seeks to the start when told to seek to a time', 'streams/seek-timestamp', 'timestamp'),
  seeking('seek-position-ignored', 'seeks to the start when told to seek to a position', 'streams/seek-position', 'position'),
  { name: 'seek-no-op', fault: 'does not seek', killedBy: 'streams/seek', alterations: () => ({ receiver: () => ({ seek: async () => {} }) }) },
  {
    name: 'seeks-without-saying',
    fault: 'offers to seek and says that nothing can be read again',
    killedBy: 'streams/seek-absent',
    alterations: () => ({ receiver: () => ({ seek: async () => {} }) }),
  },
  {
    name: 'checkpoint-forgotten',
    fault: 'forgets its checkpoint',
    killedBy: 'streams/checkpoint',
    alterations: () => ({ settle: async (outcomes) => outcomes.map(() => 'accepted' as const) }),
  },
  { name: 'checkpoint-at-end', fault: 'goes on from the end instead of from its checkpoint', killedBy: 'streams/checkpoint', alterations: missesOld },
]

const behind = (from: StartFrom): StartFrom => (typeof from === 'object' && 'position' in from ? { position: String(BigInt(from.position) + 1n) } : from)

function seeking(name: string, fault: string, killedBy: Mutant['killedBy'], ignored: 'timestamp' | 'position'): Mutant {
  return {
    name,
    fault,
    killedBy,
    alsoOn: ['kinesis'],
    alterations: () => ({
      receiver: ({ receiver }) => ({
        seek: async (position) => receiver.seek?.(typeof position === 'object' && ignored in position ? 'earliest' : position),
      }),
    }),
  }
}

function text({ incoming }: Delivery): string {
  return typeof incoming.body === 'string' ? incoming.body : new TextDecoder().decode(incoming.body)
}
