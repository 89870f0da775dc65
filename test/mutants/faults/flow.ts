import type { Delivery, Incoming, SettleResult, Window } from '@busbar/core/driver'
import { disguise, original, withIncoming, type Alterations, type ReceiverSite } from '../alter.ts'
import { ackInSilence, after, toTheEnd } from '../edits.ts'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

const wide =
  (change: (window: Window) => Window): (() => Alterations) =>
  () => ({ window: change })

/** Passes on only what `room` allows. */
const filtered =
  (pass: (delivery: Delivery, site: ReceiverSite, passed: number) => boolean): (() => Alterations) =>
  () => {
    const counts = new WeakMap<ReceiverSite, number>()
    return {
      arrive: (deliveries, next, site) => {
        for (const delivery of deliveries) {
          const passed = counts.get(site) ?? 0
          if (!pass(delivery, site, passed)) continue
          counts.set(site, passed + 1)
          next([delivery])
        }
      },
    }
  }

const beforeHandBack =
  (act: (site: ReceiverSite) => Promise<void> | void): (() => Alterations) =>
  () => ({
    receiver: (site) => ({
      handBack: async () => {
        await act(site)
        await site.receiver.handBack()
      },
    }),
  })

export const flowFaults: readonly Mutant[] = [
  {
    name: 'shares-what-it-calls-exclusive',
    fault: 'says that consumers do not share a source, and gives its messages to two in turn',
    killedBy: 'flow/exclusive-consumer',
    alsoOn: ['sqs-standard', 'rabbitmq'],
    alterations: () => claiming(() => ({ competingConsumers: false })),
  },
  {
    name: 'window-ignored',
    fault: 'delivers more messages than the window allows',
    killedBy: 'flow/window-messages',
    alsoKilledBy: ['flow/back-pressure', 'flow/suspend'],
    alterations: wide(({ bytes }) => ({ messages: 1_000, bytes })),
  },
  {
    name: 'window-one-too-many',
    fault: 'delivers one message more than the window allows',
    killedBy: 'flow/window-messages',
    alterations: wide(({ messages, bytes }) => ({ messages: messages + 1, bytes })),
  },
  {
    name: 'window-never-refilled',
    fault: 'never delivers more than one window',
    killedBy: 'flow/window-messages',
    alterations: filtered((_delivery, { window }, passed) => passed < window.messages),
  },
  {
    name: 'window-bytes-ignored',
    fault: 'delivers more bytes than the window allows',
    killedBy: 'flow/window-bytes',
    alterations: wide(({ messages }) => ({ messages, bytes: 1_000_000_000 })),
  },
  {
    name: 'larger-than-window-stuck',
    fault: 'never delivers a message larger than the window',
    killedBy: 'flow/window-and-large-message',
    alterations: filtered(({ incoming }, { window }) => incoming.bodyBytes <= window.bytes),
  },
  { name: 'resize-no-op', fault: 'does not change its window', killedBy: 'flow/resize', alterations: () => ({ receiver: () => ({ resize: () => {} }) }) },
  {
    name: 'shrink-ignored',
    fault: 'does not make its window smaller',
    killedBy: 'flow/resize',
    alterations: () => ({
      receiver: ({ receiver, window }) => ({
        resize: (size) => receiver.resize(size.messages <= window.messages ? { messages: 10, bytes: size.bytes } : size),
      }),
    }),
  },
  {
    name: 'pause-no-op',
    fault: 'goes on delivering while paused',
    killedBy: 'flow/pause',
    alterations: () => ({ receiver: () => ({ pause: async () => {} }) }),
  },
  {
    name: 'pause-answered-early',
    fault: 'answers a pause while a request for more is out, and delivers what that brings',
    killedBy: 'flow/pause-under-load',
    alterations: () => ({
      receiver: ({ receiver, services: { clock } }) => ({
        pause: async () => void clock.timer(clock.monotonic() + 20, () => void receiver.pause()),
      }),
    }),
  },
  {
    name: 'resume-no-op',
    fault: 'never goes on after a pause',
    killedBy: 'flow/pause',
    alsoKilledBy: ['flow/suspend'],
    alterations: () => ({ receiver: () => ({ resume: async () => {} }) }),
  },
  {
    name: 'pause-gives-up-leases',
    fault: 'gives up what it holds when it is paused',
    killedBy: 'flow/pause',
    alterations: () => ({
      receiver: (site) => ({
        pause: async () => {
          await site.receiver.pause()
          await site.receiver.settle([...site.unsettled].map((delivery) => ({ delivery, action: 'release' })))
        },
      }),
    }),
  },
  {
    name: 'held-message-stops-all',
    fault: 'delivers nothing while a message has been held for more than a second',
    killedBy: 'retry/blocked-key',
    profile: 'rabbitmq',
    alterations: () => {
      const since = new WeakMap<Delivery, number>()
      return {
        arrive: (deliveries, next, site) => {
          const { clock } = site.services
          const held = (): boolean => [...site.unsettled].some((delivery) => clock.monotonic() - (since.get(delivery) ?? Infinity) > 1_000)
          const pass = (): void => {
            if (held()) return after(site, 1_000, pass)
            for (const delivery of deliveries) since.set(original(delivery), clock.monotonic())
            next(deliveries)
          }
          pass()
        },
      }
    },
  },
  {
    name: 'every-consumer-gets-all',
    fault: 'gives every message to all consumers of a source',
    killedBy: 'flow/competing-consumers',
    alterations: () => {
      const sites: { readonly site: ReceiverSite; readonly next: (deliveries: readonly Delivery[]) => void }[] = []
      return {
        arrive: (deliveries, next, site) => {
          if (!sites.some((other) => other.site === site)) sites.push({ site, next })
          for (const { next: give } of sites) give(deliveries.map((delivery) => disguise(delivery, {})))
        },
        receiver: (site) => {
          sites.push({ site, next: (deliveries) => site.intake.deliver(deliveries) })
          return {}
        },
      }
    },
  },
  {
    name: 'second-consumer-starved',
    fault: 'delivers to the first consumer of a source only',
    killedBy: 'flow/competing-consumers',
    alterations: () => {
      const first = new Map<string, ReceiverSite>()
      return {
        receiver: (site) => {
          const owner = first.get(site.endpoint.name)
          if (owner === undefined) first.set(site.endpoint.name, site)
          return owner === undefined ? {} : { start: async () => {} }
        },
      }
    },
  },
  {
    name: 'hand-back-acks',
    fault: 'acks what it hands back',
    killedBy: 'drain/hand-back-keeps-all',
    alsoKilledBy: ['drain/finishes-what-runs'],
    alterations: beforeHandBack((site) => ackInSilence(site, [...site.unsettled])),
  },
  {
    name: 'hand-back-loses-prefetched',
    fault: 'loses the last message that it hands back',
    killedBy: 'drain/hand-back-keeps-all',
    alterations: beforeHandBack((site) => ackInSilence(site, [...site.unsettled].slice(-1))),
  },
  {
    name: 'hand-back-to-tail',
    fault: 'puts what it hands back behind all other messages',
    killedBy: 'drain/hand-back-in-order',
    alterations: beforeHandBack((site) => toTheEnd(site, [...site.unsettled])),
  },
  {
    name: 'hand-back-reversed',
    fault: 'hands back in reverse',
    killedBy: 'drain/hand-back-in-order',
    profile: 'sqs-fifo',
    alterations: beforeHandBack((site) => toTheEnd(site, [...site.unsettled].toReversed())),
  },
  {
    name: 'hand-back-no-op',
    fault: 'leaves what it should hand back to its lease',
    killedBy: 'drain/hand-back-keeps-all',
    alterations: () => ({ receiver: () => ({ handBack: async () => {} }) }),
  },
  {
    name: 'delivers-after-hand-back',
    fault: 'goes on delivering after it has handed back',
    killedBy: 'drain/silent-after-hand-back',
    alterations: () => ({
      receiver: (site) => ({
        handBack: async () => {
          await site.receiver.settle([...site.unsettled].map((delivery) => ({ delivery, action: 'release' })))
          await site.receiver.resume()
        },
      }),
    }),
  },
  {
    name: 'close-hangs',
    fault: 'never ends closing its link',
    killedBy: 'drain/silent-after-hand-back',
    alsoKilledBy: ['errors/closed-broker'],
    alterations: () => ({ link: () => ({ close: () => new Promise(() => {}) }) }),
  },
  {
    name: 'attempt-raised-by-hand-back',
    fault: 'counts an attempt for messages that were handed back unstarted',
    killedBy: 'drain/uses-no-attempt',
    alterations: () => {
      const handed = new Map<string, number>()
      const raised = (incoming: Incoming): Partial<Incoming> => ({ attempt: incoming.attempt + (handed.get(incoming.id ?? '') ?? 0) })
      return {
        arrive: (deliveries, next) => next(deliveries.map((delivery) => withIncoming(delivery, raised(delivery.incoming)))),
        ...beforeHandBack((site) => {
          for (const { incoming } of site.unsettled) handed.set(incoming.id ?? '', (handed.get(incoming.id ?? '') ?? 0) + 1)
        })(),
        settle: async (outcomes, next): Promise<readonly SettleResult[]> => {
          for (const { action, delivery } of outcomes) if (action === 'release') handed.set(original(delivery).incoming.id ?? '', 1)
          return next(outcomes)
        },
      }
    },
  },
]
