import { BrokerError, type Delivery, type Link, type Outcome, type Receiver, type Scope } from '@busbar/core/driver'
import { original, type Alterations, type ReceiverSite } from '../alter.ts'
import type { Mutant } from '../mutant.ts'

export const connectionFaults: readonly Mutant[] = [
  {
    name: 'health-always-connected',
    fault: 'says that it is connected whatever happens',
    killedBy: 'reconnect/health',
    alterations: () => ({ link: () => ({ health: () => ({ state: 'connected' }) }) }),
  },
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
        send: async (batch, next) =>
          cut ? batch.map(() => ({ ok: false, stored: 'no', error: new BrokerError('ERR_UNAVAILABLE', 'gone') }) as const) : next(batch),
      }
    },
  },
  {
    name: 'send-hangs-at-cut',
    fault: 'never answers a send whose connection is cut',
    killedBy: 'reconnect/answers-over-cut',
    profile: 'rabbitmq',
    alterations: () => ({
      send: async (batch, next) => {
        const results = await next(batch)
        return results.some((result) => !result.ok) ? new Promise(() => {}) : results
      },
    }),
  },
  {
    name: 'settle-hangs-at-cut',
    fault: 'never answers a settle whose connection is cut',
    killedBy: 'reconnect/answers-over-cut',
    profile: 'rabbitmq',
    alterations: () => ({
      settle: async (outcomes, next) => {
        const results = await next(outcomes)
        return results.some((result) => result !== 'durable' && result !== 'accepted') ? new Promise(() => {}) : results
      },
    }),
  },
  {
    name: 'hand-back-waits-for-broker',
    fault: 'ends no receiver while the broker cannot be reached',
    killedBy: 'reconnect/ends-in-outage',
    alterations: () => ({
      receiver: ({ receiver, link }) => ({ handBack: () => (link.health().state === 'connected' ? receiver.handBack() : new Promise(() => {})) }),
    }),
  },
  {
    name: 'settle-waits-for-broker',
    fault: 'answers no settle while the broker cannot be reached',
    killedBy: 'reconnect/ends-in-outage',
    alterations: () => ({
      settle: (outcomes, next, { link }) => (link.health().state === 'connected' ? next(outcomes) : new Promise(() => {})),
    }),
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
    name: 'outage-taken-for-misconfiguration',
    fault: 'says that it is wrongly configured when it cannot reach its broker',
    killedBy: 'reconnect/start-during-outage',
    alterations: () => ({
      connect: async (next, signal) => {
        try {
          return await next(signal)
        } catch (error) {
          throw new BrokerError('ERR_CONFIGURATION', 'There is nothing at that address.', { cause: error })
        }
      },
    }),
  },
  {
    name: 'outage-taken-for-absence',
    fault: 'takes what it could not reach for something that is not there, and stays with that',
    killedBy: 'reconnect/start-during-outage',
    alterations: () => {
      let missed = false
      return {
        connect: async (next, signal) => {
          try {
            return await next(signal)
          } catch (error) {
            missed = true
            throw error
          }
        },
        inspect: async (next) => {
          if (missed) throw new BrokerError('ERR_NOT_FOUND', 'There is no such destination.')
          return next()
        },
      }
    },
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
          if (result?.ok === false) clock.timer(clock.monotonic() + 500, () => void again())
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
    name: 'tag-reused-after-reconnect',
    fault: 'numbers receipts from the start again on every connection, and takes an old number for a new one',
    killedBy: 'reconnect/old-receipts',
    alsoKilledBy: ['reconnect/old-receipts-of-keys'],
    profile: 'rabbitmq',
    alterations: reusedTags,
  },
  {
    name: 'abort-of-connect-ignored',
    fault: 'connects although the signal has fired',
    killedBy: 'errors/aborted-connect',
    alterations: () => ({ connect: (next) => next(new AbortController().signal) }),
  },
  {
    name: 'missing-source-swallowed',
    fault: 'waits for ever at a source that does not exist',
    killedBy: 'errors/receive-from-missing',
    alterations: () => ({ link: ({ receiver }) => ({ receiver: (...given) => receiverOrSilence(receiver, given) }) }),
  },
]

/** As a client library does that settles by a number on the receiver's present channel. */
function reusedTags(): Alterations {
  const channels = new WeakMap<ReceiverSite, { readonly scope: Scope; readonly tags: Delivery[] }>()
  const tagOf = new WeakMap<Delivery, number>()
  return {
    arrive: (deliveries, next, site) => {
      for (const delivery of deliveries) {
        let channel = channels.get(site)
        if (channel?.scope !== delivery.scope) channels.set(site, (channel = { scope: delivery.scope, tags: [] }))
        tagOf.set(original(delivery), channel.tags.push(original(delivery)) - 1)
      }
      next(deliveries)
    },
    settle: (outcomes, next, site) => {
      const channel = channels.get(site)
      const aimed = (outcome: Outcome): Outcome => ({ ...outcome, delivery: channel?.tags[tagOf.get(original(outcome.delivery)) ?? -1] ?? outcome.delivery })
      return next(outcomes.map((outcome) => (outcome.delivery.scope === channel?.scope ? outcome : aimed(outcome))))
    },
  }
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
