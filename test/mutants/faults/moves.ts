import type { Endpoint, Incoming, Link, MoveOptions, Outgoing } from '@busbar/core/driver'
import type { MemoryDriver } from '@busbar/memory'
import type { Alterations } from '../alter.ts'
import { outgoingOf } from '../edits.ts'
import type { Mutant } from '../mutant.ts'

type Move = (from: Endpoint, to: Endpoint, options: MoveOptions) => Promise<{ readonly moved: number }>

/** A link with a move of its own, and what it may be made of. */
interface Site {
  readonly sound: Move
  readonly look: (endpoint: Endpoint) => Promise<readonly Incoming[]>
  readonly send: (endpoint: Endpoint, messages: readonly Outgoing[]) => Promise<void>
  readonly empty: (endpoint: Endpoint) => void
}

const never = new AbortController().signal

const moving =
  (change: (site: Site) => Move): (() => Alterations) =>
  () => ({
    link: (link) => {
      const sound = link.move?.bind(link)
      return sound === undefined ? {} : { move: change({ sound, ...means(link) }) }
    },
  })

function means(link: Link): Omit<Site, 'sound'> {
  return {
    look: async (endpoint) => (await link.browse?.(endpoint, { limit: 1_000 }, never))?.messages ?? [],
    send: async (endpoint, messages) => void (await link.sender(endpoint).send(messages, never)),
    empty: ({ name }) => (link.native as MemoryDriver).purge(name),
  }
}

function outgoing(incoming: Incoming): Outgoing {
  return outgoingOf(incoming, { services: { clock: { now: () => 0 } } as never })
}

/** Moves by copies that are not what was there. */
const altering = (alter: (message: Outgoing) => Outgoing): (() => Alterations) =>
  moving(({ look, send, empty }) => async (from, to, { onProgress }) => {
    const messages = (await look(from)).map(outgoing)
    await send(to, messages.map(alter))
    empty(from)
    onProgress?.(messages.length)
    return { moved: messages.length }
  })

function withoutDeadHeader(message: Outgoing): Outgoing {
  const { 'busbar-dead': _, ...headers } = message.headers
  return { ...message, headers }
}

function without(option: keyof MoveOptions, options: MoveOptions): MoveOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== option))
}

export const moveFaults: readonly Mutant[] = [
  {
    name: 'move-copies',
    fault: 'leaves what it moves where it was, too',
    killedBy: 'dead-letters/moved-natively',
    alterations: moving(({ sound, look, send }) => async (from, to, options) => {
      const before = (await look(from)).map(outgoing)
      const result = await sound(from, to, options)
      await send(from, before)
      return result
    }),
  },
  {
    name: 'move-no-op',
    fault: 'says that dead letters are moved, and moves none',
    killedBy: 'dead-letters/moved-natively',
    alterations: moving(({ look }) => async (from, _to, { onProgress }) => {
      const { length: moved } = await look(from)
      onProgress?.(moved)
      return { moved }
    }),
  },
  {
    name: 'move-keeps-dead-header',
    fault: 'leaves on what it moves the header that says why it was a dead letter',
    killedBy: 'dead-letters/moved-natively',
    alterations: altering((message) => message),
  },
  {
    name: 'move-renames',
    fault: 'gives what it moves a new identity',
    killedBy: 'dead-letters/moved-natively',
    alterations: altering((message) => ({ ...withoutDeadHeader(message), id: `new-${message.id}` })),
  },
  {
    name: 'move-unstoppable',
    fault: 'goes on moving when it is told to stop',
    killedBy: 'dead-letters/move-stopped',
    alterations: moving(
      ({ sound }) =>
        (from, to, options) =>
          sound(from, to, without('signal', options)),
    ),
  },
  {
    name: 'move-at-any-rate',
    fault: 'moves at any rate but the one that was asked for',
    killedBy: 'dead-letters/move-stopped',
    alterations: moving(
      ({ sound }) =>
        (from, to, options) =>
          sound(from, to, without('ratePerSecond', options)),
    ),
  },
]
