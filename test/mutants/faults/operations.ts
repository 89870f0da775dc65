import { BrokerError, type Delivery, type EndpointStats, type Incoming, type Link, type Topology } from '@busbar/core/driver'
import type { MemoryDriver } from '@busbar/memory'
import type { Alterations } from '../alter.ts'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

const stats =
  (change: (counts: EndpointStats) => Partial<EndpointStats>): (() => Alterations) =>
  () => ({
    link: (link) => {
      const sound = link.stats?.bind(link)
      if (sound === undefined) return {}
      return {
        stats: async (endpoint, signal) => {
          const counts = await sound(endpoint, signal)
          return { ...counts, ...change(counts) }
        },
      }
    },
  })

const browse =
  (change: (messages: readonly Delivery['incoming'][], look: number) => readonly Delivery['incoming'][]): (() => Alterations) =>
  () => {
    let looks = 0
    return {
      link: (link) => {
        const sound = link.browse?.bind(link)
        if (sound === undefined) return {}
        return {
          browse: async (endpoint, options, signal) => {
            const page = await sound(endpoint, options, signal)
            return { ...page, messages: change(page.messages, ++looks) }
          },
        }
      },
    }
  }

type Browse = NonNullable<Link['browse']>

const browsing =
  (change: (sound: Browse) => Browse): (() => Alterations) =>
  () => ({
    link: (link) => {
      const sound = link.browse?.bind(link)
      return sound === undefined ? {} : { browse: change(sound) }
    },
  })

const topology =
  (change: (sound: Topology, of: { readonly link: Link; readonly known: Set<string> }) => Topology): (() => Alterations) =>
  () => {
    const known = new Set<string>()
    return {
      link: (link) => {
        const { topology: below } = link
        if (below === undefined) return {}
        const sound: Topology = {
          plan: (endpoints, signal) => below.plan(endpoints, signal),
          apply: (endpoints, changes, signal) => below.apply(endpoints, changes, signal),
        }
        return { topology: change(sound, { link, known }) }
      },
    }
  }

