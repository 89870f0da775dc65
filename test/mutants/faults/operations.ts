import { BrokerError, isBrokerError, type Delivery, type EndpointStats, type Incoming, type Link, type Receiver, type Sender } from '@busbar/core/driver'
import { memory } from '@busbar/memory'
import { withIncoming, type Alterations, type ReceiverSite } from '../alter.ts'
import { ackInSilence, editArriving, textOf } from '../edits.ts'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

const stats = (change: (counts: EndpointStats) => Partial<EndpointStats>): (() => Alterations) => () => ({
  link: (link) => (link.stats === undefined ? {} : { stats: async (endpoint, signal) => ({ ...(await link.stats!(endpoint, signal)), ...change(await link.stats!(endpoint, signal)) }) }),
})

const browse = (change: (messages: readonly Delivery['incoming'][], look: number) => readonly Delivery['incoming'][]): (() => Alterations) => () => {
  let looks = 0
  return {
    link: (link) => (link.browse === undefined ? {} : {
      browse: async (endpoint, options, signal) => {
        const page = await link.browse!(endpoint, options, signal)
        return { ...page, messages: change(page.messages, ++looks) }
      },
    }),
  }
}

const foreign = ({ incoming }: Delivery): boolean => incoming.id === undefined

export const operationFaults: readonly Mutant[] = [
  { name: 'stats-count-twice', fault: 'counts waiting messages twice', killedBy: 'stats/counts', alterations: stats(({ ready }) => ({ ready: (ready ?? 0) * 2 })) },
  { name: 'stats-in-flight-zero', fault: 'does not count messages that are out', killedBy: 'stats/counts', alterations: stats(() => ({ inFlight: 0 })) },
  { name: 'stats-age-zero', fault: 'tells no age', killedBy: 'stats/oldest-age', alterations: stats(() => ({ oldestAgeMs: 0 })) },
  { name: 'browse-misordered', fault: 'shows dead letters in reverse', killedBy: 'dead-letters/peek-leaves', alterations: browse((messages) => messages.toReversed()) },
  { name: 'browse-misses-last', fault: 'does not show the last message of a page', killedBy: 'dead-letters/peek-leaves', alterations: browse((messages) => messages.slice(0, -1)) },
  { name: 'browse-alters', fault: 'shows dead letters without their headers', killedBy: 'dead-letters/copy-is-whole', alterations: browse((messages) => messages.map((message) => ({ ...message, body: message.body, headers: {} }))) },
  { name: 'reply-dropped', fault: 'loses replies', killedBy: 'requests/reply', alterations: () => ({ link: (link) => (link.replies === undefined ? {} : { replies: { ...bound(link.replies), send: async () => ({ ok: true }) } }) }) },
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
  { name: 'foreign-dropped', fault: 'loses messages of plain clients', killedBy: 'foreign/plain-message', alsoKilledBy: ['foreign/undecodable'], alterations: () => editArriving((delivery) => (foreign(delivery) ? undefined : delivery)) },
  { name: 'foreign-metadata-invented', fault: 'makes metadata up for messages of plain clients', killedBy: 'foreign/plain-message', alterations: () => editArriving((delivery) => (foreign(delivery) ? withIncoming(delivery, { type: 'unknown', attempt: 1 }) : delivery)) },
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
    name: 'envelope-in-body-believed',
    fault: 'takes a body that looks like an envelope for one',
    killedBy: 'foreign/forged-envelope',
    alterations: () => editArriving((delivery) => {
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
  { name: 'health-always-connected', fault: 'says that it is connected whatever happens', killedBy: 'reconnect/health', alterations: () => ({ link: () => ({ health: () => ({ state: 'connected' }) }) }) },
  {
    name: 'sender-dead-after-cut',
    fault: 'never sends again after its connection was cut',
    killedBy: 'reconnect/resubscribes',
    profile: 'rabbitmq',
    alterations: () => {
      let cut = false
      return {
        lost: (next) => {
          cut = true
          next()
        },
        send: async (batch, next) => (cut ? batch.map(() => ({ ok: false, stored: 'no', error: new BrokerError('ERR_UNAVAILABLE', 'gone') }) as const) : next(batch)),
      }
    },
  },
  {
    name: 'unavailable-reported-ok',
    fault: 'says that a message is sent while the broker cannot be reached',
    killedBy: 'reconnect/send-during-outage',
    alterations: () => ({
      sender: { writable: true },
      send: async (batch, next) => (await next(batch)).map((result) => (!result.ok && result.error.code === 'ERR_UNAVAILABLE' ? { ok: true } : result)),
    }),
  },
  {
    name: 'sends-again-in-secret',
    fault: 'goes on sending what it has reported as unsent',
    killedBy: 'reconnect/deadline-in-outage',
    alterations: () => ({
      sender: { writable: true },
      send: async (batch, next, { services: { clock } }) => {
        const results = await next(batch)
        const again = async (): Promise<void> => {
          const [result] = await next(batch, new AbortController().signal)
          if (result?.ok === false) clock.timer(clock.monotonic() + 500, again)
        }
        if (results.some((result) => !result.ok && result.error.code === 'ERR_UNAVAILABLE')) void again()
        return results
      },
    }),
  },
  {
    name: 'buffer-lost-at-cut',
    fault: 'answers before it stores, and loses what it has not stored when its connection is cut',
    killedBy: 'reconnect/nothing-lost',
    profile: 'rabbitmq',
    alterations: () => {
      let cuts = 0
      return {
        lost: (next) => {
          cuts++
          next()
        },
        send: async (batch, next, { services: { clock } }) => {
          const seen = cuts
          clock.timer(clock.monotonic() + 20, () => (cuts === seen ? void next(batch) : undefined))
          return batch.map(() => ({ ok: true }) as const)
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
        link: ({ replies }) => (replies === undefined ? {} : {
          replies: {
            ...bound(replies),
            open: async (deliver) => {
              const address = await replies.open(deliver)
              requesters.set(address, deliver)
              return address
            },
          },
        }),
        send: (batch, next) => {
          for (const { replyTo, ...request } of batch) requesters.get(replyTo ?? '')?.({ ...request, replyTo: undefined, position: undefined, native: undefined })
          return next(batch)
        },
      }
    },
  },
  {
    name: 'abort-of-connect-ignored',
    fault: 'connects although the signal has fired',
    killedBy: 'errors/aborted-connect',
    alterations: () => ({ connect: (next) => next(new AbortController().signal) }),
  },
  { name: 'missing-source-swallowed', fault: 'waits for ever at a source that does not exist', killedBy: 'errors/receive-from-missing', alterations: () => ({ link: ({ receiver }) => ({ receiver: (...given) => receiverOrSilence(receiver, given) }) }) },
  { name: 'capabilities-mutable', fault: 'gives its capabilities to be changed', killedBy: 'capabilities/complete', alterations: () => ({ capabilities: (claimed) => ({ ...claimed }) }) },
  { name: 'capabilities-inconsistent', fault: 'claims order without anyone who holds failed keys back', killedBy: 'capabilities/complete', alterations: () => claiming(() => ({ keyHold: false })) },
  {
    name: 'capabilities-change',
    fault: 'claims something else at every call',
    killedBy: 'capabilities/complete',
    alterations: () => {
      let calls = 0
      return { capabilities: (claimed) => ('refused' in claimed ? claimed : Object.freeze({ ...claimed, maxMessageBytes: claimed.maxMessageBytes - ++calls })) }
    },
  },
  {
    name: 'inspect-adds',
    fault: 'finds capabilities when connected that it had denied',
    killedBy: 'capabilities/inspect-narrows',
    alsoKilledBy: ['capabilities/delayed-send-refused'],
    profile: 'kinesis',
    alterations: () => ({
      inspect: async (next) => ({ ...(await next()), delay: { maxMs: 86_400_000, resolutionMs: 0 }, deduplication: { windowMs: 300_000 }, priority: { levels: 10 }, timeToLive: { maxMs: 86_400_000 } }),
    }),
  },
  { name: 'inspect-widens', fault: 'has more capabilities once connected than it claimed', killedBy: 'capabilities/inspect-narrows', alterations: () => ({ inspect: async (next) => ({ ...(await next()), maxMessageBytes: Number.MAX_SAFE_INTEGER }) }) },
  { name: 'addresses-collide', fault: 'gives all destinations one address', killedBy: 'capabilities/addresses', alterations: () => ({ address: () => 'everything' }) },
  {
    name: 'inspect-invents',
    fault: 'makes up what it does not find',
    killedBy: 'capabilities/missing-endpoint',
    alterations: () => {
      let known: Awaited<ReturnType<Link['inspect']>> | undefined
      return {
        capabilities: (claimed) => {
          if (!('refused' in claimed)) known = claimed
          return claimed
        },
        inspect: async (next) => {
          try {
            return await next()
          } catch (error) {
            if (isBrokerError(error) && known !== undefined) return known
            throw error
          }
        },
      }
    },
  },
  {
    name: 'kind-claimed-and-refused',
    fault: 'claims streams and has none',
    killedBy: 'capabilities/kind-refused',
    profile: 'sqs-standard',
    kind: 'queue',
    alterations: () => ({
      capabilities: (claimed, endpoint) => ('refused' in claimed && endpoint.kind === 'stream' ? streamsClaimed : claimed),
      inspect: (next, endpoint) => (endpoint.kind === 'stream' ? Promise.reject(new BrokerError('ERR_UNSUPPORTED', 'no streams')) : next()),
    }),
  },
]

const streamsClaimed = memory().capabilities({ destination: 'any', kind: 'stream', name: 'any', keyed: false, maxAttempts: 0, options: {} })

function bound(replies: NonNullable<Link['replies']>): NonNullable<Link['replies']> {
  return { open: (deliver) => replies.open(deliver), send: (address, reply) => replies.send(address, reply), close: () => replies.close() }
}

type MakeReceiver = Exclude<Link['receiver'], false>

function receiverOrSilence(make: Link['receiver'], given: Parameters<MakeReceiver>): Receiver {
  const nothing = async (): Promise<void> => {}
  try {
    if (make !== false) return make(...given)
  } catch {
    // The fault: nobody is told.
  }
  return { start: nothing, settle: async () => [], resize: () => {}, pause: nothing, resume: nothing, handBack: nothing }
}