export const operationFaults: readonly Mutant[] = [
  {
    name: 'stats-count-twice',
    fault: 'counts waiting messages twice',
    killedBy: 'stats/counts',
    alterations: stats(({ ready }) => ({ ready: (ready ?? 0) * 2 })),
  },
  { name: 'stats-in-flight-zero', fault: 'does not count messages that are out', killedBy: 'stats/counts', alterations: stats(() => ({ inFlight: 0 })) },
  { name: 'stats-age-zero', fault: 'tells no age', killedBy: 'stats/oldest-age', alterations: stats(() => ({ oldestAgeMs: 0 })) },
  {
    name: 'browse-misordered',
    fault: 'shows dead letters in reverse',
    killedBy: 'dead-letters/peek-leaves',
    alterations: browse((messages) => messages.toReversed()),
  },
  {
    name: 'browse-misses-last',
    fault: 'does not show the last message of a page',
    killedBy: 'dead-letters/peek-leaves',
    alterations: browse((messages) => messages.slice(0, -1)),
  },
  {
    name: 'browse-alters',
    fault: 'shows dead letters without their headers',
    killedBy: 'dead-letters/copy-is-whole',
    alterations: browse((messages) => messages.map((message) => ({ ...message, body: message.body, headers: {} }))),
  },
  {
    name: 'stats-undeclared-told',
    fault: 'tells a count that it does not declare',
    killedBy: 'stats/absent-fields',
    profile: 'kinesis',
    alterations: stats(() => ({ ready: 3 })),
  },
  {
    name: 'browse-cursor-lost',
    fault: 'shows the first page only',
    killedBy: 'peek/pages',
    alsoKilledBy: ['dead-letters/pages'],
    alterations: browsing((sound) => async (endpoint, options, signal) => ({ messages: (await sound(endpoint, options, signal)).messages })),
  },
  {
    name: 'browse-page-too-long',
    fault: 'shows twice as much on a page as was asked for',
    killedBy: 'peek/pages',
    alterations: browsing((sound) => (endpoint, options, signal) => sound(endpoint, { ...options, limit: 2 * options.limit }, signal)),
  },
  {
    name: 'browses-without-saying',
    fault: 'shows messages and says that it cannot',
    killedBy: 'peek/absent',
    alterations: () => claiming(() => ({ peek: 'none' })),
  },
  {
    name: 'browses-nothing',
    fault: 'shows an empty page of what it cannot look at',
    killedBy: 'peek/absent',
    kind: 'stream',
    alterations: browsing((sound) => async (endpoint, options, signal) => (endpoint.kind === 'stream' ? { messages: [] } : sound(endpoint, options, signal))),
  },
  {
    name: 'plan-always-creates',
    fault: 'plans to create what is there',
    killedBy: 'provisioning/plan-ends',
    alterations: topology((sound) => ({
      plan: async (endpoints) => endpoints.map(({ name }) => ({ resource: name, kind: 'create', text: 'it' })),
      apply: (...given) => sound.apply(...given),
    })),
  },
  {
    name: 'apply-not-idempotent',
    fault: 'fails when a plan is applied that was applied before',
    killedBy: 'provisioning/apply-again',
    alterations: topology((sound, { known }) => ({
      ...sound,
      apply: async (endpoints, changes, signal) => {
        for (const { resource } of changes) if (known.has(resource)) throw new BrokerError('ERR_CONFLICT', 'it exists', { driver: 'memory' })
        for (const { resource } of changes) known.add(resource)
        return sound.apply(endpoints, changes, signal)
      },
    })),
  },
  {
    name: 'apply-one-at-a-time',
    fault: 'fails while another process applies the same plan',
    killedBy: 'provisioning/at-once',
    alterations: topology((sound, { known }) => ({
      ...sound,
      apply: async (endpoints, changes, signal) => {
        for (const { resource } of changes) if (known.has(resource)) throw new BrokerError('ERR_CONFLICT', 'it is being made', { driver: 'memory' })
        for (const { resource } of changes) known.add(resource)
        await sound.apply(endpoints, changes, signal)
        for (const { resource } of changes) known.delete(resource)
      },
    })),
  },
  {
    name: 'apply-purges',
    fault: 'makes anew what is there when a plan is applied again',
    killedBy: 'provisioning/apply-again',
    alterations: topology((sound, { link }) => ({
      ...sound,
      apply: async (endpoints, changes, signal) => {
        for (const { name } of endpoints) (link.native as MemoryDriver).purge(name)
        return sound.apply(endpoints, changes, signal)
      },
    })),
  },
  {
    name: 'reply-dropped',
    fault: 'loses replies',
    killedBy: 'requests/reply',
    alterations: () => ({ link: (link) => (link.replies === undefined ? {} : { replies: { ...bound(link.replies), send: async () => ({ ok: true }) } }) }),
  },
  {
    name: 'replies-crossed',
    fault: 'sends replies to another requester',
    killedBy: 'requests/own-replies',
    alterations: () => {
      const addresses: string[] = []
      return {
        link: (link) => {
          const { replies } = link
          if (replies === undefined) return {}
          return {
            replies: {
              ...bound(replies),
              open: async (deliver) => {
                const address = await replies.open(deliver)
                addresses.push(address)
                return address
              },
              send: (address, reply) => replies.send(addresses.find((other) => other !== address) ?? address, reply),
            },
          }
        },
      }
    },
  },
  {
    name: 'request-taken-for-reply',
    fault: 'gives a request back to its sender as the reply',
    killedBy: 'requests/timeout',
    alsoKilledBy: ['requests/reply'],
    alterations: () => {
      const requesters = new Map<string, (reply: Incoming) => void>()
      return {
        link: ({ replies }) =>
          replies === undefined
            ? {}
            : {
                replies: {
                  ...bound(replies),
                  open: async (deliver) => {
                    const address = await replies.open(deliver)
                    requesters.set(address, deliver)
                    return address
                  },
                },
              },
        send: (batch, next) => {
          for (const { replyTo, ...request } of batch)
            requesters.get(replyTo ?? '')?.({ ...request, replyTo: undefined, position: undefined, native: undefined })
          return next(batch)
        },
      }
    },
  },
]

function bound(replies: NonNullable<Link['replies']>): NonNullable<Link['replies']> {
  return { open: (deliver) => replies.open(deliver), send: (address, reply) => replies.send(address, reply), close: () => replies.close() }
}
